/** Which part of the label map is seen, and how large: from pixels of the map to pixels of the screen and back. */

const MOST = 16;

export class Viewport {
  zoom = 1;
  x = 0;
  y = 0;

  /** `side` is the map's, in its pixels; `size` is the view's, in CSS pixels. */
  constructor(side, size = 1) {
    this.side = side;
    this.size = size;
  }

  /** Screen pixels a map pixel takes. */
  get scale() {
    return (this.size / this.side) * this.zoom;
  }

  toMap(point) {
    return { x: this.x + point.x / this.scale, y: this.y + point.y / this.scale };
  }

  toScreen(point) {
    return { x: (point.x - this.x) * this.scale, y: (point.y - this.y) * this.scale };
  }

  /** Zoom by a factor; what lies under a point of the screen stays there. */
  zoomAt(factor, point) {
    const held = this.toMap(point);
    this.zoom = Math.min(MOST, Math.max(1, this.zoom * factor));
    this.x = held.x - point.x / this.scale;
    this.y = held.y - point.y / this.scale;
    this.#hold();
  }

  /** Move what is seen by pixels of the screen. */
  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.#hold();
  }

  /** Show the whole map. */
  fit() {
    this.zoom = 1;
    this.#hold();
  }

  #hold() {
    const room = this.side - this.side / this.zoom;
    this.x = Math.min(room, Math.max(0, this.x));
    this.y = Math.min(room, Math.max(0, this.y));
  }
}
