/** The studio: what is served is asked for, both sides are set up, and a first face is put on the map. */

import { setUpDesk } from "./desk.js";
import { setUpEasel } from "./easel.js";
import { NONE } from "./labels/hidden.js";
import { Palette } from "./labels/palette.js";
import { Client, tokenOfAddress } from "./net/client.js";
import { showCamera } from "./panels/camera.js";
import { part } from "./panels/elements.js";
import { toast, toastError, wordsOf } from "./panels/messages.js";
import { Note } from "./panels/note.js";
import { keepReadingOrder } from "./panels/reading_order.js";
import { showStart } from "./panels/start.js";
import { showRegions } from "./panels/style_regions.js";
import { showStyles } from "./panels/style_slots.js";
import { showTheme } from "./panels/theme.js";
import { restyling } from "./restyle.js";
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
keepReadingOrder();

const client = new Client(tokenOfAddress());
const help = part("help");
part("help-open").addEventListener("click", () => help.showModal());

// Photos are taken from the first moment on: what comes before the server is awake waits for it, and the browser never
// leaves the page for a file that is dropped.
const opened = open();
const openFile = async (file) => (await opened).open(file);
showStart(openFile, async (kind) => (await opened).draw(kind));
showCamera(openFile);
opened.catch(closed);

/** Set up what needs no networks; what does follows when they are loaded. */
async function open() {
  const { labels, regions } = await client.labels();
  const palette = new Palette(labels);
  state.set("label", palette.id("hair"));
  let easel = null;
  let sources = null;
  const desk = setUpDesk(palette, state, {
    painted: () => easel?.changed(),
    noted: (note) => sources.noted(note),
    actions: { roll: () => change("First style", { a: seeded(chance()) }), help: () => help.showModal() },
  });
  const change = restyling(state, desk.remember);
  const note = new Note();
  const loaded = awake();
  easel = setUpEasel(client, desk.map, palette, state, {
    loaded,
    note,
    beside: () => sources.beside(),
    back: (map, beside) => sources.take("Earlier picture", map, beside),
  });
  sources = new Sources({ client, palette, state, desk, easel, loaded, note });
  loaded.then(({ generator: { encoder, style_regions: byRegion } }) => {
    const read = encoder ? (file, place) => sources.style(file, place) : null;
    showStyles(state, read, change);
    if (encoder && byRegion) showRegions(state, regions, palette, read, change);
    sources.examples().catch(toastError);
  }).catch(closed);
  return sources;
}

/** Say, for as long as the page is there, why there is nothing on it. */
function closed(error) {
  const { words, hint } = wordsOf(error);
  document.querySelector("main").hidden = true;
  for (const id of ["start-open", "save-open"]) part(id).disabled = true;
  part("closed-why").textContent = [words, hint].filter(Boolean).join(" ");
  part("closed").hidden = false;
}

/** What is loaded, as soon as it is; a server that cannot be reached meanwhile may be back. */
async function awake() {
  for (;;) {
    const { loaded } = await client.weights().catch(unreached);
    if (loaded) return loaded;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

function unreached(error) {
  if (!(error instanceof TypeError)) throw error;
  toastError(error);
  return { loaded: null };
}

addEventListener("unhandledrejection", ({ reason }) => {
  if (reason instanceof Error) toastError(reason);
  else toast("Something went wrong in this page.");
});
