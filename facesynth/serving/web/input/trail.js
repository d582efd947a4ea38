/** The way of a hand: a curve through the middles between a pointer's samples, so that fast strokes have no corners. */

const SHARP = 0.5; // the cosine of a turn of 60 degrees: a sharper one is meant as a corner
const FLAT = 0.25; // pixels of the map that a line may lie beside its curve

export class Trail {
  constructor(start) {
    this.last = start;
    this.middle = start;
  }

  /** The way that samples {x, y, force} make known: up to the middle of the last two. */
  add(samples) {
    const way = [];
    for (const sample of samples) {
      const middle = between(this.last, sample, 0.5);
      way.push(...bend(this.middle, this.last, middle));
      this.middle = middle;
      this.last = sample;
    }
    return way;
  }

  /** The rest of the way, to the last sample. */
  end() {
    return this.middle === this.last ? [] : [this.last];
  }
}

function between(a, b, t) {
  const mixed = (name) => a[name] + t * (b[name] - a[name]);
  return { x: mixed("x"), y: mixed("y"), force: mixed("force") };
}

/** From one point towards a corner and on to another point: a quadratic Bézier curve as lines, or the corner itself. */
function bend(from, corner, to) {
  const [a, b] = [{ x: corner.x - from.x, y: corner.y - from.y }, { x: to.x - corner.x, y: to.y - corner.y }];
  const lengths = Math.hypot(a.x, a.y) * Math.hypot(b.x, b.y);
  if (!lengths) return [to];
  if (a.x * b.x + a.y * b.y < SHARP * lengths) return [corner, to];
  const lines = Math.ceil(Math.sqrt(Math.hypot(b.x - a.x, b.y - a.y) / 4 / FLAT)) || 1;
  return Array.from({ length: lines }, (_, i) => {
    const t = (i + 1) / lines;
    return between(between(from, corner, t), between(corner, to, t), t);
  });
}
