/** What goes on, in words over the picture: what is being opened or read, else what the first picture waits for. */

import { part } from "./elements.js";
import { say } from "./messages.js";

export class Note {
  #doing = new Map();
  #first;

  constructor() {
    this.place = part("waiting");
    this.#first = this.place.textContent;
  }

  /** Say what is being done `of` something, nothing of it any more where there are no words. */
  doing(of, words) {
    this.#doing.delete(of);
    if (words) {
      this.#doing.set(of, words);
      say(words);
    }
    this.#show();
  }

  /** The first picture is there. */
  painted() {
    this.#first = null;
    this.#show();
  }

  #show() {
    const words = [...this.#doing.values()].at(-1) ?? this.#first;
    this.place.hidden = !words;
    if (words) this.place.textContent = words;
  }
}
