/** The two styles and the slider between them. Each is a number to roll, or the face of a dropped photo. */

import { chance, seeded } from "../styles.js";
import { icon, make, part } from "./elements.js";

const MOST = Number.MAX_SAFE_INTEGER;

/** `read(file)` gives the style of a photo, null where it has none; without it photos are no styles here. */
export function showStyles(state, read) {
  slot(part("slot-a"), "a", "First style", state, read);
  slot(part("slot-b"), "b", "Second style", state, read);
  const blend = part("blend");
  blend.addEventListener("input", () => state.set("blend", Number(blend.value) / 100));
  state.watch("blend", (t) => {
    blend.value = String(Math.round(t * 100));
    blend.setAttribute("aria-valuetext", `${Math.round(t * 100)} % of the second`);
  });
}

function slot(place, name, title, state, read) {
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", title);
  const show = (style) => place.replaceChildren(...contents(style, name, title, state, read));
  state.watch(name, (style) => {
    const number = place.querySelector("input[type=number]");
    if (number && style.kind === "seed") number.value = String(style.seed);
    else show(style);
  });
  if (read) takeDrops(place, async (file) => set(state, name, await read(file)));
}

function contents(style, name, title, state, read) {
  const roll = make("button", { className: "icon", title: "Another by chance", "aria-label": `${title}: another by chance` }, icon("dice"));
  roll.addEventListener("click", () => state.set(name, seeded(chance())));
  const photo = read ? [photoButton(`${title}: take it from a photo`, async (file) => set(state, name, await read(file)))] : [];
  return [style.kind === "seed" ? number(style, name, title, state) : face(style), roll, ...photo];
}

/** A style that could be read is taken. */
function set(state, name, style) {
  if (style) state.set(name, style);
}

function number(style, name, title, state) {
  const input = make("input", { type: "number", min: "0", max: String(MOST), step: "1", value: String(style.seed) });
  input.setAttribute("aria-label", `${title}: its seed`);
  input.addEventListener("input", () => {
    const seed = Number(input.value);
    if (input.value && Number.isSafeInteger(seed) && seed >= 0) state.set(name, seeded(seed));
  });
  return make("label", { className: "seed" }, make("span", { "aria-hidden": "true" }, "Style"), input);
}

function face(style) {
  if (!style.thumb) return make("span", { className: "face-name" }, style.name);
  return make("span", { className: "face-name" }, make("img", { src: style.thumb, alt: "" }), style.name);
}

/** A button that takes a photo, by a click or a drop. */
export function photoButton(title, take) {
  const input = make("input", { type: "file", accept: "image/*", className: "hidden", tabIndex: -1 });
  input.setAttribute("aria-hidden", "true");
  const button = make("button", { className: "icon", title: "From a photo: choose or drop one", "aria-label": title }, icon("image"));
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files[0]) take(input.files[0]);
    input.value = "";
  });
  return make("span", { className: "photo" }, button, input);
}

/** Take files that are dropped on an element, before the page itself takes them for a new face. */
export function takeDrops(element, take) {
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    document.dispatchEvent(new CustomEvent("dropped"));
    take(file);
  });
}
