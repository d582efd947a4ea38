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

/** Show an error in words that help. */
export function toastError(error) {
  if (error.name === "AbortError") return;
  const { words, hint } = wordsOf(error);
  toast(words, hint);
}

/** An error's words and a hint, null where there is none: the server's own where it has told some. */
export function wordsOf(error) {
  if (error instanceof TypeError) return { words: "The server cannot be reached.", hint: "The drawing is safe in this page." };
  if (error.status === 401) return { words: "The server wants its token.", hint: "Open the address that facesynth serve printed." };
  return { words: sentence(error.message), hint: error.hint ? sentence(error.hint) : null };
}

function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? "" : "."}`;
}
