/** Regions in styles of their own, where the generator paints by regions: hair of one photo, skin of another. */

import { icon, make, part } from "./elements.js";
import { photoButton, takeDrops } from "./style_slots.js";

const FIRST = "hair";

/**
 * `regions` are the server's: label ids by name. `read(file, place)` gives the style of a photo, null where it has none;
 * `change(name, values)` makes a step of it.
 */
export function showRegions(state, regions, palette, read, change) {
  const place = part("regions");
  place.hidden = false;
  const title = (name) => titleOf(name, regions[name] ?? [], palette);
  const options = Object.keys(regions).map((name) => make("option", { value: name, selected: name === FIRST }, title(name)));
  const choice = make("select", {}, ...options);
  const take = async (file) => {
    const region = choice.value;
    const style = await read(file, `region ${region}`);
    if (style) change(`Style of ${title(region)}`, { regions: { ...state.get("regions"), [region]: style } });
  };
  const drop = (region) => {
    const { [region]: _, ...others } = state.get("regions");
    change(`Style of ${title(region)}`, { regions: others });
  };
  const own = make("ul", { "aria-label": "Regions in styles of their own" });
  const caption = make("span", { className: "word" }, "Region");
  choice.setAttribute("aria-label", "Region");
  place.append(make("label", { className: "region" }, caption, choice), photoButton("The region's style from a photo", take), own);
  takeDrops(place, take);
  state.watch("regions", (styled) => {
    own.replaceChildren(...Object.entries(styled).map(([name, style]) => chip(title(name), style, () => drop(name))));
  });
}

/** What a region is called: the label that it is, or the name of several. */
function titleOf(name, ids, palette) {
  return ids.length === 1 ? palette.labels[ids[0]].title : name;
}

function chip(title, style, drop) {
  const remove = make("button", { className: "icon", title: "As the rest again", "aria-label": `${title}: as the rest again` }, icon("close"));
  remove.addEventListener("click", drop);
  const image = style.thumb ? [make("img", { src: style.thumb, alt: "" })] : [];
  return make("li", {}, ...image, title, remove);
}
