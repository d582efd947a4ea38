import { NONE } from "./hidden.js";

/** The labels as the server tells them: names, colours, mirror images and the keys that choose them. */
export class Palette {
  /** `labels` is what GET /labels gives in "labels". */
  constructor(labels) {
    this.labels = labels.map((label) => ({ ...label, rgb: rgb(label.colour), key: keyOf(label.id) }));
    this.colours = this.labels.map((label) => label.rgb);
    this.mirror = this.labels.map((label) => label.mirror);
    this.background = this.id("background");
  }

  /** The id of a name, undefined where there is none. */
  id(name) {
    return this.labels.find((label) => label.name === name)?.id;
  }

  /** What each id looks like, 0xAABBGGRR as ImageData holds it: all but `lit` dimmed, `hidden` ones clear. */
  lookup(lit = null, hidden = NONE) {
    return Uint32Array.from(this.colours, (colour, id) => {
      if (hidden.has(id)) return 0;
      const [red, green, blue] = lit === null || lit === id ? colour : colour.map((part) => 70 + part * 0.22);
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
  }
}

function rgb(colour) {
  const number = parseInt(colour.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** The digit that chooses a label: its id, with Shift from 10 on. Null where the digits have run out. */
function keyOf(id) {
  return id < 20 ? { digit: id % 10, shift: id >= 10 } : null;
}
