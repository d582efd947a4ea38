/** What is chosen: plain values that panels read, set and watch. */
export class State {
  #values;
  #watchers = new Map();

  constructor(values) {
    this.#values = { ...values };
  }

  get(name) {
    return this.#values[name];
  }

  /** Set a value; those who watch it are told where it differs. */
  set(name, value) {
    if (!(name in this.#values)) throw new RangeError(`there is no ${name}`);
    if (Object.is(this.#values[name], value)) return;
    this.#values[name] = value;
    for (const watcher of this.#watchers.get(name) ?? []) watcher(value);
  }

  /** Call `watcher(value)` now and whenever the value changes. */
  watch(name, watcher) {
    if (!this.#watchers.has(name)) this.#watchers.set(name, new Set());
    this.#watchers.get(name).add(watcher);
    watcher(this.#values[name]);
  }
}
