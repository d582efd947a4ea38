/** Regions in styles of their own, where the generator paints by regions: hair of one photo, skin of another. */

import { icon, make, part } from "./elements.js";
import { photoButton } from "./style_slots.js";

/** `names` are the server's regions; `read(file)` gives the style of a photo, null where it has none. */
export function showRegions(state, names, read) {
  const place = part("regions");
  place.hidden = false;
  const choice = make("select", { "aria-label": "Region" }, ...names.map((name) => make("option", {}, name)));
  const take = async (file) => {
    const region = choice.value;
    const style = await read(file);
    if (style) state.set("regions", { ...state.get("regions"), [region]: style });
  };
  const own = make("ul", { "aria-label": "Regions in styles of their own" });
  place.append(choice, photoButton("The region's style from a photo", take), own);
  state.watch("regions", (regions) => {
    own.replaceChildren(...Object.entries(regions).map(([name, style]) => chip(name, style, state)));
  });
}

function chip(name, style, state) {
  const remove = make("button", { className: "icon", "aria-label": `${name}: as the rest again` }, icon("close"));
  remove.addEventListener("click", () => {
    const { [name]: _, ...others } = state.get("regions");
    state.set("regions", others);
  });
  const image = style.thumb ? [make("img", { src: style.thumb, alt: "" })] : [];
  return make("li", {}, ...image, name, remove);
}
