/** What a tool does at a point it does on the other side too where the mirror is on, with left and right swapped. */

/** The places of an action and their labels, the one under the pointer last: where both overlap it wins. */
export function places(desk, points, label) {
  const here = { points, label };
  if (!desk.state.get("mirror")) return [here];
  const side = desk.editor.map.side;
  return [{ points: points.map((point) => ({ ...point, x: side - point.x })), label: desk.palette.mirror[label] }, here];
}
