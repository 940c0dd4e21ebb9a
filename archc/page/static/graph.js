// Which boxes, frames and edges are seen when some frames are open and the others closed.

import { tail } from "./text.js";

const FOLLOWERS = new Set(["normalization", "activation", "dropout"]);
const LEADERS = new Set(["convolution", "linear", "normalization", "merge"]);

/** A frame of so few layers says what they are when it is closed. */
export const FEW = 3;

/** A graph of the page, with keys by which its frames are known again after an edit. */
export class Tree {
  constructor(graph, count) {
    this.count = count; // of the nodes; from here on numbers are ends
    this.ends = graph.ends;
    this.edges = graph.edges;
    this.frames = [];
    this.root = this.#frame(graph.root, null, "");
  }

  #frame(data, parent, key) {
    const frame = { ...data, parent, key, nodes: [], parts: [] };
    this.frames.push(frame);
    const met = new Map();
    for (const part of data.parts) {
      if (typeof part === "number") {
        frame.parts.push(part);
        frame.nodes.push(part);
        continue;
      }
      const name = `${part.kind} ${part.path || part.block}`;
      met.set(name, (met.get(name) ?? 0) + 1);
      const inner = this.#frame(part, frame, `${key}/${name}#${met.get(name)}`);
      frame.parts.push(inner);
      frame.nodes.push(...inner.nodes);
    }
    return frame;
  }

  /** How a frame is called, as in `layer3 · bottleneck ×35`. */
  label(frame) {
    const first = frame.kind === "run" ? frame.parts[0] : frame;
    const block = frame.block || first.block;
    const path = frame.path || first.path || "";
    // a run without a name of its own is called after the first and the last
    const last = frame.kind === "run" && path === first.path ? frame.parts.at(-1).path : path;
    const span = last === path ? tail(path) : `${tail(path)}…${tail(last)}`;
    const name = frame.kind === "head" ? `${path} (training only)` : span;
    const times = frame.kind === "run" ? `×${frame.parts.length}` : "";
    const words = [name, block && block !== name ? `· ${block}` : "", times];
    return words.filter(Boolean).join(" ") || frame.kind;
  }

  /** How many skips lie within a frame. */
  skips(frame) {
    const inside = new Set(frame.nodes);
    return this.edges.filter((edge) => edge.kind === "skip" && inside.has(edge.target)).length;
  }

  /** The frames to open at first: from the outside in, as long as there is room. */
  opened(room) {
    const open = new Map([[this.root.key, "one"]]);
    const queue = this.root.parts.filter((part) => typeof part !== "number");
    let shown = this.root.parts.length;
    while (queue.length) {
      const frame = queue.shift();
      const first = frame.parts[0];
      const inside = frame.kind === "run" ? (first.parts ?? [first]) : frame.parts;
      if (frame.nodes.length <= FEW || shown + inside.length - 1 > room) continue;
      shown += inside.length - 1;
      open.set(frame.key, "one");
      queue.push(...inside.filter((part) => typeof part !== "number"));
    }
    return open;
  }
}

/**
 * What is seen of a tree: `boxes` (each with its nodes), nested `frames`, and `edges`.
 *
 * `open` says of each open frame, by its key, whether its repetitions are shown as `one`
 * or `all`. `node(n)` gives the category and the mark of a node.
 */
export function view(tree, open, node) {
  const seen = new View(tree, open, node);
  seen.inside(tree.root, seen.frame);
  seen.connect();
  seen.fuse(seen.frame);
  return seen;
}

class View {
  constructor(tree, open, node) {
    this.tree = tree;
    this.open = open;
    this.node = node;
    this.frame = { id: "f", frame: tree.root, items: [] };
    this.boxes = [];
    this.frames = [];
    this.edges = [];
    this.boxOf = new Map(); // the box of each node
    this.members = new Map(); // for a node within a run that is shown once: [run, member]
  }

  inside(frame, into) {
    for (const part of frame.parts) this.#part(part, into);
  }

  #part(part, into) {
    if (typeof part === "number") return this.#leaf(part, into);
    const state = this.open.get(part.key);
    if (!state) return this.#closed(part, into);
    const shown = { id: `f${this.frames.length}`, frame: part, items: [], state };
    this.frames.push(shown);
    into.items.push(shown);
    if (part.kind === "run" && state === "one") this.#once(part, shown);
    else this.inside(part, shown);
  }

  /** The first of several repetitions, which stands for the others too. */
  #once(run, shown) {
    const [first, ...others] = run.parts;
    if (typeof first === "number") this.#leaf(first, shown);
    else this.inside(first, shown);
    const nodes = (part) => (typeof part === "number" ? [part] : part.nodes);
    run.parts.forEach((part, member) => {
      for (const n of nodes(part)) {
        if (!this.members.has(n)) this.members.set(n, []);
        this.members.get(n).push([run, member]);
      }
    });
    for (const other of others) {
      nodes(other).forEach((n, i) => {
        const shownAs = nodes(first)[i];
        const box = this.boxOf.get(shownAs);
        this.boxOf.set(n, box);
        box.layers.find((layer) => layer.includes(shownAs))?.push(n);
        box.nodes.push(n);
      });
    }
  }

  #leaf(n, into) {
    const box = this.#box(into, [n]);
    box.end = n >= this.tree.count ? this.tree.ends[n - this.tree.count] : null;
    if (!box.end) box.layers.push([n]);
  }

  #closed(frame, into) {
    const box = this.#box(into, [...frame.nodes]);
    box.frame = frame;
  }

  #box(into, nodes) {
    const box = { id: `n${this.boxes.length}`, nodes, layers: [], frame: null, end: null, into };
    this.boxes.push(box);
    into.items.push(box);
    for (const n of nodes) this.boxOf.set(n, box);
    return box;
  }

  connect() {
    const known = new Set();
    for (const edge of this.tree.edges) {
      const { source, target } = edge;
      const from = this.boxOf.get(source);
      const to = this.boxOf.get(target);
      if (from === to || this.#loops(source, target)) continue;
      // into what is closed, a skip is one of the values that it reads
      const kind = to.frame && edge.kind === "skip" ? "" : edge.kind;
      const key = `${from.id} ${to.id} ${kind}`;
      if (known.has(key)) continue;
      known.add(key);
      this.edges.push({ from, to, kind });
    }
  }

  /** Whether an edge runs from one repetition to another of a run that is shown once. */
  #loops(source, target) {
    const ours = this.members.get(source);
    const theirs = ours && this.members.get(target);
    if (!theirs) return false;
    return ours.some(([run, at]) => theirs.some(([other, to]) => run === other && at !== to));
  }

  /** Makes one box of a layer and of what only works on its output. */
  fuse(shown) {
    const leaving = new Map();
    const coming = new Map();
    for (const edge of this.edges) {
      leaving.set(edge.from, [...(leaving.get(edge.from) ?? []), edge]);
      coming.set(edge.to, [...(coming.get(edge.to) ?? []), edge]);
    }
    const gone = new Map();
    const walk = (frame) => {
      const items = [];
      for (const item of frame.items) {
        const last = items.at(-1);
        if (item.items) walk(item);
        else if (last && !last.items && this.#follows(last, item, leaving, coming)) {
          last.layers.push(...item.layers);
          last.nodes.push(...item.nodes);
          gone.set(item, last);
          leaving.set(last, leaving.get(item) ?? []);
          continue;
        }
        items.push(item);
      }
      frame.items = items;
    };
    walk(shown);
    if (!gone.size) return;
    for (const [n, box] of this.boxOf) this.boxOf.set(n, gone.get(box) ?? box);
    this.boxes = this.boxes.filter((box) => !gone.has(box));
    for (const edge of this.edges) {
      edge.from = gone.get(edge.from) ?? edge.from;
      edge.to = gone.get(edge.to) ?? edge.to;
    }
    this.edges = this.edges.filter((edge) => edge.from !== edge.to);
  }

  #follows(box, next, leaving, coming) {
    if (!box.layers.length || !next.layers.length) return false;
    const [out, into] = [leaving.get(box) ?? [], coming.get(next) ?? []];
    if (out.length !== 1 || into.length !== 1 || out[0] !== into[0]) return false;
    const [a, b] = [this.node(box.layers[0][0]), this.node(next.layers[0][0])];
    return LEADERS.has(a.category) && FOLLOWERS.has(b.category) && a.mark === b.mark && out[0].kind === "";
  }
}
