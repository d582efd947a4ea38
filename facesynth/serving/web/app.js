/** The studio: what is served is asked for, both sides are set up, and a first face is put on the map. */

import { setUpDesk } from "./desk.js";
import { setUpEasel } from "./easel.js";
import { NONE } from "./labels/hidden.js";
import { Palette } from "./labels/palette.js";
import { Client, tokenOfAddress } from "./net/client.js";
import { part } from "./panels/elements.js";
import { toast, toastError } from "./panels/messages.js";
import { showRegions } from "./panels/style_regions.js";
import { showStyles } from "./panels/style_slots.js";
import { showTheme } from "./panels/theme.js";
import { remember, remembered } from "./settings.js";
import { Sources } from "./sources.js";
import { State } from "./state.js";
import { chance, seeded } from "./styles.js";
import { toolNamed } from "./tools/toolbox.js";

const state = new State({
  ...remembered({ radius: 12, theme: "auto", pressure: true }),
  tool: toolNamed("brush"),
  label: 1,
  hidden: NONE,
  pen: false,
  mirror: false,
  compare: false,
  a: seeded(1),
  b: seeded(2),
  blend: 0,
  regions: {},
});
remember(state, ["radius", "theme", "pressure"]);
showTheme(state);

const client = new Client(tokenOfAddress());
const help = part("help");
part("help-open").addEventListener("click", () => help.showModal());

try {
  await open();
} catch (error) {
  part("waiting").textContent = "The studio could not be opened.";
  toastError(error);
}

async function open() {
  const { labels, regions } = await client.labels();
  const palette = new Palette(labels);
  state.set("label", palette.id("hair"));
  let easel = null;
  let sources = null;
  const desk = setUpDesk(palette, state, {
    painted: () => easel?.changed(),
    noted: (note) => sources.noted(note),
    actions: { roll: () => state.set("a", seeded(chance())), help: () => help.showModal() },
  });
  const { encoder, style_regions: byRegion } = (await awake()).generator;
  easel = setUpEasel(client, desk.map, palette, state, {
    beside: () => sources.beside(),
    back: (map, beside) => sources.take("Earlier picture", map, beside),
  });
  sources = new Sources({ client, palette, state, desk, easel, encodes: encoder });
  const read = encoder ? (file) => sources.style(file) : null;
  showStyles(state, read);
  if (encoder && byRegion) showRegions(state, Object.keys(regions), read);
  easel.changed();
  sources.examples().catch(toastError);
}

/** What is loaded, as soon as it is. */
async function awake() {
  for (;;) {
    const { loaded } = await client.weights();
    if (loaded) return loaded;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

addEventListener("unhandledrejection", ({ reason }) => {
  if (reason instanceof Error) toastError(reason);
  else toast("Something went wrong in this page.");
});
