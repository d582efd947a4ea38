/** Changes of the label map: one at a time, previewed, kept as a step of the history or taken back. */

import { LabelMap } from "./labels/label_map.js";
import { NOTHING, union, whole } from "./labels/rects.js";

export class Editor {
  #before = null;
  #touched = NOTHING;

  /** `changed(rect, final)` is called after each change; final where it is a whole step. */
  constructor(map, history, changed) {
    this.map = map;
    this.history = history;
    this.changed = changed;
  }

  get busy() {
    return this.#before !== null;
  }

  /** Begin a change: from here on all is one step. */
  begin() {
    this.#before = this.map.ids.slice();
    this.#touched = NOTHING;
  }

  /** The ids as they were when the change began. */
  get source() {
    return this.#before;
  }

  /** Draw: `draw(map)` returns the rectangle that it touched. */
  draw(draw) {
    const rect = draw(this.map);
    this.#touched = union(this.#touched, rect);
    if (rect.width) this.changed(rect, false);
  }

  /** Take back what the change has done so far, and go on with it. */
  rewind() {
    const rect = this.#touched;
    if (!rect.width) return;
    this.map.ids.set(this.#before);
    this.#touched = NOTHING;
    this.changed(rect, false);
  }

  /** End the change and remember it, with a note of what else belongs to it. Returns whether anything is different. */
  commit(name, note = null) {
    const rect = this.#touched;
    const before = new LabelMap(this.map.side, this.#before).cut(rect);
    this.#before = null;
    const kept = this.history.record(this.map, name, rect, before, note);
    this.changed(rect, true);
    return kept;
  }

  /** End the change as if it had never begun. */
  cancel() {
    if (!this.busy) return;
    this.rewind();
    this.#before = null;
    this.changed(NOTHING, true);
  }

  /** Put another map in the place of this one, as one step. */
  load(name, map, note = null) {
    this.cancel();
    this.begin();
    this.draw((own) => {
      own.ids.set(map.resized(own.side).ids);
      return whole(own.side);
    });
    this.commit(name, note);
  }

  undo() {
    this.cancel();
    return this.#stepped(this.history.undo(this.map));
  }

  redo() {
    this.cancel();
    return this.#stepped(this.history.redo(this.map));
  }

  #stepped(step) {
    if (step) this.changed(step.rect, true);
    return step;
  }
}
