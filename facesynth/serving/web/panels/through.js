/** How much of the photo shines through the label map. */

import { part } from "./elements.js";

export class Through {
  #file = null;
  #face = null;

  constructor(view) {
    this.view = view;
    this.slider = part("through");
    this.slider.addEventListener("input", () => this.#shine());
  }

  /** Let another face shine through; none where it is null. */
  async show(face) {
    part("through-field").hidden = !face;
    this.#file = face;
    const bitmap = face && (await createImageBitmap(face));
    if (this.#file !== face) return;
    this.#face = bitmap;
    this.#shine();
  }

  #shine() {
    this.view.showPhoto(this.#face, Number(this.slider.value) / 100);
  }
}
