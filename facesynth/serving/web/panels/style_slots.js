/** The two styles and the slider between them. Each is a number to roll, or the face of a dropped photo. */

import { atAStretch } from "../restyle.js";
import { chance, seeded } from "../styles.js";
import { icon, make, part } from "./elements.js";
import { toast } from "./messages.js";

const MOST = Number.MAX_SAFE_INTEGER;

/**
 * `read(file, place)` gives the style of a photo, null where it has none; without it photos are no styles here.
 * `change(name, values, gesture)` makes a step of what is chosen.
 */
export function showStyles(state, read, change) {
  slot(part("slot-a"), "a", "First style", state, read, change);
  slot(part("slot-b"), "b", "Second style", state, read, change);
  const blend = part("blend");
  atAStretch(blend, (gesture) => change("Blend", { blend: Number(blend.value) / 100 }, gesture));
  state.watch("blend", (t) => {
    blend.value = String(Math.round(t * 100));
    blend.setAttribute("aria-valuetext", `${Math.round(t * 100)} % of the second`);
  });
}

function slot(place, name, title, state, read, change) {
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", title);
  const choose = (style, gesture) => style && change(title, { [name]: style }, gesture);
  const take = read && (async (file) => choose(await read(file, name)));
  const show = (style) => place.replaceChildren(...contents(style, title, choose, take));
  state.watch(name, (style) => {
    const number = place.querySelector("input[type=number]");
    if (number && style.kind === "seed") showSeed(number, style.seed);
    else show(style);
  });
  if (take) takeDrops(place, take);
}

function contents(style, title, choose, take) {
  const roll = make("button", { className: "icon", title: "Another by chance", "aria-label": `${title}: another by chance` }, icon("dice"));
  roll.addEventListener("click", () => choose(seeded(chance())));
  const photo = take ? [photoButton(`${title}: take it from a photo`, take)] : [];
  return [style.kind === "seed" ? number(style, title, choose) : face(style), roll, ...photo];
}

/** Show a seed; where that number is written already it is let be, with its caret. */
function showSeed(input, seed) {
  if (seedIn(input) !== seed) input.value = String(seed);
  input.setAttribute("aria-invalid", "false");
  input.dataset.seed = String(seed);
}

/** The seed that is written in a field, null where what is written is none. */
function seedIn(input) {
  const seed = Number(input.value);
  return input.value && Number.isSafeInteger(seed) && seed >= 0 ? seed : null;
}

function number(style, title, choose) {
  const input = make("input", { type: "number", min: "0", max: String(MOST), step: "1", value: String(style.seed) });
  input.setAttribute("aria-label", `${title}: its seed`);
  showSeed(input, style.seed);
  atAStretch(input, (gesture) => {
    const seed = seedIn(input);
    input.setAttribute("aria-invalid", String(seed === null));
    if (seed !== null) choose(seeded(seed), gesture);
  });
  input.addEventListener("change", () => {
    if (seedIn(input) !== null) return;
    showSeed(input, Number(input.dataset.seed));
    toast("This is no seed: a whole number from 0 on is wanted.", `The largest is ${MOST}.`);
  });
  return make("label", { className: "seed" }, make("span", { className: "word", "aria-hidden": "true" }, "Style"), input);
}

function face(style) {
  const image = style.thumb ? [make("img", { src: style.thumb, alt: "" })] : [];
  const name = make("span", { className: style.thumb ? "word" : "word alone" }, style.name);
  return make("span", { className: "face-name", title: style.name }, ...image, name);
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
