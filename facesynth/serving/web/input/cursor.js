/** Drawing without a pointer: arrows move a cursor over the label map, Enter puts the tool down and lifts it. */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Cursor {
  /** `say(words)` tells what cannot be seen by all. */
  constructor(surface, view, hand, { state, overlay, palette, say }) {
    Object.assign(this, { surface, view, hand, state, overlay, palette, say });
    this.point = { x: view.map.side / 2, y: view.map.side / 2 };
    surface.addEventListener("keydown", (event) => this.#key(event));
    surface.addEventListener("focus", () => surface.matches(":focus-visible") && overlay.at(this.point, true));
    surface.addEventListener("blur", () => this.#leave());
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) this.#step(ARROWS[event.key], event.shiftKey ? 32 : 8);
    else if (event.key === "Enter") this.#press(event);
    else if (event.key === "Escape" && this.hand.down) {
      this.hand.cancel();
      this.say("taken back");
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #step([dx, dy], step) {
    delete this.surface.dataset.by;
    const { side } = this.view.map;
    const length = step / this.view.viewport.zoom;
    const held = (value) => Math.min(side - 0.5, Math.max(0.5, value));
    this.point = { x: held(this.point.x + dx * length), y: held(this.point.y + dy * length) };
    this.overlay.at(this.point, true);
    this.hand.drag([this.point]);
    const under = this.palette.labels[this.view.map.at(this.point.x, this.point.y)];
    if (!this.hand.down) this.say(under.title);
  }

  #press(event) {
    if (event.repeat) return;
    const tool = this.state.get("tool");
    if (this.hand.down) {
      this.hand.lift();
      this.say(`${tool.title} lifted`);
      return;
    }
    this.hand.press(tool, this.point);
    this.say(this.hand.down ? `${tool.title} down: move it with the arrows, Enter lifts it` : `${tool.title} done`);
  }

  #leave() {
    delete this.surface.dataset.by;
    this.hand.lift();
    this.overlay.at(null);
  }
}
