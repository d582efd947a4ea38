/** Tools that draw with a round tip: the brush in the chosen label, the eraser in the background. */

import { stroke } from "../labels/shapes.js";
import { union } from "../labels/rects.js";
import { places } from "./mirrored.js";

class Tip {
  sized = true;
  flows = true;

  begin(desk, point) {
    this.last = point;
    desk.editor.begin();
    this.move(desk, [point]);
  }

  move(desk, points) {
    const label = this.label(desk);
    const radius = desk.state.get("radius");
    for (const point of points) {
      const segments = places(desk, [this.last, point], label);
      const [first, last] = [this.last, point].map(({ force = 1 }) => radius * force);
      desk.editor.draw((map) =>
        segments.map(({ points: [from, to], label: id }) => stroke(map, from, to, first, id, last)).reduce(union),
      );
      this.last = point;
    }
  }

  end(desk) {
    desk.editor.commit(this.title);
  }
}

export class Brush extends Tip {
  name = "brush";
  title = "Brush";
  key = "b";
  paints = true;

  label(desk) {
    return desk.state.get("label");
  }
}

export class Eraser extends Tip {
  name = "eraser";
  title = "Eraser";
  key = "e";

  label(desk) {
    return desk.palette.background;
  }
}
