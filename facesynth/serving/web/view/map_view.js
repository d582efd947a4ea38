/** The label map on the screen: ids looked up in the palette, sharp at every zoom, the photo shining through. */

import { NONE } from "../labels/hidden.js";
import { NOTHING, union, whole } from "../labels/rects.js";
import { Ground } from "./ground.js";
import { Viewport } from "./viewport.js";

export class MapView {
  #dirty = NOTHING;
  #exposed = true;
  #frame = 0;
  #box = null;
  #hidden = NONE;
  #lit = null;
  #lookup;
  #ground;
  #through = 0;

  /** `canvas` fills its parent, which is square. */
  constructor(canvas, map, palette) {
    this.canvas = canvas;
    this.map = map;
    this.palette = palette;
    this.viewport = new Viewport(map.side);
    this.moved = () => {};
    this.#lookup = palette.lookup();
    this.context = canvas.getContext("2d", { alpha: false });
    this.sheet = new OffscreenCanvas(map.side, map.side);
    this.sheetContext = this.sheet.getContext("2d");
    this.pixels = new ImageData(map.side, map.side);
    this.words = new Uint32Array(this.pixels.data.buffer);
    this.#ground = new Ground(map.side);
    this.#forget();
    new ResizeObserver(() => this.#resize()).observe(canvas.parentElement);
    this.changed(whole(map.side));
  }

  /** Draw a rectangle of the map anew with the next frame. */
  changed(rect) {
    this.#dirty = union(this.#dirty, rect);
    if (rect.width) this.#soon();
  }

  /** Dim all labels but one, or none. */
  light(label) {
    this.#lit = label;
    this.#recolour();
  }

  /** Show no more of some labels than what lies under them. */
  hide(labels) {
    this.#hidden = labels;
    this.#recolour();
  }

  #recolour() {
    this.#lookup = this.palette.lookup(this.#lit, this.#hidden);
    this.changed(whole(this.map.side));
  }

  /** The photo that the map lies on, an ImageBitmap or null, and how much of it shines through, 0..1. */
  showPhoto(photo, through) {
    this.#ground.photo = photo;
    this.#through = photo ? through : 0;
    this.#expose();
  }

  /** Zoom or pan: `move(viewport)` does it. */
  look(move) {
    move(this.viewport);
    this.#expose();
    this.moved();
  }

  /** A point of the map under a point of the window. */
  under(event) {
    const box = (this.#box ??= this.canvas.getBoundingClientRect());
    return this.viewport.toMap({ x: event.clientX - box.x, y: event.clientY - box.y });
  }

  /** Where the canvas lies is not measured with every move of a pointer: it would be a layout each. */
  #forget() {
    const forget = () => {
      this.#box = null;
    };
    for (const name of ["resize", "scroll"]) addEventListener(name, forget, { capture: true, passive: true });
    for (const name of ["pointerenter", "pointerdown"]) this.canvas.addEventListener(name, forget, { capture: true });
  }

  #resize() {
    this.#box = null;
    const size = this.canvas.parentElement.clientWidth;
    if (!size) return;
    const pixels = Math.round(size * devicePixelRatio);
    this.viewport.size = size;
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    this.#expose();
    this.moved();
  }

  #expose() {
    this.#exposed = true;
    this.#soon();
  }

  #soon() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const rect = this.#dirty;
    this.#dirty = NOTHING;
    if (rect.width) this.#look(rect);
    const { context, canvas } = this;
    const scale = (canvas.width / this.map.side) * this.viewport.zoom;
    context.save();
    if (!this.#exposed) this.#clip(rect, scale);
    this.#exposed = false;
    context.setTransform(scale, 0, 0, scale, -this.viewport.x * scale, -this.viewport.y * scale);
    if (this.#through || this.#hidden.size) this.#ground.draw(context);
    context.globalAlpha = 1 - this.#through;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.sheet, 0, 0);
    context.restore();
  }

  /** Turn the ids of a rectangle into colours. */
  #look(rect) {
    const { side, ids } = this.map;
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      const end = y * side + rect.x + rect.width;
      for (let i = y * side + rect.x; i < end; i++) this.words[i] = this.#lookup[ids[i]];
    }
    this.sheetContext.putImageData(this.pixels, 0, 0, rect.x, rect.y, rect.width, rect.height);
  }

  /** Draw no more than a rectangle of the map, rounded up to whole pixels of the screen. */
  #clip(rect, scale) {
    const left = Math.floor((rect.x - this.viewport.x) * scale) - 1;
    const top = Math.floor((rect.y - this.viewport.y) * scale) - 1;
    this.context.beginPath();
    this.context.rect(left, top, Math.ceil(rect.width * scale) + 3, Math.ceil(rect.height * scale) + 3);
    this.context.clip();
  }
}
