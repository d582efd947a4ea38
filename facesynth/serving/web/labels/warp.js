/** Move a part of a label map and stretch what surrounds it. */

import { NOTHING, between } from "./rects.js";

/** How much of a drag a pixel takes at a distance: all within the radius, less and less out to the reach. */
function weight(distance, radius, reach) {
  if (distance <= radius) return 1;
  if (distance >= reach) return 0;
  const t = (reach - distance) / (reach - radius);
  return t * t * (3 - 2 * t);
}

/**
 * Drag the disc of `radius` around `from` to `to`, taking ids from `source` (the same side, not `map` itself).
 * The reach grows with the drag, about twice as fast, so that nothing folds over. Returns the rectangle it touched.
 */
export function warp(map, source, from, to, radius) {
  const drag = { x: to.x - from.x, y: to.y - from.y };
  const length = Math.hypot(drag.x, drag.y);
  if (!length) return NOTHING;
  const { side, ids } = map;
  const reach = radius * 1.4 + 1.9 * length;
  const last = side - 1;
  const rect = between(to.x - reach, to.y - reach, to.x + reach, to.y + reach, side);
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      const share = weight(Math.hypot(x + 0.5 - to.x, y + 0.5 - to.y), radius, reach);
      if (!share) continue;
      const sx = Math.min(last, Math.max(0, Math.floor(x + 0.5 - share * drag.x)));
      const sy = Math.min(last, Math.max(0, Math.floor(y + 0.5 - share * drag.y)));
      ids[y * side + x] = source[sy * side + sx];
    }
  }
  return rect;
}
