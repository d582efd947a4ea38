/** The labels to paint with: a colour, a name and a key each. Pointing at one lights its area up on the map. */

import { icon, make, part } from "./elements.js";

/** `lit(label)` is told which label is pointed at, null for none; `toggle(label)` and `only(label)` hide and show. */
export function showSwatches(palette, state, { lit, toggle, only }) {
  const list = part("swatches");
  const inputs = palette.labels.map((label) => {
    const input = make("input", { type: "radio", name: "label", value: String(label.id) });
    if (label.key) input.setAttribute("aria-keyshortcuts", `${label.key.shift ? "Shift+" : ""}${label.key.digit}`);
    const chip = make("span", { className: "chip", "aria-hidden": "true" });
    chip.style.background = label.colour;
    const key = label.key ? `${label.key.shift ? "⇧" : ""}${label.key.digit}` : "";
    const swatch = make(
      "label",
      { className: "swatch" },
      input,
      chip,
      make("span", { className: "name" }, label.title),
      make("kbd", { "aria-hidden": "true" }, key),
    );
    if (label.mirror !== label.id) swatch.title = "Left and right are the face's own";
    input.addEventListener("change", () => state.set("label", label.id));
    const row = make("div", { className: "row" }, swatch, eye(label, { toggle, only }));
    swatch.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && lit(label.id));
    swatch.addEventListener("pointerleave", () => lit(null));
    list.append(row);
    return input;
  });
  state.watch("label", (label) => {
    inputs[label].checked = true;
    inputs[label].closest(".row").scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  state.watch("hidden", (hidden) => {
    for (const { id, title } of palette.labels) marked(inputs[id].closest(".row"), title, hidden.has(id));
  });
}

/** The eye of a label. Keys have H for it, so that Tab need not stop at nineteen of them. */
function eye(label, { toggle, only }) {
  const button = make("button", { className: "eye", tabIndex: -1, title: "Hide or show; with Alt: only this one" });
  button.addEventListener("click", (event) => (event.altKey ? only(label.id) : toggle(label.id)));
  return button;
}

function marked(row, title, hidden) {
  const button = row.querySelector(".eye");
  row.classList.toggle("gone", hidden);
  button.setAttribute("aria-label", `${hidden ? "Show" : "Hide"} ${title}`);
  button.replaceChildren(icon(hidden ? "hidden" : "eye"));
}
