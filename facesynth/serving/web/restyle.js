/** Changes of the style, each a step of the same history as strokes are. */

/**
 * What panels and keys change styles with: `change(name, values, gesture)` sets some of the state's styles as one step of
 * that name. What goes on at a stretch, a slider's drag or a number that is typed, is one step by its `gesture`.
 */
export function restyling(state, remember) {
  return (name, values, gesture = null) => {
    const before = Object.fromEntries(Object.keys(values).map((part) => [part, state.get(part)]));
    for (const [part, value] of Object.entries(values)) state.set(part, value);
    remember(name, { before: { look: before }, after: { look: values } }, gesture);
  };
}

/** An input's changes as one gesture: `take(gesture)` is called while it is moved or typed in, a new one begins after it. */
export function atAStretch(input, take) {
  let gesture = Symbol("gesture");
  input.addEventListener("input", () => take(gesture));
  input.addEventListener("change", () => {
    gesture = Symbol("gesture");
  });
}
