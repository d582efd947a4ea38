/** Save: the picture, the label map, both as a document, or the picture back in its photo. */

import { make, part } from "./elements.js";
import { toast, toastError } from "./messages.js";

/** `makers` gives for each part of the menu the file's name and what makes its Blob, null where there is nothing yet. */
export function showSave(makers) {
  for (const [id, { name, made }] of Object.entries(makers)) {
    part(id).addEventListener("click", async () => {
      part("save").hidePopover();
      try {
        const blob = await made();
        if (blob) download(blob, name);
        else toast("There is no picture yet.");
      } catch (error) {
        toastError(error);
      }
    });
  }
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
