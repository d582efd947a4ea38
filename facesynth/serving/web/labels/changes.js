/** What differs between two stretches of ids, packed as runs: where nothing changed a run costs as much as one pixel. */

const SAME = 0xffff;

/** What turns `before` into `after` and back: {ends, ids}, run i ends before pixel `ends[i]` and holds both ids. */
export function changes(before, after) {
  const ends = [];
  const ids = [];
  let run = -1;
  for (let i = 0; i < before.length; i++) {
    const pair = before[i] === after[i] ? SAME : (before[i] << 8) | after[i];
    if (pair !== run) {
      if (i) ends.push(i);
      ids.push(pair);
      run = pair;
    }
  }
  if (before.length) ends.push(before.length);
  return { ends: Uint32Array.from(ends), ids: Uint16Array.from(ids) };
}

/** Whether nothing differs. */
export const isNothing = ({ ids }) => ids.every((pair) => pair === SAME);

/** Make ids what they were `back` before the changes, or are after them. Returns the same ids. */
export function apply(ids, { ends, ids: pairs }, back = false) {
  let start = 0;
  pairs.forEach((pair, i) => {
    if (pair !== SAME) ids.fill(back ? pair >> 8 : pair & 255, start, ends[i]);
    start = ends[i];
  });
  return ids;
}
