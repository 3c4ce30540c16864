// Everyone who waits for the present Wasm instance.
//
// A request that the runtime cancels never comes back to be taken out, and neither does its Rust future. The gate registers what may take
// long with waitUntil, so that a client who leaves cancels hardly any; and where an origin hangs for very many, the oldest are given up, or
// they would fill the memory. Who was given up is answered all the same, unless the instance dies.

export const DIED = Symbol("the Wasm instance died");

export class Waiting {
  #all = new Set();
  #most;

  constructor(most = 10_000) {
    this.#most = most;
  }

  add(resolve) {
    this.#all.add(resolve);
    if (this.#all.size > this.#most) this.#all.delete(this.#all.values().next().value);
  }

  /** Takes one out; whether it was still waiting. */
  delete(resolve) {
    return this.#all.delete(resolve);
  }

  /** Tells everyone that the instance died, and gives how many they were. */
  abandon() {
    const all = [...this.#all];
    this.#all.clear();
    for (const resolve of all) resolve(DIED);
    return all.length;
  }
}
