/** The picture follows the map: one request at a time, always of what is newest, never a queue of what is old. */

const PATIENCE = 1500; // ms that an old request has at least before it is dropped for a newer one
const SLOWER = 3; // times its usual time that it has too: a slow server is to answer now and then while one draws
const SLOWEST = 8000; // ms between attempts while the server cannot be reached

export class Live {
  #wanted = 0;
  #shown = 0;
  #flight = null;
  #timer = 0;
  #failures = 0;
  #usual = Infinity;

  /**
   * `paint(signal)` asks for a picture of what there is now; `show(picture, newest)` gets it;
   * `working(busy)` and `failed(error, again)` tell what goes on, `again` where it will be tried again.
   */
  constructor({ paint, show, working, failed }) {
    Object.assign(this, { paint, show, working, failed });
  }

  /** Something has changed: a new picture is wanted. */
  want() {
    this.#wanted++;
    this.working(true);
    if (!this.#flight && !this.#failures) this.#after(0); // after a failure its own time is waited for
    else if (this.#flight && this.#old(this.#flight)) this.#flight.abort.abort();
  }

  #old(flight) {
    return performance.now() - flight.since > Math.max(PATIENCE, SLOWER * this.#usual);
  }

  #after(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fly(), delay);
  }

  async #fly() {
    if (this.#flight || this.#wanted === this.#shown) return;
    const flight = { of: this.#wanted, since: performance.now(), abort: new AbortController() };
    this.#flight = flight;
    let delay = 0;
    try {
      const picture = await this.paint(flight.abort.signal);
      this.#failures = 0;
      this.#usual = performance.now() - flight.since;
      this.#shown = flight.of;
      await this.show(picture, flight.of === this.#wanted);
    } catch (error) {
      delay = this.#fell(error, flight);
    }
    this.#flight = null;
    if (this.#shown === this.#wanted) this.working(false);
    else this.#after(delay);
  }

  /** How long to wait after a failure; what cannot be mended by waiting is not asked for again. */
  #fell(error, flight) {
    if (error.name === "AbortError" || error.code === "superseded") return 0;
    const passing = error instanceof TypeError || [429, 503, 504].includes(error.status);
    if (passing || (error.status === 500 && this.#failures < 2)) {
      this.#failures++;
      this.failed(error, this.#failures);
      return Math.min(SLOWEST, error.retryAfter ? error.retryAfter * 1000 : 250 * 2 ** this.#failures);
    }
    this.#failures = 0;
    this.#shown = flight.of;
    this.failed(error, 0);
    return 0;
  }
}
