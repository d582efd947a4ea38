/** Label maps to start from without a photo. Sides are the subject's: its left is on the right. */

import { LabelMap } from "./label_map.js";
import { ellipse, polygon, stroke } from "./shapes.js";

/** A plain frontal face: hair, ears, eyes, brows, nose and mouth, placed as aligned photos have them. */
export function plainFace(side, palette) {
  const face = new Sketch(side, palette);
  face.disc("hair", 0.5, 0.42, 0.36, 0.37);
  for (const x of [0.245, 0.755]) face.disc("hair", x, 0.62, 0.115, 0.26);
  shoulders(face);
  face.disc("r_ear", 0.225, 0.53, 0.045, 0.09);
  face.disc("l_ear", 0.775, 0.53, 0.045, 0.09);
  oval(face);
  for (const [eye, brow, x] of [["r_eye", "r_brow", 0.378], ["l_eye", "l_brow", 0.622]]) {
    face.disc(eye, x, 0.48, 0.052, 0.02);
    face.line(brow, 0.014, [[x - 0.075, 0.425], [x - 0.02, 0.405], [x + 0.02, 0.405], [x + 0.075, 0.425]]);
  }
  face.shape("nose", [[0.475, 0.47], [0.525, 0.47], [0.56, 0.62], [0.53, 0.65], [0.47, 0.65], [0.44, 0.62]]);
  face.shape("u_lip", [[0.4, 0.75], [0.47, 0.73], [0.5, 0.737], [0.53, 0.73], [0.6, 0.75], [0.5, 0.76]]);
  face.shape("l_lip", [[0.4, 0.75], [0.5, 0.76], [0.6, 0.75], [0.55, 0.79], [0.5, 0.8], [0.45, 0.79]]);
  return face.map;
}

/** A blank oval over shoulders: everything is yet to be drawn. */
export function blankOval(side, palette) {
  const face = new Sketch(side, palette);
  shoulders(face);
  oval(face);
  return face.map;
}

function shoulders(face) {
  face.shape("cloth", [[0.02, 1], [0.12, 0.95], [0.34, 0.9], [0.66, 0.9], [0.88, 0.95], [0.98, 1]]);
  face.shape("neck", [[0.35, 0.76], [0.65, 0.76], [0.66, 0.93], [0.5, 0.98], [0.34, 0.93]]);
}

function oval(face) {
  face.disc("skin", 0.5, 0.46, 0.265, 0.28);
  face.disc("skin", 0.5, 0.56, 0.258, 0.36);
}

/** Shapes in parts of the side, in labels by their names. */
class Sketch {
  constructor(side, palette) {
    this.map = new LabelMap(side);
    this.palette = palette;
  }

  point([x, y]) {
    return { x: x * this.map.side, y: y * this.map.side };
  }

  disc(name, x, y, width, height) {
    ellipse(this.map, this.point([x, y]), this.point([width, height]), this.palette.id(name));
  }

  shape(name, points) {
    polygon(this.map, points.map((point) => this.point(point)), this.palette.id(name));
  }

  line(name, radius, points) {
    const at = points.map((point) => this.point(point));
    for (let i = 1; i < at.length; i++) {
      stroke(this.map, at[i - 1], at[i], radius * this.map.side, this.palette.id(name));
    }
  }
}
