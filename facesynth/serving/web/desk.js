/** The left side: the label map with its view, tools, keys and history. */

import { Editor } from "./editor.js";
import { History } from "./history.js";
import { Cursor } from "./input/cursor.js";
import { Hand } from "./input/hand.js";
import { Pointers } from "./input/pointers.js";
import { takeKeys } from "./input/shortcuts.js";
import { plainFace } from "./labels/faces.js";
import { part } from "./panels/elements.js";
import { say } from "./panels/messages.js";
import { showSwatches } from "./panels/swatches.js";
import { showToolbar } from "./panels/toolbar.js";
import { showVisibility } from "./panels/visibility.js";
import { MapView } from "./view/map_view.js";
import { Overlay } from "./view/overlay.js";

const SIDE = 512;

/**
 * Set the left side up. `painted()` is told of every change of the map, `noted(note)` what an undone or redone step
 * had beside it; `actions` are what more keys do. `remember(name, note, gesture)` of what it returns makes a step of what
 * has changed beside the map.
 */
export function setUpDesk(palette, state, { painted, noted, actions }) {
  const map = plainFace(SIDE, palette);
  const history = new History();
  const view = new MapView(part("map"), map, palette);
  const overlay = new Overlay(part("overlay"), view, state);
  const editor = new Editor(map, history, (rect, final) => {
    if (rect.width) view.changed(rect);
    if (final) shown();
    if (rect.width) painted();
  });
  const hand = new Hand({ editor, state, palette, overlay });
  const under = hovered(map, palette);
  view.canvas.addEventListener("pointerdown", () => part("invite").remove(), { once: true });
  const pointers = new Pointers(view.canvas, view, hand, { state, overlay, hovered: under });
  new Cursor(view.canvas, view, hand, { state, overlay, palette, say });
  const visibility = showVisibility(palette, state);
  showSwatches(palette, state, { lit: (label) => view.light(label), ...visibility });
  state.watch("hidden", (hidden) => view.hide(hidden));
  const undo = () => {
    if (hand.down) return void (hand.cancel(), say("taken back"));
    const step = editor.undo();
    if (step?.note) noted(step.note.before);
    told(step, "undone");
  };
  const redo = () => {
    hand.cancel();
    const step = editor.redo();
    if (step?.note) noted(step.note.after);
    told(step, "done again");
  };
  const shown = showToolbar(state, history, { undo, redo });
  showZoom(view, overlay);
  takeKeys(state, palette, pointers, {
    ...actions,
    undo,
    redo,
    hide: () => visibility.toggle(),
    only: () => visibility.only(),
    cancel: () => hand.cancel(),
    zoom: (factor) => view.look((port) => port.zoomAt(factor, { x: port.size / 2, y: port.size / 2 })),
    fit: () => view.look((port) => port.fit()),
  });
  const fresh = () => {
    history.forget();
    shown();
  };
  const remember = (name, note, gesture) => {
    history.recordBeside(name, note, gesture);
    shown();
  };
  return { map, editor, view, fresh, remember };
}

/** Say which label lies under the pointer. */
function hovered(map, palette) {
  const words = part("under");
  let last = null;
  return (point) => {
    const label = point && map.at(point.x, point.y);
    if (label === last) return;
    last = label;
    words.textContent = label === null ? "" : palette.labels[label].title;
  };
}

/** Say how much is zoomed in; a click shows the whole map again. */
function showZoom(view, overlay) {
  const button = part("zoom");
  button.addEventListener("click", () => view.look((port) => port.fit()));
  view.moved = () => {
    const { zoom } = view.viewport;
    button.hidden = zoom === 1;
    button.textContent = `${Math.round(zoom * 100)} %`;
    button.setAttribute("aria-label", `Zoomed to ${Math.round(zoom * 100)} %: show the whole map`);
    overlay.soon();
  };
}

function told(step, words) {
  say(step ? `${step.name} ${words}` : `nothing to be ${words}`);
}
