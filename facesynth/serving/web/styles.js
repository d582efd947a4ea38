/** What a face looks like apart from its labels: two styles, how far between them, and regions of their own. */

/** A style from a seed. */
export const seeded = (seed) => Object.freeze({ kind: "seed", seed, style: { seed } });

/** A style read off a face: `style` as the server gave it, `thumb` an image's address to show it by. */
export const ofFace = (style, thumb, name) => Object.freeze({ kind: "face", style, thumb, name });

/** The style that a saved document held, told as the server tells styles: a seed where it is one. */
export function saved(style) {
  const [part, ...others] = style.components ?? [];
  const bySeed = Number.isSafeInteger(part?.seed) && !others.length && !Object.keys(style.regions ?? {}).length;
  return bySeed ? seeded(part.seed) : Object.freeze({ kind: "face", style, thumb: null, name: "saved style" });
}

/** A seed by chance: small enough to be read aloud. */
export const chance = () => Math.floor(Math.random() * 10000);

/** What /synthesize is asked for. */
export function asked({ a, b, blend, regions }) {
  const base = blend <= 0 ? a.style : blend >= 1 ? b.style : { mix: [a.style, b.style], t: blend };
  const own = Object.entries(regions);
  if (!own.length) return base;
  return { base, regions: Object.fromEntries(own.map(([name, slot]) => [name, slot.style])) };
}
