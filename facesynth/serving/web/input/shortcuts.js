/** The page's keys. Those that a field or a dialog needs for itself stay there. */

import { TOOLS, stepped } from "../tools/toolbox.js";

/** `actions` are what keys do beyond choosing: undo, redo, help, roll, zoom(factor), fit, cancel, hide, only. */
export function takeKeys(state, palette, pointers, actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.ctrlKey || event.metaKey) return withControl(event, actions);
    if (event.altKey || types(event.target) || (event.key === "Home" && event.target.matches("input"))) return;
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (digit) return chooseLabel(state, palette, Number(digit[1]), event.shiftKey);
    if (event.code === "Space" && !presses(event.target)) {
      event.preventDefault();
      pointers.space = true;
      return;
    }
    const tool = TOOLS.find((each) => each.key === event.key.toLowerCase());
    if (tool) state.set("tool", tool);
    else PLAIN[event.key.toLowerCase()]?.(state, actions, event);
  });
  document.addEventListener("keyup", (event) => {
    if (event.code === "Space") pointers.space = false;
  });
  addEventListener("blur", () => {
    pointers.space = false;
  });
}

const PLAIN = Object.freeze({
  "[": (state) => state.set("radius", stepped(state.get("radius"), -1)),
  "]": (state) => state.set("radius", stepped(state.get("radius"), 1)),
  x: (state) => state.set("mirror", !state.get("mirror")),
  c: (state) => state.set("compare", !state.get("compare")),
  p: (state) => state.set("pressure", !state.get("pressure")),
  h: (_, actions, { shiftKey }) => (shiftKey ? actions.only() : actions.hide()),
  n: (_, actions) => actions.roll(),
  "?": (_, actions) => actions.help(),
  "+": (_, actions) => actions.zoom(1.4),
  "=": (_, actions) => actions.zoom(1.4),
  "-": (_, actions) => actions.zoom(1 / 1.4),
  home: (_, actions) => actions.fit(),
  escape: (_, actions) => actions.cancel(),
});

function withControl(event, actions) {
  const key = event.key.toLowerCase();
  if (types(event.target) || event.altKey || (key !== "z" && key !== "y")) return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) actions.redo();
  else actions.undo();
}

function chooseLabel(state, palette, digit, shift) {
  const label = palette.labels.find(({ key }) => key && key.digit === digit && key.shift === shift);
  if (label) state.set("label", label.id);
}

/** Whether an element takes letters and digits for itself. */
const types = (element) => Boolean(element.closest?.("input[type=number], input[type=text], select, textarea"));

/** Whether the space bar presses an element. */
const presses = (element) => Boolean(element.closest?.("button, a[href], input[type=radio]:not(:checked)"));
