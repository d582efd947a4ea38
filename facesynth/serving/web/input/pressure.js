/** How much of the brush's size a pen wants by how hard it presses; all of it for mice and fingers. */

const LEAST = 0.2;
const UNTOLD = [0, 0.5, 1]; // what pens say that do not know how hard they press

export class Pressure {
  constructor(state) {
    this.state = state;
  }

  /** A part of the brush's size, 0.2..1. The state's `pen` is set with the first pen that tells how hard it presses. */
  of({ pointerType, pressure }) {
    if (pointerType !== "pen") return 1;
    if (!UNTOLD.includes(pressure)) this.state.set("pen", true);
    if (!pressure || !this.state.get("pen") || !this.state.get("pressure")) return 1;
    return LEAST + (1 - LEAST) * Math.sqrt(pressure);
  }
}
