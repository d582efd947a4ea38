/** Faces in and out: photos, examples, drawings and documents onto the map; pictures, maps and documents to the disk. */

import { blankOval, plainFace } from "./labels/faces.js";
import { NONE } from "./labels/hidden.js";
import { Opening } from "./opening.js";
import { ask } from "./panels/ask.js";
import { part } from "./panels/elements.js";
import { PastePreview } from "./panels/paste_preview.js";
import { toast, toastError } from "./panels/messages.js";
import { showSave } from "./panels/save.js";
import { chooseFace, showExamples } from "./panels/start.js";
import { Through } from "./panels/through.js";
import { saved } from "./styles.js";

/** What a face that comes from no photo has beside its map. */
const DRAWN = Object.freeze({ photo: null, face: null });

export class Sources {
  #photo = DRAWN;

  /** `loaded` is what the server has loaded, once it has; `easel` and `desk` are the page's two sides, `note` tells what goes on. */
  constructor({ client, palette, state, desk, easel, loaded, note }) {
    Object.assign(this, { client, palette, state, desk, easel });
    const doing = (of, words) => note.doing(of, words);
    this.opening = new Opening({ client, palette, loaded, choose: chooseFace, ask, doing });
    this.through = new Through(desk.view);
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
    if (!opened.photo && !opened.saved) this.#warn(opened.map);
    return true;
  }

  /** The style of the face in a photo for a place of the page, null where it has none. */
  async style(file, place) {
    return (await this.opening.style(file, place).catch(toastError)) ?? null;
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
  noted({ look, source = this.#photo }) {
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
    const { history } = editor;
    const untouched = () => !this.opening.busy && !editor.busy && !history.canUndo && !history.canRedo;
    const first = offered.length && untouched() ? await this.client.file(offered[0].url) : null;
    if (first && untouched() && (await this.open(first, untouched))) this.desk.fresh(); // a photo may have been dropped by now
    await showExamples(offered, (example) => this.client.file(example.url), (file) => this.open(file));
  }

  /** Put a "plain" face or a "blank" one on the map. */
  draw(kind) {
    const drawn = (kind === "plain" ? plainFace : blankOval)(this.desk.map.side, this.palette);
    this.take("New face", drawn, { source: DRAWN });
    this.#seen();
  }

  /** Show a new face whole, with all its labels. */
  #seen() {
    this.state.set("hidden", NONE);
    this.desk.view.look((port) => port.fit());
  }

  /** A dark photo looks like a label map of background: whoever meant a photo is told what became of it. */
  #warn({ ids }) {
    if (ids.some((id) => id !== ids[0])) return;
    toast(`This image was taken for a label map: all of it is ${this.palette.labels[ids[0]].title}.`, "Undo takes it back.");
  }

  /** The photo with the picture in it, its edge `feather` soft; with `own` the photo keeps its background and clothes. */
  async #pasted({ feather, own }, signal) {
    const { photo, transform, size } = this.#photo;
    const labels = own ? await this.easel.png() : null;
    return this.client.paste(photo, this.easel.picture.blob, { transform, size, labels, feather }, signal);
  }
}
