/** What is sent for a picture: the label map as PNG once, then by its digest for as long as only the style changes. */

import { LabelMap } from "../labels/label_map.js";
import { encodePng } from "../labels/png.js";

export class Painter {
  #edition = 0;
  #known = null;

  constructor(client, map, palette) {
    Object.assign(this, { client, map, palette });
  }

  /** The label map is another than before. */
  changed() {
    this.#edition++;
    this.#known = null;
  }

  /** The label map as it is now, as PNG. */
  png() {
    return encodePng(new LabelMap(this.map.side, this.map.ids.slice()), this.palette.colours);
  }

  /** The body of a request that needs nothing that the server remembers. */
  async body(style) {
    return { labels: await base64(await this.png()), style };
  }

  /** Paint the map as it is now in a style. */
  async paint(style, signal) {
    const edition = this.#edition;
    const known = this.#known;
    let painted = null;
    if (known) painted = await this.#byDigest({ labels_sha256: known, style }, signal);
    painted ??= await this.client.synthesize(await this.body(style), signal);
    if (edition === this.#edition) this.#known = painted.labels;
    return painted.picture;
  }

  async #byDigest(body, signal) {
    try {
      return await this.client.synthesize(body, signal);
    } catch (error) {
      if (error.code === "unknown-labels") return null;
      throw error;
    }
  }
}

/** A Blob's bytes as base64. */
export function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** A Blob of base64. */
export function blobOf(text, type) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type });
}
