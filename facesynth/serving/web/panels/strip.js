/** Earlier pictures with their label maps and styles: a click brings one back. */

import { apply, changes } from "../labels/changes.js";
import { LabelMap } from "../labels/label_map.js";
import { make, part } from "./elements.js";

const MOST = 24;
const CALM = 1200; // ms without a change after which a picture is worth keeping

export class Strip {
  #timer = 0;
  #items = [];

  /** `back(map, beside)` is called with what a picture was painted from, `before(blob)` with the one before the newest. */
  constructor(back, before) {
    Object.assign(this, { back, before });
    this.list = part("strip");
  }

  /** A picture as new as the map, and what belongs to it beside the map: kept when nothing else comes for a while. */
  offer(blob, map, beside) {
    clearTimeout(this.#timer);
    const kept = { blob, side: map.side, ids: map.ids.slice(), beside }; // packed when there is time
    this.#timer = setTimeout(() => this.#keep(kept), CALM);
  }

  #keep({ blob, side, ids, beside }) {
    const drawn = changes(new Uint8Array(ids.length), ids);
    const url = URL.createObjectURL(blob);
    const number = this.#items.length ? this.#items[0].number + 1 : 1;
    const button = make("button", { "aria-label": `Go back to picture ${number}` }, make("img", { src: url, alt: "" }));
    button.addEventListener("click", () => {
      this.back(new LabelMap(side, apply(new Uint8Array(side * side), drawn)), beside);
    });
    const item = make("li", {}, button);
    this.list.prepend(item);
    this.#items.unshift({ number, url, item, blob });
    this.before(this.#items[1]?.blob ?? null);
    for (const old of this.#items.splice(MOST)) {
      old.item.remove();
      URL.revokeObjectURL(old.url);
    }
  }
}
