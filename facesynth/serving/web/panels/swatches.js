/** The labels to paint with: a colour, a name and a key each. Pointing at one lights its area up on the map. */

import { make, part } from "./elements.js";

/** `lit(label)` is told which label is pointed at, null for none. */
export function showSwatches(palette, state, lit) {
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
    swatch.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && lit(label.id));
    swatch.addEventListener("pointerleave", () => lit(null));
    list.append(swatch);
    return input;
  });
  state.watch("label", (label) => {
    inputs[label].checked = true;
    inputs[label].parentElement.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
