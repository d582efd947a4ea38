/** The tools, in the order in which they are shown. */

import { Fill, Lasso, Replace } from "./areas.js";
import { Brush, Eraser } from "./brushes.js";
import { Move } from "./move.js";
import { Pick } from "./pick.js";

export const TOOLS = Object.freeze([
  new Brush(),
  new Eraser(),
  new Fill(),
  new Lasso(),
  new Replace(),
  new Move(),
  new Pick(),
]);

/** The tool of a name. */
export const toolNamed = (name) => TOOLS.find((tool) => tool.name === name);

export const RADIUS = Object.freeze({ least: 0.5, most: 100 });

/** A brush's radius one step larger or smaller, by the sign of `way`: a sixth, at least half a pixel. */
export function stepped(radius, way) {
  const grown = way > 0 ? Math.max(radius + 0.5, radius * 1.18) : Math.min(radius - 0.5, radius / 1.18);
  return Math.min(RADIUS.most, Math.max(RADIUS.least, Math.round(grown * 2) / 2));
}
