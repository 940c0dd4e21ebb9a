// What is chosen: layers of a network, by their numbers. All views listen to one of these.

export class Selection {
  #listeners = [];
  nodes = new Set();

  /** Calls `listener` with the chosen nodes and the view that they were chosen in. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Chooses nodes; the same ones once more are let go of. */
  choose(nodes, origin) {
    const same = nodes.length === this.nodes.size && nodes.every((n) => this.nodes.has(n));
    this.nodes = new Set(same ? [] : nodes);
    for (const listener of this.#listeners) listener(this.nodes, origin);
  }
}
