// The picture: boxes in frames that open and close, zoomed and moved about.

import { FEW, Tree, view } from "./graph.js";
import { bytes, exact, dims, html, reach, short, svg, tail } from "./text.js";

const [LINE, SIDE, LETTER, SMALL] = [15, 10, 6.3, 5.6];
const LEGIBLE = 0.7; // the scale down to which a picture is made smaller by itself
const ROOM = 30; // how many boxes are shown at first
/** What a layer is in a comparison, without colours. */
export const SIGNS = { changed: "~", removed: "−", inserted: "+", moved: ">" };

/** What a picture can be coloured by: what it is called, of one layer, of several. */
const SUM = (a, b) => a + b;
const HEATS = {
  params: ["parameters", (layer) => layer.params, SUM, short],
  macs: ["multiply-adds", (layer) => layer.macs, SUM, short],
  memory: ["activation memory", (layer) => layer.memory, SUM, bytes],
  field: ["receptive field", (layer) => reach(layer.field), Math.max, exact],
};

export class Picture {
  /**
   * `layer(n)` gives the layer of a node, `mark(n)` what it is in a comparison; `state`
   * is what an earlier picture of the same network said in `state()`.
   */
  constructor({ graph, count, layer, mark, selection, engine, state }) {
    Object.assign(this, { layer, mark, selection, engine });
    this.tree = new Tree(graph, count);
    this.open = state?.open ?? this.tree.opened(ROOM);
    this.heat = state?.heat ?? "";
    this.place = state?.place ?? null; // null where it fits the window
    this.canvas = svg("g");
    this.drawing = svg(
      "svg",
      { class: "drawing", tabindex: "0", role: "group", "aria-label": "Picture. Arrow keys go from box to box, Enter chooses, Space opens and closes, plus and minus zoom." },
      svg(
        "defs",
        {},
        ...["", "skip", "removed", "inserted"].map((kind) =>
          svg(
            "marker",
            { id: `tip${kind}`, class: `tip ${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
            svg("path", { d: "M0 0.5 L8 4 L0 7.5 z" }),
          ),
        ),
      ),
      this.canvas,
    );
    this.legend = html("div", { class: "legend" });
    this.status = html("span", { class: "status", role: "status" });
    this.element = html("section", { class: "picture", "aria-label": "Picture" }, this.#tools(), this.drawing, this.legend);
    this.#pointing();
    this.drawing.addEventListener("keydown", (event) => this.#key(event));
    selection.listen((nodes, origin) => this.#choose(nodes, origin));
    this.ready = this.draw();
  }

  state() {
    return { open: this.open, heat: this.heat, place: this.place };
  }

  #tools() {
    const button = (label, title, action) =>
      html("button", { type: "button", title, "aria-label": title, onclick: action }, label);
    const select = html(
      "select",
      { "aria-label": "Colour by", onchange: () => {
        this.heat = select.value;
        this.#paint();
      } },
      html("option", { value: "" }, "kind of layer"),
      ...Object.entries(HEATS).map(([key, [name]]) => html("option", { value: key }, name)),
    );
    select.value = this.heat;
    return html(
      "div",
      { class: "tools" },
      button("+", "Zoom in", () => this.#zoom(1.25)),
      button("−", "Zoom out", () => this.#zoom(0.8)),
      button("Fit", "Show all of it", () => this.fit()),
      button("Open all", "Open all frames", () => this.#openAll()),
      button("Close all", "Close all frames", () => {
        this.open = new Map([[this.tree.root.key, "one"]]);
        this.draw(null);
      }),
      html("label", {}, "colour by ", select),
      this.status,
    );
  }

  #openAll() {
    this.open = new Map(this.tree.frames.map((frame) => [frame.key, "one"]));
    this.draw(null);
  }

  // ---- drawing

  /** Lays out and draws what is open; the frame of the key `kept` stays where it is. */
  async draw(kept = null) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const before = kept && this.#corner(kept);
    const shown = view(this.tree, this.open, (n) => this.#node(n));
    for (const box of shown.boxes) this.#measure(box);
    for (const frame of shown.frames) frame.title = this.tree.label(frame.frame).length * LETTER + 60;
    this.status.textContent = shown.boxes.length > 300 ? "laying out …" : "";
    try {
      await this.engine.layout(shown);
    } catch (error) {
      this.status.textContent = `This cannot be laid out: ${error.message}`;
      return;
    }
    if (turn !== this.turn) return; // something else was opened in the meantime
    this.status.textContent = "";
    this.shown = shown;
    this.#show();
    const after = kept && this.#corner(kept);
    if (before && after && this.place) {
      this.place.x += (before.x - after.x) * this.place.scale;
      this.place.y += (before.y - after.y) * this.place.scale;
    }
    this.#put();
    this.#paint();
    this.#choose(this.selection.nodes, this);
  }

  #node(n) {
    const layer = n < this.tree.count ? this.layer(n) : { category: "end" };
    return { category: layer.category, mark: n < this.tree.count ? this.mark?.(n) : "same" };
  }

  #corner(key) {
    const frame = this.shown?.frames.find((frame) => frame.frame.key === key);
    const box = this.shown?.boxes.find((box) => box.frame?.key === key);
    if (frame?.width) return { x: frame.x, y: frame.y };
    return box ? { x: box.x - box.width / 2, y: box.y - box.height / 2 } : null;
  }

  /** What stands in a box, and how large that makes it. */
  #measure(box) {
    box.lines = box.end ? this.#end(box) : box.frame ? this.#closed(box) : this.#layers(box);
    const longest = Math.max(...box.lines.map(([text, small]) => text.length * (small ? SMALL : LETTER)));
    box.width = Math.max(56, longest + 2 * SIDE + (box.frame ? 16 : 0));
    box.height = box.lines.length * LINE + 8;
  }

  #end(box) {
    return [[box.end.name], [dims(box.end.shape), true]];
  }

  #closed(box) {
    const sum = (what) => box.nodes.reduce((total, n) => total + this.layer(n)[what], 0);
    const last = this.layer(box.frame.nodes.at(-1));
    const count = box.nodes.length;
    const skips = this.tree.skips(box.frame);
    if (count <= FEW) {
      const words = box.frame.nodes.map((n) => [this.layer(n).op, this.layer(n).setting].filter(Boolean).join(" "));
      return [[this.tree.label(box.frame)], [words.join(" · "), true], [dims(last.output), true]];
    }
    const inside = [`${exact(count)} layers`, skips ? `${skips} skip${skips > 1 ? "s" : ""}` : "", `${short(sum("params"))} parameters`];
    return [[this.tree.label(box.frame)], [inside.filter(Boolean).join(" · "), true], [dims(last.output), true]];
  }

  #layers(box) {
    const lines = box.layers.map((nodes) => {
      const layer = this.layer(nodes[0]);
      const sign = SIGNS[this.mark?.(nodes[0])];
      const name = tail(layer.path);
      const counted = name.replace(/_\d+$/, "");
      const words = [sign, counted === layer.op ? "" : name, layer.op, layer.setting, layer.again ? "(again)" : ""];
      return [words.filter(Boolean).join(" ")];
    });
    const outputs = new Set(box.layers.at(-1).map((n) => dims(this.layer(n).output)));
    const [first, ...others] = outputs;
    return [...lines, [others.length ? `${first} … ${others.at(-1)}` : first, true]];
  }

  #show() {
    const { boxes, frames, edges } = this.shown;
    this.canvas.replaceChildren(
      svg("g", {}, ...frames.filter((frame) => frame.width).map((frame) => this.#frame(frame))),
      svg("g", {}, ...edges.filter((edge) => edge.path).map((edge) =>
        svg("path", { class: `edge ${edge.kind}`, d: edge.path, "marker-end": `url(#tip${edge.kind})` }))),
      svg("g", {}, ...boxes.map((box) => this.#box(box))),
      svg("g", {}, ...frames.filter((frame) => frame.width).map((frame) => this.#title(frame))),
    );
  }

  #frame({ frame, x, y, width, height }) {
    return svg("rect", { class: `frame ${frame.kind}`, x, y, width, height, rx: 6 });
  }

  #title(shown) {
    const { frame, x, y, state } = shown;
    const label = this.tree.label(frame);
    const text = `▾ ${label}`;
    const title = svg(
      "g",
      { class: "title", role: "button", tabindex: "-1", "aria-expanded": "true", "aria-label": `close ${label}`, "data-key": frame.key, onclick: () => this.toggle(frame) },
      svg("rect", { x: x + 4, y: y + 4, width: text.length * LETTER + 8, height: 19, rx: 4 }),
      svg("text", { x: x + 8, y: y + 18 }, text),
    );
    shown.element = title;
    if (frame.kind !== "run") return title;
    const word = state === "all" ? "fold" : `show all ${frame.parts.length}`;
    const at = x + text.length * LETTER + 16;
    const all = svg(
      "g",
      { class: "title all", role: "button", tabindex: "-1", "aria-label": `${word} ${label}`, "data-all": frame.key, onclick: () => this.#unroll(frame) },
      svg("rect", { x: at, y: y + 4, width: word.length * SMALL + 10, height: 19, rx: 4 }),
      svg("text", { class: "small", x: at + 5, y: y + 17 }, word),
    );
    return svg("g", {}, title, all);
  }

  #box(box) {
    const { x, y, width, height } = box;
    const kind = box.end ? "end" : box.frame ? "closed" : this.layer(box.layers[0][0]).category;
    const marks = new Set(box.nodes.filter((n) => n < this.tree.count).map((n) => this.mark?.(n)));
    marks.delete("same");
    const mark = marks.size > 1 ? "changed" : [...marks][0];
    const label = box.lines.map(([text]) => text).join(", ");
    const element = svg("g", {
      class: `box ${kind} ${mark ?? ""}`,
      role: "button",
      tabindex: "-1",
      "aria-label": box.frame ? `open ${label}` : label,
      "aria-expanded": box.frame ? "false" : null,
      "data-key": box.frame?.key ?? null,
      "data-nodes": box.nodes.join(" "),
      onclick: (event) => this.#click(box, event),
    });
    box.shape = svg("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: box.end ? height / 2 : 4 });
    element.append(box.shape);
    box.lines.forEach(([text, small], i) => {
      const at = y - height / 2 + 16 + i * LINE - (small ? 1 : 0);
      element.append(svg("text", { class: small ? "small" : "", x, y: at, "text-anchor": "middle" }, text));
    });
    if (box.frame) element.append(svg("text", { class: "sign", x: x + width / 2 - 14, y: y - height / 2 + 16 }, "+"));
    box.element = element;
    return element;
  }

  // ---- colours

  #paint() {
    if (!this.shown) return;
    const heat = HEATS[this.heat];
    this.legend.replaceChildren();
    for (const box of this.shown.boxes) {
      box.element.classList.toggle("hot", false);
      box.shape.style.fill = "";
    }
    if (!heat) return this.#kinds();
    const [name, of, together, text] = heat;
    const layers = this.shown.boxes.filter((box) => !box.end);
    const cost = new Map(layers.map((box) => [box, box.nodes.map((n) => of(this.layer(n))).reduce(together, 0)]));
    const most = Math.max(...cost.values(), 1);
    for (const [box, value] of cost) {
      const share = Math.round(100 * Math.sqrt(value / most));
      box.shape.style.fill = `color-mix(in oklab, var(--hot) ${share}%, var(--cold))`;
      box.element.classList.toggle("hot", share > 60);
    }
    const scale = [0, 25, 50, 75, 100].map((share) => {
      const swatch = html("i", { class: "swatch" });
      swatch.style.background = `color-mix(in oklab, var(--hot) ${share}%, var(--cold))`;
      return html("span", {}, swatch, text(Math.round(most * (share / 100) ** 2)));
    });
    this.legend.append(html("span", {}, `${name}:`), ...scale);
  }

  #kinds() {
    const kinds = new Set(this.shown.boxes.filter((box) => !box.end && !box.frame).map((box) => this.layer(box.layers[0][0]).category));
    const entry = (kind, text) => html("span", {}, html("i", { class: `swatch ${kind}` }), text);
    if (this.mark) {
      for (const kind of ["changed", "removed", "inserted", "moved"]) this.legend.append(entry(kind, `${SIGNS[kind]} ${kind}`));
    } else {
      for (const kind of kinds) this.legend.append(entry(kind, kind));
    }
    if (this.shown.edges.some((edge) => edge.kind === "skip")) this.legend.append(entry("skip", "skip"));
  }

  // ---- opening and choosing

  /** Opens a closed frame, closes an open one. */
  toggle(frame) {
    if (this.open.has(frame.key)) this.open.delete(frame.key);
    else this.open.set(frame.key, "one");
    return this.draw(frame.key);
  }

  #unroll(frame) {
    this.open.set(frame.key, this.open.get(frame.key) === "all" ? "one" : "all");
    return this.draw(frame.key);
  }

  #click(box, event) {
    if (this.moved) return;
    if (box.frame) return this.toggle(box.frame);
    if (box.end) return;
    // of layers drawn as one, the line that was clicked
    const line = [...box.element.querySelectorAll("text")].indexOf(event?.target);
    const nodes = box.layers[line] ?? box.layers.flat();
    this.selection.choose([...nodes], this);
  }

  #choose(nodes, origin) {
    if (!this.shown) return;
    let first = null;
    for (const box of this.shown.boxes) {
      const chosen = box.nodes.some((n) => nodes.has(n));
      box.element.classList.toggle("chosen", chosen);
      box.element.setAttribute("aria-pressed", chosen);
      if (chosen) first ??= box;
    }
    if (first && origin !== this) this.#reveal(first);
  }

  /** Moves the picture so that a box is in it. */
  #reveal(box) {
    const { width, height } = this.drawing.getBoundingClientRect();
    const place = this.#at();
    const [x, y] = [box.x * place.scale + place.x, box.y * place.scale + place.y];
    const legible = place.scale > 0.45;
    if (legible && x > 30 && x < width - 30 && y > 30 && y < height - 30) return;
    const scale = Math.max(place.scale, 0.8);
    this.place = { scale, x: width / 2 - box.x * scale, y: height / 2 - box.y * scale };
    this.#put();
  }

  // ---- moving about

  /** Shows the whole picture. */
  fit() {
    const { width, height } = this.drawing.getBoundingClientRect();
    const scale = Math.min(1.2, (width - 16) / this.shown.width, (height - 16) / this.shown.height);
    this.place = { scale, x: (width - this.shown.width * scale) / 2, y: 8 };
    this.#put();
  }

  /** Where the picture is: at first its top is seen, as much of it as can be read. */
  #at() {
    if (this.place || !this.shown) return this.place ?? { scale: 1, x: 0, y: 0 };
    const { width, height } = this.drawing.getBoundingClientRect();
    const whole = Math.min(1.2, (height - 16) / this.shown.height);
    const scale = Math.min(Math.max(whole, LEGIBLE), (width - 16) / this.shown.width);
    return { scale, x: (width - this.shown.width * scale) / 2, y: 8 };
  }

  #put() {
    if (!this.shown) return;
    const { scale, x, y } = this.#at();
    this.canvas.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  }

  /** Printed, all of it is on the page. */
  #print() {
    if (!this.shown) return;
    this.drawing.setAttribute("viewBox", `0 0 ${this.shown.width} ${this.shown.height}`);
    this.canvas.removeAttribute("transform");
  }

  #zoom(by, at) {
    const { width, height } = this.drawing.getBoundingClientRect();
    const place = this.#at();
    const scale = Math.min(6, Math.max(0.02, place.scale * by));
    const middle = at ?? { x: width / 2, y: height / 2 };
    const grown = scale / place.scale;
    this.place = {
      scale,
      x: middle.x - (middle.x - place.x) * grown,
      y: middle.y - (middle.y - place.y) * grown,
    };
    this.#put();
  }

  #move(x, y) {
    const place = this.#at();
    this.place = { ...place, x: place.x + x, y: place.y + y };
    this.#put();
  }

  #pointing() {
    const down = new Map();
    const point = (event) => {
      const { left, top } = this.drawing.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    const apart = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y);
    this.drawing.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey || !event.shiftKey) this.#zoom(Math.exp(-event.deltaY / 400), point(event));
      else this.#move(-event.deltaX - event.deltaY, 0);
    }, { passive: false });
    this.drawing.addEventListener("pointerdown", (event) => {
      down.set(event.pointerId, point(event));
      this.moved = false;
    });
    this.drawing.addEventListener("pointermove", (event) => {
      const before = down.get(event.pointerId);
      if (!before) return;
      const now = point(event);
      if (!this.moved && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
      if (!this.moved) this.drawing.setPointerCapture(event.pointerId);
      this.moved = true;
      const distance = down.size === 2 ? apart([...down.values()]) : 0;
      down.set(event.pointerId, now);
      if (down.size === 2) {
        const [a, b] = [...down.values()];
        this.#zoom(apart([a, b]) / distance, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
      } else this.#move(now.x - before.x, now.y - before.y);
    });
    for (const kind of ["pointerup", "pointercancel", "pointerleave"]) {
      this.drawing.addEventListener(kind, (event) => down.delete(event.pointerId));
    }
    new ResizeObserver(() => this.#put()).observe(this.drawing);
    window.addEventListener("beforeprint", () => this.#print());
    window.addEventListener("afterprint", () => {
      this.drawing.removeAttribute("viewBox");
      this.#put();
    });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      "+": () => this.#zoom(1.25),
      "=": () => this.#zoom(1.25),
      "-": () => this.#zoom(0.8),
      0: () => this.fit(),
      ArrowDown: () => (event.shiftKey ? this.#move(0, -60) : this.#walk(1)),
      ArrowUp: () => (event.shiftKey ? this.#move(0, 60) : this.#walk(-1)),
      ArrowRight: () => (event.shiftKey ? this.#move(-60, 0) : this.#walk(1)),
      ArrowLeft: () => (event.shiftKey ? this.#move(60, 0) : this.#walk(-1)),
      Enter: () => this.#press(),
      " ": () => this.#press(),
      Escape: () => this.selection.choose([], this),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** All that the keyboard goes through, in the order of the network. */
  #stops() {
    const stops = [];
    const walk = (shown) => {
      for (const item of shown.items) {
        if (!item.items) stops.push(item);
        else {
          if (item.element) stops.push(item);
          walk(item);
        }
      }
    };
    if (this.shown) walk(this.shown.frame);
    return stops;
  }

  #walk(step) {
    const stops = this.#stops();
    const at = stops.findIndex((stop) => stop.element === document.activeElement);
    const next = stops[at < 0 ? 0 : Math.min(stops.length - 1, Math.max(0, at + step))];
    next.element.focus({ preventScroll: true });
    if (next.items) this.#reveal({ x: next.x + 40, y: next.y + 12 });
    else this.#reveal(next);
  }

  async #press() {
    const stop = this.#stops().find((stop) => stop.element === document.activeElement);
    if (!stop) return;
    if (!stop.items && !stop.frame) return this.#click(Object.assign(stop), null);
    const { frame } = stop;
    this.moved = false;
    await this.toggle(frame);
    const again = this.#stops().find((stop) => stop.frame?.key === frame.key);
    again?.element?.focus({ preventScroll: true });
  }
}
