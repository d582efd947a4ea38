/** What the page has to say: toasts for all, and words for those who listen. */

import { make, part } from "./elements.js";

const SECONDS = 7;

/** Say something to those who hear the page rather than see it. */
export function say(words) {
  part("announcer").textContent = words;
}

/** Show a message for some seconds; the same one is not shown twice at a time. */
export function toast(words, hint = null) {
  const toasts = part("toasts");
  if ([...toasts.children].some((each) => each.dataset.words === words)) return;
  const text = make("p", {}, words);
  if (hint) text.append(make("small", {}, hint));
  const close = make("button", { className: "quiet" }, "Close");
  const shown = make("div", { className: "toast", "data-words": words }, text, close);
  close.addEventListener("click", () => shown.remove());
  toasts.append(shown);
  setTimeout(() => shown.remove(), SECONDS * 1000);
}

/** Show an error in words that help: the server's own where it has told some. */
export function toastError(error) {
  if (error.name === "AbortError") return;
  if (error instanceof TypeError) toast("The server cannot be reached.", "The drawing is safe in this page.");
  else if (error.status === 401) toast("The server wants its token.", "Open the address that facesynth serve printed.");
  else toast(sentence(error.message), error.hint && sentence(error.hint));
}

function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? "" : "."}`;
}
