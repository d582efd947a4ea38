/** A photo from the camera. */

import { part } from "./elements.js";
import { toast } from "./messages.js";

/** `take(blob)` gets the photo. */
export function showCamera(take) {
  const [dialog, video] = [part("camera"), part("video")];
  part("camera-open").hidden = !navigator.mediaDevices?.getUserMedia;
  part("camera-open").addEventListener("click", async () => {
    part("start").close();
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: 1280 } });
      dialog.showModal();
      await video.play();
    } catch {
      stop(video);
      dialog.close();
      toast("The camera is not available.", "Allow it for this page, or choose a photo.");
    }
  });
  dialog.addEventListener("close", () => stop(video));
  part("shoot").addEventListener("click", async () => {
    const sheet = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    if (!sheet.width || !sheet.height) return;
    sheet.getContext("2d").drawImage(video, 0, 0);
    const photo = await sheet.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    dialog.close();
    take(photo);
  });
}

function stop(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}
