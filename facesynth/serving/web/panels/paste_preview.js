/** The picture back in its photo, looked at before it is saved: a line divides what was from what will be. */

import { part } from "./elements.js";
import { say, toastError } from "./messages.js";
import { download } from "./save.js";

const CALM = 200; // ms without a change of the settings after which the photo is made anew
const ROOM = 1.3; // what is seen around the face from nearby, in sides of its crop

export class PastePreview {
  #abort = null;
  #blob = null;
  #timer = 0;
  #source = null;

  /** `paste({ feather, own }, signal)` gives the photo with the picture in it. */
  constructor(paste) {
    this.paste = paste;
    this.dialog = part("paste");
    this.look = part("paste-look");
    this.before = part("paste-before");
    this.after = part("paste-after");
    this.near = part("paste-near");
    this.divide = part("paste-divide");
    this.divide.addEventListener("input", () => this.#divided());
    for (const name of ["paste-feather", "paste-own"]) part(name).addEventListener("input", () => this.#soon());
    this.near.addEventListener("click", () => this.#frame(this.near.getAttribute("aria-pressed") !== "true"));
    for (const image of [this.before, this.after]) image.addEventListener("load", () => this.#frame(this.#isNear));
    new ResizeObserver(() => this.#frame(this.#isNear)).observe(this.look);
    part("paste-save").addEventListener("click", () => {
      download(this.#blob, "photo.png");
      this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.#forget());
  }

  /** Open it for a face: its photo, the transform from its crop to the photo, and the crop's size. */
  show(source) {
    this.#source = source;
    this.divide.value = "50";
    this.#divided();
    this.before.src = URL.createObjectURL(source.photo);
    this.dialog.showModal();
    this.#frame(false);
    this.#make();
  }

  get #isNear() {
    return this.near.getAttribute("aria-pressed") === "true";
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#make(), CALM);
  }

  /** Make it with the settings as they are; an older one that is still being made is given up. */
  async #make() {
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    const how = { feather: Number(part("paste-feather").value) / 100, own: part("paste-own").checked };
    this.look.dataset.state = "working";
    part("paste-save").disabled = true;
    try {
      const blob = await this.paste(how, signal);
      if (signal.aborted) return;
      this.#blob = blob;
      this.#put(this.after, blob);
      part("paste-save").disabled = false;
      say("the photo is ready to be saved");
    } catch (error) {
      toastError(error);
    }
    if (!signal.aborted) this.look.dataset.state = "ready";
  }

  #put(image, blob) {
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(blob);
    image.hidden = false;
  }

  /** Nothing of a photo is held longer than it is looked at. */
  #forget() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    for (const image of [this.before, this.after]) {
      URL.revokeObjectURL(image.src);
      image.removeAttribute("src");
    }
    this.after.hidden = true;
    this.#blob = this.#source = null;
  }

  #divided() {
    this.look.style.setProperty("--divide", `${this.divide.value}%`);
    this.divide.setAttribute("aria-valuetext", `${this.divide.value} % before`);
  }

  /** Show the whole photo, or the face from nearby. */
  #frame(near) {
    this.near.setAttribute("aria-pressed", String(near));
    const { naturalWidth: width, naturalHeight: height } = this.before;
    if (!this.#source || !width) return;
    const [wide, high] = [this.look.clientWidth, this.look.clientHeight];
    const fit = Math.min(wide / width, high / height);
    const close = Math.min(wide, high) / (ROOM * this.#side);
    this.near.hidden = close < 1.2 * fit; // the face fills the photo anyhow
    const scale = near ? Math.max(fit, close) : fit;
    const at = near ? this.#middle : { x: width / 2, y: height / 2 };
    const move = `translate(${wide / 2 - scale * at.x}px, ${high / 2 - scale * at.y}px) scale(${scale / fit})`;
    for (const image of [this.before, this.after]) {
      image.style.width = `${width * fit}px`;
      image.style.height = `${height * fit}px`;
      image.style.transform = move;
    }
  }

  /** The crop's side in pixels of the photo. */
  get #side() {
    const { transform, size } = this.#source;
    return Math.hypot(transform[0][0], transform[1][0]) * size;
  }

  /** The crop's middle in pixels of the photo. */
  get #middle() {
    const { transform, size } = this.#source;
    const [x, y] = transform.map(([a, b, c]) => (a * size) / 2 + (b * size) / 2 + c);
    return { x, y };
  }
}
