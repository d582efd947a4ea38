/** What a browser remembers between visits: the brush's size and the theme. Never a drawing, never a photo. */

const KEY = "facesynth-studio";

/** The remembered settings over the given ones; what cannot be read is as if it were not there. */
export function remembered(settings) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const known = Object.entries(kept).filter(([name, value]) => typeof value === typeof settings[name]);
    return { ...settings, ...Object.fromEntries(known) };
  } catch {
    return { ...settings };
  }
}

/** Remember a setting from now on whenever it changes. */
export function remember(state, names) {
  for (const name of names) state.watch(name, () => store(state, names));
}

function store(state, names) {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(names.map((name) => [name, state.get(name)]))));
  } catch {
    // A browser that forbids storage forgets the settings: nothing else depends on them.
  }
}
