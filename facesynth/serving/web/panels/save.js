/** Save: the picture, the label map, or both as a document. */

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

/** Give a Blob to the browser to be kept as a file. */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
