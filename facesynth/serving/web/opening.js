/** From a file to a face on the map: a photo is aligned, parsed and its style read; saved maps and documents open too. */

import { decodePng } from "./labels/png.js";
import { LabelMap } from "./labels/label_map.js";
import { blobOf } from "./net/painter.js";
import { ofFace } from "./styles.js";

const CROP = 512;

export class Opening {
  #abort = new AbortController();

  /**
   * `client` is the server's; `choose(images)` asks which of several faces; `encodes` tells whether styles can be read;
   * `doing(words)` says what goes on, null when nothing does.
   */
  constructor({ client, palette, choose, encodes, doing }) {
    Object.assign(this, { client, palette, choose, encodes, doing });
  }

  /**
   * What a file holds: {map} with {style, face, photo, transform, size} where it is a photo, with {style} where it is a
   * document. Null where nobody was chosen or something newer is being opened. Raises Problem and Error.
   */
  async open(file) {
    const signal = this.#begin();
    try {
      if (/json/.test(file.type) || /\.json$/i.test(file.name ?? "")) return await this.#document(file);
      const drawn = file.type === "image/png" ? await decodePng(file, this.palette.colours).catch(() => null) : null;
      if (drawn) return { map: new LabelMap(drawn.side, drawn.ids) };
      return await this.#photo(file, signal);
    } catch (error) {
      if (error.name === "AbortError") return null;
      throw error;
    } finally {
      if (!signal.aborted) this.doing(null);
    }
  }

  /** The style of the largest face in a photo, as a style of this page; null where nobody was chosen. */
  async style(file) {
    const signal = this.#begin();
    try {
      const found = await this.#face(file, signal);
      return found && (await this.#read(found.face, undefined, signal));
    } catch (error) {
      if (error.name === "AbortError") return null;
      throw error;
    } finally {
      if (!signal.aborted) this.doing(null);
    }
  }

  #begin() {
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  async #photo(file, signal) {
    const found = await this.#face(file, signal);
    if (!found) return null;
    this.doing("Reading its parts …");
    const [{ side, ids }, style] = await Promise.all([
      this.client.segment(found.face, signal),
      this.encodes ? this.#read(found.face, undefined, signal) : undefined,
    ]);
    return { map: new LabelMap(side, ids), style, ...found, photo: file };
  }

  /** The one face of a photo that is meant, and how it lies there. */
  async #face(file, signal) {
    this.doing("Looking for the face …");
    const { faces } = await this.client.align(file, signal);
    const number = faces.length > 1 ? await this.choose(faces.map(({ face }) => `data:image/png;base64,${face}`)) : 0;
    if (number === null || signal.aborted) return null;
    const { face, transform, size } = faces[number];
    return { face: blobOf(face, "image/png"), transform, size: size ?? CROP };
  }

  async #read(face, labels, signal) {
    this.doing("Reading its style …");
    const style = await this.client.encode(face, labels, signal);
    return ofFace(style, URL.createObjectURL(face), "photo");
  }

  async #document(file) {
    const told = parsed(await file.text());
    if (told?.document !== "facesynth-picture-1") throw new Error("this JSON is not a picture saved by facesynth");
    const drawn = await decodePng(blobOf(told.labels, "image/png"), this.palette.colours);
    if (!drawn) throw new Error("the label map in this JSON cannot be read");
    return { map: new LabelMap(drawn.side, drawn.ids), saved: told.style };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
