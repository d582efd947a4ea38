/** What lies over the label map and is no part of it: the brush's ring, the lasso's line, the mirror's axis. */
export class Overlay {
  #frame = 0;
  #ring = null;
  #line = [];
  #cross = false;

  constructor(canvas, view, state) {
    this.canvas = canvas;
    this.view = view;
    this.state = state;
    for (const name of ["tool", "radius", "mirror", "label"]) state.watch(name, () => this.soon());
  }

  /** Show where the brush is, in pixels of the map; null hides it. With `cross` it is moved by keys. */
  at(point, cross = false) {
    this.#ring = point;
    this.#cross = cross;
    this.soon();
  }

  /** Show the line that is being drawn around an area. */
  line(points) {
    this.#line = points;
    this.soon();
  }

  soon() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const { canvas, view } = this;
    const ratio = view.canvas.width / view.viewport.size;
    if (canvas.width !== view.canvas.width) canvas.width = canvas.height = view.canvas.width;
    this.context ??= canvas.getContext("2d");
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, view.viewport.size, view.viewport.size);
    if (this.state.get("mirror")) this.#axis();
    if (this.#line.length > 1) this.#lasso();
    if (!this.#ring) return;
    this.#brush(this.#ring, 1);
    if (this.state.get("mirror")) this.#brush({ x: view.map.side - this.#ring.x, y: this.#ring.y }, 0.55);
  }

  #brush(point, alpha) {
    const at = this.view.viewport.toScreen(point);
    const sized = this.state.get("tool").sized;
    const radius = sized ? Math.max(2, this.state.get("radius") * this.view.viewport.scale) : 4;
    const path = new Path2D();
    path.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    if (this.#cross || !sized) {
      const arm = 9;
      path.moveTo(at.x - arm, at.y);
      path.lineTo(at.x + arm, at.y);
      path.moveTo(at.x, at.y - arm);
      path.lineTo(at.x, at.y + arm);
    }
    this.#seen(path, alpha);
  }

  #lasso() {
    const path = new Path2D();
    for (const point of this.#line) {
      const at = this.view.viewport.toScreen(point);
      path.lineTo(at.x, at.y);
    }
    path.closePath();
    this.#seen(path, 1);
  }

  #axis() {
    const { viewport, map } = this.view;
    const top = viewport.toScreen({ x: map.side / 2, y: 0 });
    const path = new Path2D();
    path.moveTo(top.x, 0);
    path.lineTo(top.x, viewport.size);
    this.context.setLineDash([5, 6]);
    this.#seen(path, 0.6);
    this.context.setLineDash([]);
  }

  /** White over black: seen on every colour. */
  #seen(path, alpha) {
    this.context.globalAlpha = alpha;
    this.context.lineWidth = 3;
    this.context.strokeStyle = "#000a";
    this.context.stroke(path);
    this.context.lineWidth = 1.25;
    this.context.strokeStyle = "#fff";
    this.context.stroke(path);
    this.context.globalAlpha = 1;
  }
}
