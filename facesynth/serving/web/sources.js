/** Faces in and out: photos, examples, drawings and documents onto the map; pictures, maps and documents to the disk. */

import { blankOval, plainFace } from "./labels/faces.js";
import { NONE } from "./labels/hidden.js";
import { Opening } from "./opening.js";
import { showCamera } from "./panels/camera.js";
import { part } from "./panels/elements.js";
import { PastePreview } from "./panels/paste_preview.js";
import { say, toastError } from "./panels/messages.js";
import { showSave } from "./panels/save.js";
import { chooseFace, showExamples, showStart } from "./panels/start.js";
import { Through } from "./panels/through.js";
import { saved } from "./styles.js";

/** What a face that comes from no photo has beside its map. */
const DRAWN = Object.freeze({ photo: null, face: null });

export class Sources {
  #photo = DRAWN;

  /** `encodes` tells whether the server reads styles off faces; `easel` and `desk` are the page's two sides. */
  constructor({ client, palette, state, desk, easel, encodes }) {
    Object.assign(this, { client, palette, state, desk, easel });
    this.opening = new Opening({ client, palette, choose: chooseFace, encodes, doing });
    this.through = new Through(desk.view);
    const open = (file) => this.open(file);
    showStart(open, (kind) => this.#draw(kind));
    showCamera(open);
    showSave({
      "save-picture": { name: "face.png", made: async () => easel.picture.blob },
      "save-map": { name: "labels.png", made: () => easel.png() },
      "save-document": { name: "face.json", made: () => easel.document() },
    });
    const preview = new PastePreview((how, signal) => this.#pasted(how, signal));
    part("save-photo").addEventListener("click", () => {
      part("save").hidePopover();
      if (easel.picture.blob) preview.show(this.#photo);
    });
  }

  /** Put what a file holds on the map, if it is still `wanted()` when it has been read. Returns whether it is there. */
  async open(file, wanted = () => true) {
    const opened = await this.opening.open(file).catch(toastError);
    if (!opened || !wanted()) return false;
    const a = opened.saved ? saved(opened.saved) : opened.style;
    this.take("New face", opened.map, { look: a && { a, blend: 0, regions: {} }, source: opened.photo ? opened : DRAWN });
    this.#seen();
    return true;
  }

  /** The style of the face in a photo, null where it has none. */
  async style(file) {
    return (await this.opening.style(file).catch(toastError)) ?? null;
  }

  /** What belongs to the face on the map beside its labels: how it looks, and the photo that it comes from. */
  beside() {
    return { look: this.easel.look(), source: this.#photo };
  }

  /** Put a map in the place of the one there is, with what belongs to it; one step of the history. */
  take(name, map, { look = {}, source }) {
    const before = this.beside();
    const after = { look: { ...before.look, ...look }, source };
    this.desk.editor.load(name, map, { before, after });
    this.noted(after);
  }

  /** Bring back what belongs to a step beside its map. */
  noted({ look, source }) {
    for (const [name, value] of Object.entries(look)) this.state.set(name, value);
    if (source === this.#photo) return;
    this.#photo = source;
    part("save-photo").hidden = !source.photo;
    this.easel.picture.compareWith(source.face);
    this.through.show(source.face);
  }

  /** Offer the server's examples; the first is put on the map where nobody has drawn yet. */
  async examples() {
    const offered = await this.client.examples();
    const { editor } = this.desk;
    const untouched = () => !editor.busy && !editor.history.canUndo && !editor.history.canRedo;
    if (offered.length && untouched()) {
      if (await this.open(await this.client.file(offered[0].url), untouched)) this.desk.fresh();
    }
    await showExamples(offered, (example) => this.client.file(example.url), (file) => this.open(file));
  }

  #draw(kind) {
    const drawn = (kind === "plain" ? plainFace : blankOval)(this.desk.map.side, this.palette);
    this.take("New face", drawn, { source: DRAWN });
    this.#seen();
  }

  /** Show a new face whole, with all its labels. */
  #seen() {
    this.state.set("hidden", NONE);
    this.desk.view.look((port) => port.fit());
  }

  /** The photo with the picture in it, its edge `feather` soft; with `own` the photo keeps its background and clothes. */
  async #pasted({ feather, own }, signal) {
    const { photo, transform, size } = this.#photo;
    const labels = own ? await this.easel.png() : null;
    return this.client.paste(photo, this.easel.picture.blob, { transform, size, labels, feather }, signal);
  }
}

/** Say what goes on over the picture, nothing where nothing does. */
function doing(words) {
  const note = part("waiting");
  note.hidden = !words;
  if (!words) return;
  note.textContent = words;
  say(words);
}
