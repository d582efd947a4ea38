/** A question with two answers. */

import { part } from "./elements.js";

/** Ask it; `go` is what the button says that goes on. Returns whether it was pressed. */
export function ask({ title, words, go }) {
  const dialog = part("ask");
  part("ask-title").textContent = title;
  part("ask-words").textContent = words;
  part("ask-go").textContent = go;
  dialog.returnValue = "";
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "go"), { once: true });
    dialog.showModal();
  });
}
