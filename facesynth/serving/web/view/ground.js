/** What lies under the label map and is seen where labels are hidden or let it through: the photo, or else a checkerboard. */

const CELL = 8;
const GREYS = ["#8d8d93", "#7c7c82"];

export class Ground {
  /** An ImageBitmap of the face in the photo, or null. */
  photo = null;

  constructor(side) {
    this.side = side;
    this.tile = new OffscreenCanvas(2 * CELL, 2 * CELL);
    const context = this.tile.getContext("2d");
    for (let i = 0; i < 4; i++) {
      context.fillStyle = GREYS[(i + (i >> 1)) % 2];
      context.fillRect((i % 2) * CELL, (i >> 1) * CELL, CELL, CELL);
    }
  }

  /** Draw it over the whole of the map, in the map's own pixels. */
  draw(context) {
    context.imageSmoothingEnabled = Boolean(this.photo);
    if (this.photo) {
      context.drawImage(this.photo, 0, 0, this.side, this.side);
      return;
    }
    context.fillStyle = context.createPattern(this.tile, "repeat");
    context.fillRect(0, 0, this.side, this.side);
  }
}
