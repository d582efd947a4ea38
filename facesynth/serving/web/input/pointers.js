/** Mouse, pen and fingers on the label map: one draws, two fingers zoom and pan, the wheel sizes the brush. */

import { stepped, toolNamed } from "../tools/toolbox.js";
import { Pressure } from "./pressure.js";
import { Trail } from "./trail.js";

const ROLL = 50; // pixels that a wheel rolls for a step of the brush's size: one notch of a mouse is one step
const ERASER_BUTTON = 32; // a pen turned round

export class Pointers {
  #touches = new Map();
  #panning = null;
  #drawing = null;
  #trail = null;
  #rolled = 0;

  constructor(surface, view, hand, { state, overlay, hovered }) {
    Object.assign(this, { surface, view, hand, state, overlay, hovered });
    this.space = false;
    this.pressure = new Pressure(state);
    const on = (name, handler) => surface.addEventListener(name, handler.bind(this), { passive: false });
    on("pointerdown", this.#down);
    on("pointermove", this.#move);
    on("pointerup", this.#up);
    on("pointercancel", this.#lost);
    on("pointerleave", this.#left);
    on("wheel", this.#wheel);
    on("contextmenu", (event) => event.preventDefault());
  }

  #down(event) {
    event.preventDefault();
    if (event.pointerType === "touch" && this.#drawing?.pointerType === "pen") return; // a palm
    this.surface.dataset.by = "pointer"; // the focus is shown to those who came by keys
    this.surface.focus({ preventScroll: true });
    this.surface.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.#touches.set(event.pointerId, event);
      if (this.#touches.size > 1) return this.#pinch();
    }
    if (event.button === 1 || (event.button === 0 && this.space)) this.#panning = event;
    else if (event.button === 0 || event.buttons & ERASER_BUTTON) this.#draw(event);
  }

  #draw(event) {
    const tool = event.altKey ? "pick" : event.buttons & ERASER_BUTTON ? "eraser" : this.state.get("tool").name;
    const point = this.#point(event);
    this.#drawing = event;
    this.#trail = toolNamed(tool).flows ? new Trail(point) : null;
    this.overlay.at(point);
    this.hand.press(toolNamed(tool), point);
  }

  /** Where a pointer is on the map, and how hard it presses. */
  #point(event) {
    return { ...this.view.under(event), force: this.pressure.of(event) };
  }

  /** A second finger: what the first has begun to draw was meant to be a zoom. */
  #pinch() {
    this.hand.cancel();
    this.#drawing = null;
    this.overlay.at(null);
  }

  #move(event) {
    if (this.#touches.has(event.pointerId) && this.#touches.size > 1) return this.#spread(event);
    if (this.#panning?.pointerId === event.pointerId) {
      this.view.look((port) => port.pan(event.clientX - this.#panning.clientX, event.clientY - this.#panning.clientY));
      this.#panning = event;
      return;
    }
    const point = this.#point(event);
    this.overlay.at(point);
    this.hovered(point);
    if (this.#drawing?.pointerId !== event.pointerId) return;
    const events = event.getCoalescedEvents?.() ?? [];
    const points = (events.length ? events : [event]).map((each) => this.#point(each));
    this.hand.drag(this.#trail?.add(points) ?? points);
  }

  #spread(event) {
    const before = this.#grip();
    this.#touches.set(event.pointerId, event);
    const after = this.#grip();
    const box = this.surface.getBoundingClientRect();
    this.view.look((port) => {
      port.pan(after.x - before.x, after.y - before.y);
      port.zoomAt(after.reach / before.reach, { x: after.x - box.x, y: after.y - box.y });
    });
  }

  /** The middle of the first two fingers, and how far they are apart. */
  #grip() {
    const [a, b] = [...this.#touches.values()];
    const reach = Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));
    return { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2, reach };
  }

  #up(event) {
    this.#release(event);
    if (this.#drawing?.pointerId === event.pointerId) {
      this.#drawing = null;
      this.hand.drag(this.#trail?.end() ?? []);
      this.hand.lift();
    }
    if (event.pointerType === "touch") this.overlay.at(null);
  }

  #lost(event) {
    this.#release(event);
    if (this.#drawing?.pointerId !== event.pointerId) return;
    this.#drawing = null;
    this.hand.cancel();
  }

  #release(event) {
    this.#touches.delete(event.pointerId);
    if (this.#panning?.pointerId === event.pointerId) this.#panning = null;
  }

  #left(event) {
    if (this.#drawing?.pointerId === event.pointerId) return;
    this.overlay.at(null);
    this.hovered(null);
  }

  #roll(pixels) {
    this.#rolled = pixels * this.#rolled < 0 ? pixels : this.#rolled + pixels;
    if (Math.abs(this.#rolled) < ROLL) return;
    this.state.set("radius", stepped(this.state.get("radius"), -this.#rolled));
    this.#rolled = 0;
  }

  #wheel(event) {
    event.preventDefault();
    if (!event.deltaY) return;
    if (!event.ctrlKey && !event.metaKey) {
      this.#roll(event.deltaMode ? event.deltaY * ROLL : event.deltaY);
      return;
    }
    const box = this.surface.getBoundingClientRect();
    const factor = Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) * 0.006);
    this.view.look((port) => port.zoomAt(factor, { x: event.clientX - box.x, y: event.clientY - box.y }));
  }
}
