/** The tools under the map: which one, how large, mirrored or not, undo and redo. */

import { RADIUS, TOOLS } from "../tools/toolbox.js";
import { icon, make, part } from "./elements.js";

/** The slider goes by the square root: fine steps where brushes are small. */
const toSlider = (radius) => Math.round(100 * Math.sqrt((radius - RADIUS.least) / (RADIUS.most - RADIUS.least)));
const toRadius = (value) =>
  Math.round(2 * (RADIUS.least + (RADIUS.most - RADIUS.least) * (value / 100) ** 2)) / 2;

/** `undo` and `redo` are called by their buttons. Returns what tells the toolbar that the history has changed. */
export function showToolbar(state, history, { undo, redo }) {
  const list = part("tools");
  for (const tool of TOOLS) {
    const input = make("input", { type: "radio", name: "tool", value: tool.name, "aria-keyshortcuts": tool.key });
    input.setAttribute("aria-label", tool.title);
    input.addEventListener("change", () => state.set("tool", tool));
    const title = `${tool.title} (${tool.key.toUpperCase()})`;
    list.append(make("label", { className: "tool icon", title }, input, icon(tool.name)));
  }
  state.watch("tool", (tool) => {
    list.querySelector(`[value=${tool.name}]`).checked = true;
  });
  const size = part("radius");
  size.addEventListener("input", () => state.set("radius", toRadius(Number(size.value))));
  state.watch("radius", (radius) => {
    size.value = String(toSlider(radius));
    size.setAttribute("aria-valuetext", `${Math.round(radius * 2)} pixels`);
  });
  const mirror = part("mirror");
  mirror.addEventListener("click", () => state.set("mirror", !state.get("mirror")));
  state.watch("mirror", (on) => mirror.setAttribute("aria-pressed", String(on)));
  const pressure = part("pressure");
  pressure.addEventListener("click", () => state.set("pressure", !state.get("pressure")));
  state.watch("pressure", (on) => pressure.setAttribute("aria-pressed", String(on)));
  state.watch("pen", (seen) => {
    pressure.hidden = !seen;
  });
  const [back, forth] = [part("undo"), part("redo")];
  back.addEventListener("click", undo);
  forth.addEventListener("click", redo);
  return () => {
    back.disabled = !history.canUndo;
    forth.disabled = !history.canRedo;
  };
}
