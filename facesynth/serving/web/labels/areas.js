/** Areas of one label in a label map: filled where they hang together, or replaced everywhere. */

import { NOTHING, between, whole } from "./rects.js";

/** Give the area that a pixel lies in another label: all its pixels that touch by a side. Returns what it touched. */
export function flood(map, x, y, label) {
  const { side, ids } = map;
  const old = map.at(x, y);
  if (old === null || old === label) return NOTHING;
  let [left, top, right, bottom] = [side, side, 0, 0];
  const seeds = [Math.floor(y) * side + Math.floor(x)];
  while (seeds.length) {
    const seed = seeds.pop();
    if (ids[seed] !== old) continue;
    const row = Math.floor(seed / side);
    const [first, last] = span(ids, seed, row * side, (row + 1) * side, old);
    ids.fill(label, first, last);
    left = Math.min(left, first - row * side);
    right = Math.max(right, last - row * side);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row + 1);
    if (row > 0) sow(ids, first - side, last - side, old, seeds);
    if (row < side - 1) sow(ids, first + side, last + side, old, seeds);
  }
  return between(left, top, right, bottom, side);
}

/** The run of a label around a pixel within its row, its end not included. */
function span(ids, seed, start, end, label) {
  let first = seed;
  let last = seed + 1;
  while (first > start && ids[first - 1] === label) first--;
  while (last < end && ids[last] === label) last++;
  return [first, last];
}

/** Remember the first pixel of each run of a label between two pixels. */
function sow(ids, first, last, label, seeds) {
  for (let i = first; i < last; i++) if (ids[i] === label && (i === first || ids[i - 1] !== label)) seeds.push(i);
}

/** Give every pixel of some labels others, by a Map from old to new. Returns the whole map, or nothing where none changed. */
export function replace(map, others) {
  let changed = false;
  for (let i = 0; i < map.ids.length; i++) {
    const label = others.get(map.ids[i]);
    if (label === undefined || label === map.ids[i]) continue;
    map.ids[i] = label;
    changed = true;
  }
  return changed ? whole(map.side) : NOTHING;
}
