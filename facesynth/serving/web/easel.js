/** The right side: the picture, alive while the map is drawn, its styles and the earlier ones. */

import { Live } from "./net/live.js";
import { Painter } from "./net/painter.js";
import { say, toastError } from "./panels/messages.js";
import { Picture } from "./panels/picture.js";
import { Strip } from "./panels/strip.js";
import { asked } from "./styles.js";

const STYLE = ["a", "b", "blend", "regions"];

/**
 * Set the right side up. `beside()` tells what belongs to a picture beside its map, and is given back with the map to
 * `back(map, beside)` when an earlier picture is.
 */
export function setUpEasel(client, map, palette, state, { beside, back }) {
  const painter = new Painter(client, map, palette);
  const picture = new Picture(state);
  const strip = new Strip(back, (blob) => picture.compareWithEarlier(blob));
  const look = () => Object.fromEntries(STYLE.map((name) => [name, state.get(name)]));
  const live = new Live({
    paint: (signal) => painter.paint(asked(look()), signal),
    show: async (blob, newest) => {
      await picture.show(blob);
      if (newest) strip.offer(blob, map, beside());
    },
    working: (busy) => {
      picture.working(busy);
      if (!busy) say("the picture is painted");
    },
    failed: told,
  });
  for (const name of STYLE) state.watch(name, () => live.want());
  return {
    picture,
    look,
    /** The map is another than before. */
    changed: () => {
      painter.changed();
      live.want();
    },
    png: () => painter.png(),
    document: async () => {
      const document = await client.document(await painter.body(asked(look())));
      return new Blob([JSON.stringify(document)], { type: "application/json" });
    },
  };
}

/** One message a failure: not one an attempt, and none while the networks are being loaded. */
function told(error, again) {
  if (again <= 1 && error.code !== "not-ready") toastError(error);
}
