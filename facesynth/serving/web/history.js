/** Undo and redo without end: each step keeps the rectangle it touched and what differs there, packed as runs. */

import { apply, changes, isNothing } from "./labels/changes.js";
import { NOTHING } from "./labels/rects.js";

const UNCHANGED = Object.freeze(changes([], []));

export class History {
  constructor() {
    this.done = [];
    this.undone = [];
  }

  get canUndo() {
    return this.done.length > 0;
  }

  get canRedo() {
    return this.undone.length > 0;
  }

  /**
   * Remember a step of a map: what it was called, its rectangle, and the ids there before; nothing where none changed.
   * `note` is {before, after} of what else belongs to the step; with one it is remembered in any case.
   */
  record(map, name, rect, before, note = null) {
    const changed = changes(before, map.cut(rect));
    if (!note && isNothing(changed)) return false;
    this.done.push({ name, rect, changed, note });
    this.undone = [];
    return true;
  }

  /** Remember a step of what belongs to the map alone; one of the same `gesture` as the last step goes on with that one. */
  recordBeside(name, note, gesture = null) {
    const last = this.done.at(-1);
    if (gesture && last?.gesture === gesture) last.note = { before: last.note.before, after: note.after };
    else this.done.push({ name, rect: NOTHING, changed: UNCHANGED, note, gesture });
    this.undone = [];
  }

  /** From here on nothing can be undone. */
  forget() {
    this.done = [];
    this.undone = [];
  }

  /** Take the last step back. Returns it, null where there is none. */
  undo(map) {
    return move(map, this.done, this.undone, true);
  }

  /** Do the last undone step again. Returns it, null where there is none. */
  redo(map) {
    return move(map, this.undone, this.done, false);
  }
}

function move(map, from, to, back) {
  const step = from.pop();
  if (!step) return null;
  map.put(step.rect, apply(map.cut(step.rect), step.changed, back));
  to.push(step);
  return step;
}
