/** From a file to a face on the map: a photo is aligned, parsed and its style read; saved maps and documents open too. */

import { openDocument } from "./documents.js";
import { LabelMap } from "./labels/label_map.js";
import { decodePng } from "./labels/png.js";
import { blobOf } from "./net/painter.js";
import { ofFace } from "./styles.js";

const CROP = 512;
const FACE = "face";

export class Opening {
  #now = new Map();

  /**
   * `client` is the server's; `loaded` what it has loaded, once it has; `choose(images)` asks which of several faces,
   * `ask(question)` whether to go on; `doing(of, words)` says what goes on with something, null when nothing does.
   */
  constructor({ client, palette, loaded, choose, ask, doing }) {
    Object.assign(this, { client, palette, loaded, choose, ask, doing });
  }

  /** Whether a file is on its way to the map. */
  get busy() {
    return this.#now.has(FACE);
  }

  /**
   * What a file holds: {map} with {style, face, photo, transform, size} where it is a photo, with {saved} where it is a
   * document. Null where nobody was chosen or something newer is being opened. Raises Problem and Error.
   */
  open(file) {
    return this.#newest(FACE, async (signal, doing) => {
      if (/json/.test(file.type) || /\.json$/i.test(file.name ?? "")) return this.#document(file, signal, doing);
      const drawn = file.type === "image/png" ? await decodePng(file, this.palette.colours) : null;
      if (drawn) return { map: new LabelMap(drawn.side, drawn.ids) };
      return this.#photo(file, signal, doing);
    });
  }

  /** The style of a face in a photo for a `place`, null where nobody was chosen or a newer one is read for it. */
  style(file, place) {
    return this.#newest(place, async (signal, doing) => {
      const found = await this.#face(file, signal, doing);
      return found && (await this.#read(found.face, signal, doing));
    });
  }

  /** Do something of which only the newest counts; what is older is given up. */
  async #newest(of, work) {
    this.#now.get(of)?.abort();
    const abort = new AbortController();
    this.#now.set(of, abort);
    const doing = (words) => abort.signal.aborted || this.doing(of, words);
    try {
      return await work(abort.signal, doing);
    } catch (error) {
      if (error.name === "AbortError") return null;
      throw error;
    } finally {
      doing(null);
      if (this.#now.get(of) === abort) this.#now.delete(of);
    }
  }

  async #photo(file, signal, doing) {
    const found = await this.#face(file, signal, doing);
    if (!found) return null;
    doing("Reading its parts …");
    const { encoder } = (await this.loaded).generator;
    const [{ side, ids }, style] = await Promise.all([
      this.client.segment(found.face, signal),
      encoder ? this.#read(found.face, signal, doing) : undefined,
    ]);
    return { map: new LabelMap(side, ids), style, ...found, photo: file };
  }

  /** The one face of a photo that is meant, and how it lies there. */
  async #face(file, signal, doing) {
    await this.#awake(doing);
    doing("Looking for the face …");
    const { faces } = await this.client.align(file, signal);
    const number = faces.length > 1 ? await this.choose(faces.map(({ face }) => `data:image/png;base64,${face}`)) : 0;
    if (number === null || signal.aborted) return null;
    const { face, transform, size } = faces[number];
    return { face: blobOf(face, "image/png"), transform, size: size ?? CROP };
  }

  async #read(face, signal, doing) {
    doing("Reading its style …");
    const style = await this.client.encode(face, undefined, signal);
    return ofFace(style, URL.createObjectURL(face), "photo");
  }

  async #document(file, signal, doing) {
    await this.#awake(doing);
    doing("Opening it …");
    const found = await openDocument(file, { client: this.client, palette: this.palette, ask: this.ask, signal });
    return found && { map: found.map, saved: found.style };
  }

  /** Wait for the networks: what came before they were loaded is not lost. */
  async #awake(doing) {
    doing("One moment: the painter is waking …");
    await this.loaded;
  }
}
