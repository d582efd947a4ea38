/** The painted picture: the old one stays until the new one is decoded. A line divides it from the face before. */

import { part } from "./elements.js";

export class Picture {
  /** What is shown, a PNG, null before the first. */
  blob = null;
  #face = null;
  #earlier = null;
  #shown = null;
  #reference = null;

  /** `note` says what the first picture waits for. */
  constructor(state, note) {
    Object.assign(this, { state, note });
    this.image = part("picture");
    this.stage = part("picture-stage");
    this.before = part("reference");
    this.divide = part("divide");
    this.toggle = part("compare");
    this.toggle.addEventListener("click", () => state.set("compare", !state.get("compare")));
    this.divide.addEventListener("input", () => this.#divided());
    state.watch("compare", () => this.#compared());
  }

  /** Show a picture. */
  async show(blob) {
    const url = URL.createObjectURL(blob);
    const next = new Image();
    next.src = url;
    await next.decode();
    const old = this.image.src;
    this.image.src = url;
    this.image.hidden = false;
    this.blob = blob;
    this.note.painted();
    if (old) setTimeout(() => URL.revokeObjectURL(old), 1000);
    this.#compared();
  }

  /** Say that a picture is being painted, or that none is. */
  working(busy) {
    this.stage.dataset.state = busy ? "working" : "ready";
  }

  /** What the picture is compared with: the face in its photo, or null where it has none. */
  compareWith(face) {
    this.#face = face;
    this.#refer();
  }

  /** What it is compared with where it has no photo: an earlier picture, or null. */
  compareWithEarlier(blob) {
    this.#earlier = blob;
    this.#refer();
  }

  #refer() {
    const blob = this.#face ?? this.#earlier;
    const name = this.#face ? "the face in the photo" : "the picture before";
    this.toggle.title = blob ? `Compare with ${name} (C)` : "";
    this.before.alt = blob ? name : "";
    if (blob !== this.#shown) {
      if (this.#reference) URL.revokeObjectURL(this.#reference);
      this.#reference = blob && URL.createObjectURL(blob);
      if (blob) this.before.src = this.#reference;
      this.#shown = blob;
    }
    this.#compared();
  }

  #compared() {
    const possible = Boolean(this.#reference && this.blob);
    const on = possible && this.state.get("compare");
    this.toggle.disabled = !possible;
    this.toggle.setAttribute("aria-pressed", String(on));
    this.before.hidden = this.divide.hidden = !on;
    this.#divided();
  }

  #divided() {
    this.stage.style.setProperty("--divide", `${this.divide.value}%`);
  }
}
