/** Rectangles of whole pixels: {x, y, width, height}. An empty one has no width. */

export const NOTHING = Object.freeze({ x: 0, y: 0, width: 0, height: 0 });

/** The whole of a square of a side. */
export const whole = (side) => ({ x: 0, y: 0, width: side, height: side });

/** The smallest rectangle that holds both. */
export function union(a, b) {
  if (!a.width) return b;
  if (!b.width) return a;
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/** The pixels of a square of `side` that lie between two corners, given as numbers that need not be whole. */
export function between(left, top, right, bottom, side) {
  const x = Math.max(0, Math.floor(left));
  const y = Math.max(0, Math.floor(top));
  const width = Math.min(side, Math.ceil(right)) - x;
  const height = Math.min(side, Math.ceil(bottom)) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : NOTHING;
}
