/** Tools that give whole areas the chosen label: fill, replace everywhere, lasso. */

import { flood, replace } from "../labels/areas.js";
import { union } from "../labels/rects.js";
import { polygon } from "../labels/shapes.js";
import { places } from "./mirrored.js";

export class Fill {
  name = "fill";
  title = "Fill";
  key = "f";
  paints = true;

  begin(desk, point) {
    desk.editor.begin();
    for (const place of places(desk, [point], desk.state.get("label"))) {
      desk.editor.draw((map) => flood(map, place.points[0].x, place.points[0].y, place.label));
    }
    desk.editor.commit(this.title);
  }
}

export class Replace {
  name = "replace";
  title = "Replace everywhere";
  key = "r";
  paints = true;

  begin(desk, point) {
    const old = desk.editor.map.at(point.x, point.y);
    if (old === null) return;
    const label = desk.state.get("label");
    const others = new Map([[old, label]]);
    const twin = desk.palette.mirror[old];
    if (desk.state.get("mirror") && twin !== old) others.set(twin, desk.palette.mirror[label]);
    desk.editor.begin();
    desk.editor.draw((map) => replace(map, others)); // at once: left and right may take each other's place
    desk.editor.commit(this.title);
  }
}

export class Lasso {
  name = "lasso";
  title = "Lasso";
  key = "l";
  paints = true;
  flows = true;

  begin(desk, point) {
    this.points = [point];
    desk.editor.begin();
  }

  move(desk, points) {
    this.points.push(...points);
    desk.overlay.line(this.points);
  }

  end(desk) {
    const areas = places(desk, this.points, desk.state.get("label"));
    desk.editor.draw((map) => areas.map((area) => polygon(map, area.points, area.label)).reduce(union));
    desk.editor.commit(this.title);
    desk.overlay.line([]);
  }

  cancel(desk) {
    desk.overlay.line([]);
  }
}
