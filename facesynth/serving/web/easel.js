/** The right side: the picture, alive while the map is drawn, its styles and the earlier ones. */

import { Live } from "./net/live.js";
import { Painter } from "./net/painter.js";
import { say, toastError } from "./panels/messages.js";
import { Picture } from "./panels/picture.js";
import { Strip } from "./panels/strip.js";
import { asked } from "./styles.js";

const STYLE = ["a", "b", "blend", "regions"];

/**
 * Set the right side up; nothing is painted before `loaded` is there. `beside()` tells what belongs to a picture beside
 * its map, and is given back with the map to `back(map, beside)` when an earlier picture is. `note` is what the picture
 * hides once it is there.
 */
export function setUpEasel(client, map, palette, state, { loaded, note, beside, back }) {
  const painter = new Painter(client, map, palette);
  const picture = new Picture(state, note);
  const strip = new Strip(back, (blob) => picture.compareWithEarlier(blob));
  const look = () => Object.fromEntries(STYLE.map((name) => [name, state.get(name)]));
  const live = new Live({
    paint: (signal) => painter.paint(asked(look()), signal),
    show: async (blob, newest) => {
      await picture.show(blob);
      if (!newest) return;
      strip.offer(blob, map, beside());
      say("the picture is painted");
    },
    working: (busy) => picture.working(busy),
    failed: told,
  });
  let awake = false;
  const want = () => awake && live.want();
  for (const name of STYLE) state.watch(name, want);
  loaded.then(() => {
    awake = true;
    live.want();
  }, () => {});
  return {
    picture,
    look,
    /** The map is another than before. */
    changed: () => {
      painter.changed();
      want();
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
