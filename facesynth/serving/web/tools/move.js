/** Move a part: what lies in the ring goes with the pointer, what surrounds it stretches. Drag an eye, lift a smile. */

import { warp } from "../labels/warp.js";

export class Move {
  name = "move";
  title = "Move and stretch";
  key = "m";
  sized = true;

  begin(desk, point) {
    this.from = point;
    desk.editor.begin();
  }

  move(desk, points) {
    const { editor, state } = desk;
    const to = points.at(-1);
    const radius = state.get("radius");
    const side = editor.map.side;
    editor.rewind();
    let source = editor.source;
    if (state.get("mirror")) {
      const across = ({ x, y }) => ({ x: side - x, y });
      editor.draw((map) => warp(map, source, across(this.from), across(to), radius));
      source = editor.map.ids.slice(); // where both reaches overlap the second drags what the first has left
    }
    editor.draw((map) => warp(map, source, this.from, to, radius));
  }

  end(desk) {
    desk.editor.commit(this.title);
  }
}
