/** Which labels are hidden on the screen: sets of ids that are never changed in place. The label map knows nothing of it. */

export const NONE = Object.freeze(new Set());

/** One label hidden that was seen, or seen that was hidden. */
export function toggled(hidden, label) {
  const next = new Set(hidden);
  if (!next.delete(label)) next.add(label);
  return next.size ? next : NONE;
}

/** All of `count` labels but one. */
export const allBut = (count, label) => new Set(Array.from({ length: count }, (_, id) => id).filter((id) => id !== label));

/** Whether one label is the only one that is seen. */
export const isOnly = (hidden, label, count) => hidden.size === count - 1 && !hidden.has(label);

/** Some labels seen again; the same set where they were seen anyway. */
export function without(hidden, labels) {
  const next = new Set(hidden);
  const more = labels.map((label) => next.delete(label)).includes(true);
  return more ? next : hidden;
}
