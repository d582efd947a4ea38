/** Hide labels on the map, or see one alone: nothing in the map itself is changed by it. */

import { NONE, allBut, isOnly, toggled } from "../labels/hidden.js";
import { icon, part } from "./elements.js";
import { say } from "./messages.js";

/** Set the buttons over the map up. Returns what they do, for keys and swatches: {toggle(label), only(label), all()}. */
export function showVisibility(palette, state) {
  const count = palette.labels.length;
  const title = (label) => palette.labels[label].title;
  const toggle = (label = state.get("label")) => {
    state.set("hidden", toggled(state.get("hidden"), label));
    say(`${title(label)} ${state.get("hidden").has(label) ? "hidden" : "shown"}`);
  };
  const all = () => {
    state.set("hidden", NONE);
    say("all labels shown");
  };
  const only = (label = state.get("label")) => {
    if (isOnly(state.get("hidden"), label, count)) return all();
    state.set("hidden", allBut(count, label));
    say(`only ${title(label)} shown`);
  };
  part("hide").addEventListener("click", () => toggle());
  part("only").addEventListener("click", () => only());
  part("show-all").addEventListener("click", () => {
    all();
    part("hide").focus(); // the button that was pressed is gone
  });
  const shown = () => told(state.get("label"), state.get("hidden"), title(state.get("label")), count);
  state.watch("label", shown);
  state.watch("hidden", shown);
  return { toggle, only, all };
}

/** Let the buttons say what they would do to the chosen label. */
function told(label, hidden, title, count) {
  const [hide, only] = [part("hide"), part("only")];
  const gone = hidden.has(label);
  const alone = isOnly(hidden, label, count);
  named(hide, `${gone ? "Show" : "Hide"} ${title} on the map`, "H");
  hide.replaceChildren(icon(gone ? "hidden" : "eye"));
  hide.setAttribute("aria-pressed", String(gone));
  named(only, alone ? "Show all labels" : `Show only ${title} on the map`, "Shift H");
  only.setAttribute("aria-pressed", String(alone));
  part("show-all").hidden = !hidden.size;
}

function named(button, words, key) {
  button.title = `${words} (${key})`;
  button.setAttribute("aria-label", words);
}
