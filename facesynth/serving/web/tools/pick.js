/** The eyedropper: take the label that lies under the pointer. */
export class Pick {
  name = "pick";
  title = "Pick a label";
  key = "i";

  begin(desk, point) {
    const label = desk.editor.map.at(point.x, point.y);
    if (label !== null) desk.state.set("label", label);
  }
}
