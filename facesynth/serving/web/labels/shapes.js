/** Shapes drawn into a label map. A pixel takes the label where its centre lies inside: nothing is ever blended. */

import { NOTHING, between } from "./rects.js";

/** A round brush dragged from one point to another, where its radius is `last`. Returns the rectangle it touched. */
export function stroke(map, from, to, radius, label, last = radius) {
  const { side, ids } = map;
  const widest = Math.max(radius, last);
  const rect = between(
    Math.min(from.x, to.x) - widest,
    Math.min(from.y, to.y) - widest,
    Math.max(from.x, to.x) + widest,
    Math.max(from.y, to.y) + widest,
    side,
  );
  const along = { x: to.x - from.x, y: to.y - from.y };
  const length = along.x * along.x + along.y * along.y;
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    const dy = y + 0.5 - from.y;
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      const dx = x + 0.5 - from.x;
      const t = length ? Math.min(1, Math.max(0, (dx * along.x + dy * along.y) / length)) : 0;
      const ax = dx - t * along.x;
      const ay = dy - t * along.y;
      const reach = Math.max(radius + t * (last - radius), Math.SQRT1_2); // the thinnest one still leaves no gaps
      if (ax * ax + ay * ay <= reach * reach) ids[y * side + x] = label;
    }
  }
  return rect;
}

/** The inside of a closed line, by the even-odd rule. Returns the rectangle it touched. */
export function polygon(map, points, label) {
  if (points.length < 3) return NOTHING;
  const { side, ids } = map;
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const rect = between(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), side);
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    const crossings = crossed(points, y + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const first = Math.max(0, Math.ceil(crossings[i] - 0.5));
      const last = Math.min(side - 1, Math.ceil(crossings[i + 1] - 0.5) - 1);
      if (first <= last) ids.fill(label, y * side + first, y * side + last + 1);
    }
  }
  return rect;
}

/** Where a closed line crosses a height, from left to right. */
function crossed(points, y) {
  const crossings = [];
  for (let i = 0; i < points.length; i++) {
    const a = points[i];
    const b = points[(i + 1) % points.length];
    if (a.y <= y !== b.y <= y) crossings.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return crossings.sort((a, b) => a - b);
}

/** An ellipse. Returns the rectangle it touched. */
export function ellipse(map, centre, radii, label) {
  const { side, ids } = map;
  const rect = between(centre.x - radii.x, centre.y - radii.y, centre.x + radii.x, centre.y + radii.y, side);
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    const dy = (y + 0.5 - centre.y) / radii.y;
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      const dx = (x + 0.5 - centre.x) / radii.x;
      if (dx * dx + dy * dy <= 1) ids[y * side + x] = label;
    }
  }
  return rect;
}
