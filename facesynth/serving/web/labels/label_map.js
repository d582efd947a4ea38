/** The label map: a square of label ids, a byte a pixel, row by row. It is the truth; all else is made from it. */
export class LabelMap {
  constructor(side, ids = new Uint8Array(side * side)) {
    if (ids.length !== side * side) throw new RangeError(`${ids.length} ids are no square of ${side}`);
    this.side = side;
    this.ids = ids;
  }

  /** The id at a pixel, null outside. */
  at(x, y) {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const inside = column >= 0 && row >= 0 && column < this.side && row < this.side;
    return inside ? this.ids[row * this.side + column] : null;
  }

  /** The ids of a rectangle, copied. */
  cut(rect) {
    const cut = new Uint8Array(rect.width * rect.height);
    for (let row = 0; row < rect.height; row++) {
      const start = (rect.y + row) * this.side + rect.x;
      cut.set(this.ids.subarray(start, start + rect.width), row * rect.width);
    }
    return cut;
  }

  /** Put the ids of a rectangle in its place. */
  put(rect, ids) {
    for (let row = 0; row < rect.height; row++) {
      const part = ids.subarray(row * rect.width, (row + 1) * rect.width);
      this.ids.set(part, (rect.y + row) * this.side + rect.x);
    }
  }

  /** A map of another side, each pixel the nearest of this one. */
  resized(side) {
    if (side === this.side) return new LabelMap(side, this.ids.slice());
    const resized = new LabelMap(side);
    const step = this.side / side;
    for (let y = 0; y < side; y++) {
      const row = Math.floor((y + 0.5) * step) * this.side;
      for (let x = 0; x < side; x++) resized.ids[y * side + x] = this.ids[row + Math.floor((x + 0.5) * step)];
    }
    return resized;
  }
}
