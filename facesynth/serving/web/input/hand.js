import { without } from "../labels/hidden.js";

/** One tool at work at a time, whatever moves it: mouse, pen, finger or keys. */
export class Hand {
  #tool = null;

  /** `desk` is what tools work on: {editor, state, palette, overlay}. */
  constructor(desk) {
    this.desk = desk;
  }

  get down() {
    return this.#tool !== null;
  }

  /** Put a tool to the map. One that has nothing to drag is done at once. */
  press(tool, point) {
    this.cancel();
    if (tool.paints) this.#reveal();
    tool.begin(this.desk, point);
    if (tool.end) this.#tool = tool;
  }

  /** What one paints with is seen, and so is its mirror image where that is painted too. */
  #reveal() {
    const { state, palette } = this.desk;
    const label = state.get("label");
    const painted = state.get("mirror") ? [label, palette.mirror[label]] : [label];
    state.set("hidden", without(state.get("hidden"), painted));
  }

  drag(points) {
    if (points.length) this.#tool?.move(this.desk, points);
  }

  lift() {
    const tool = this.#tool;
    this.#tool = null;
    tool?.end(this.desk);
  }

  /** Take back what is being done. */
  cancel() {
    const tool = this.#tool;
    this.#tool = null;
    if (!tool) return;
    tool.cancel?.(this.desk);
    this.desk.editor.cancel();
  }
}
