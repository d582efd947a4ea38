/** Label maps as palette PNGs, written byte by byte: a canvas would write colours and lose the ids. */

const SMALLEST = 8;
const LARGEST = 2048;
const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(kind, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, checksum(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A Blob of a label map as a PNG of 8-bit palette ids; `palette` is a list of [red, green, blue] by id. */
export async function encodePng(map, palette) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, map.side);
  view.setUint32(4, map.side);
  header.set([8, 3, 0, 0, 0], 8);
  const rows = new Uint8Array(map.side * (map.side + 1)); // each row begins with its filter: none
  for (let y = 0; y < map.side; y++) {
    rows.set(map.ids.subarray(y * map.side, (y + 1) * map.side), y * (map.side + 1) + 1);
  }
  const parts = [
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(palette.flat())),
    chunk("IDAT", await deflated(rows)),
    chunk("IEND", new Uint8Array()),
  ];
  return new Blob([SIGNATURE, ...parts], { type: "image/png" });
}

/**
 * Read a label map's image: every pixel a colour of the palette, or every one a grey that is an id.
 * Returns {side, ids}, null where it is not such a one or no image. Raises Error for a map that is too small or too large.
 */
export async function decodePng(blob, palette) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => null);
  if (bitmap?.width !== bitmap?.height || !bitmap) return null;
  const side = bitmap.width;
  const looked = Math.min(side, LARGEST); // of a larger one every so many pixels tell whether it is a map
  const context = new OffscreenCanvas(looked, looked).getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, looked, looked);
  bitmap.close();
  const pixels = context.getImageData(0, 0, looked, looked).data;
  const greys = palette.map((_, id) => [id, id, id]);
  const ids = idsOf(pixels, palette) ?? idsOf(pixels, greys);
  if (ids && (side < SMALLEST || side > LARGEST)) {
    throw new Error(`a label map is ${SMALLEST} to ${LARGEST} pixels wide, and this one is ${side}`);
  }
  return ids && { side, ids };
}

/** The id of each opaque pixel by its colour, null where one has no such colour. */
function idsOf(pixels, colours) {
  const byColour = new Map(colours.map(([red, green, blue], id) => [(red << 16) | (green << 8) | blue, id]));
  const ids = new Uint8Array(pixels.length / 4);
  for (let i = 0; i < ids.length; i++) {
    const id = byColour.get((pixels[4 * i] << 16) | (pixels[4 * i + 1] << 8) | pixels[4 * i + 2]);
    if (id === undefined || pixels[4 * i + 3] !== 255) return null;
    ids[i] = id;
  }
  return ids;
}
