/** From a saved JSON to a label map and a style. The server looks at both before anything of it is on the map. */

import { LabelMap } from "./labels/label_map.js";
import { decodePng } from "./labels/png.js";
import { blobOf } from "./net/painter.js";

const FORMAT = "facesynth-picture-1";
const MAP_FAULTS = ["bad-labels", "bad-image", "too-many-pixels"];

/**
 * What a file holds: {map, style}, the style null where only the map can be used and one agreed to that; null where one
 * did not. `ask({title, words, go})` asks. Raises Error and Problem in words for people.
 */
export async function openDocument(file, { client, palette, ask, signal }) {
  const told = parsed(await file.text());
  if (told?.document !== FORMAT) throw new Error("this JSON is not a picture saved by facesynth");
  const map = await mapOf(told.labels, palette);
  const { question, style } = await looked(told, client, signal);
  if (signal.aborted || (question && !(await ask(question)))) return null;
  return { map, style };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function mapOf(labels, palette) {
  if (typeof labels !== "string") throw new Error("there is no label map in this JSON");
  const drawn = await decoded(labels, palette).catch(() => null);
  if (!drawn) throw new Error("the label map in this JSON is damaged");
  return new LabelMap(drawn.side, drawn.ids);
}

const decoded = async (labels, palette) => decodePng(blobOf(labels, "image/png"), palette.colours);

/** Have the server paint it: its style, null where that is refused, and what one is to be asked, if anything. */
async function looked(told, client, signal) {
  const { labels, style, noise_seed, weights } = told;
  if (typeof style !== "object" || !style) return { style: null, question: unusable("The file holds none.") };
  const plain = { document: FORMAT, labels, style, noise_seed };
  const refused = await refusal({ ...plain, weights }, client, signal);
  const others = refused?.code === "other-weights";
  const fault = others ? await refusal(plain, client, signal) : refused;
  if (fault) return { style: null, question: unusable(`${fault.message}.`) };
  return { style, question: others ? elsewhere() : null };
}

/** What the server says against a document's style or weights, null for nothing. Raises what else keeps it from answering. */
async function refusal(body, client, signal) {
  try {
    await client.synthesize(body, signal);
    return null;
  } catch (error) {
    if (MAP_FAULTS.includes(error.code)) throw new Error(`the label map in this JSON cannot be used: ${error.message}`);
    if (error.status === 422 || error.status === 409) return error;
    throw error;
  }
}

const elsewhere = () => ({
  title: "Painted by another generator",
  words: "This picture was painted by other weights than those that are served here. The same labels and style will look different.",
  go: "Open it anyway",
});

const unusable = (why) => ({
  title: "Its style cannot be used here",
  words: `${why.charAt(0).toUpperCase()}${why.slice(1)} The label map can be opened alone, in the style that there is now.`,
  go: "Open the label map",
});
