// The lines of the spec and of the generated code, and which layers they are about.

import { html } from "./text.js";
import { scrolled } from "./table.js";

export class Source {
  /** `own(layer)` gives the lines of a layer, `around(layer)` those of what is around it. */
  constructor({ label, files, layers, own, around, selection }) {
    this.own = own;
    this.around = around;
    this.layers = layers;
    this.layersAt = new Map();
    layers.forEach((layer, n) => {
      for (const at of own(layer)) this.#note(at, n, true);
    });
    layers.forEach((layer, n) => {
      for (const at of around(layer)) this.#note(at, n, false);
    });
    this.lines = files.map((file, f) => file.lines.map((text, i) => this.#line(text, f, i + 1)));
    this.panes = files.map((file, f) => html("div", { class: "code" }, ...this.lines[f]));
    this.pane = html("div", { class: "pane" });
    files.forEach((file, f) => {
      if (files.length > 1) this.pane.append(html("h3", {}, file.name));
      this.pane.append(this.panes[f]);
    });
    const title = files.length === 1 ? `${label}: ${files[0].name}` : label;
    this.element = html("section", { class: "source", "aria-label": label }, html("div", { class: "tools" }, html("h2", {}, title)), this.pane);
    this.selection = selection;
    selection.listen((chosen, origin) => this.#choose(chosen, origin));
  }

  /** Notes what a line is about: its layers, or, where it has none, those inside. */
  #note([file, first, last], n, own) {
    for (let line = first; line <= last; line += 1) {
      const key = `${file} ${line}`;
      const found = this.layersAt.get(key);
      if (!found) this.layersAt.set(key, { own, nodes: [n] });
      else if (found.own === own && found.nodes.at(-1) !== n) found.nodes.push(n);
    }
  }

  #line(text, file, number) {
    const about = this.layersAt.get(`${file} ${number}`);
    const pick = () => this.selection.choose(about.nodes, this);
    return html(
      "div",
      about
        ? { class: "line about", tabindex: "0", "data-line": number, onclick: pick, onkeydown: (event) => {
            if (event.key === "Enter") pick();
          } }
        : { class: "line", "data-line": number },
      html("span", { class: "gutter" }, String(number)),
      html("span", {}, text || " "),
    );
  }

  #choose(chosen, origin) {
    for (const rows of this.lines) {
      for (const row of rows) row.classList.remove("chosen", "around");
    }
    let first = null;
    const mark = ([file, from, last], name) => {
      for (let line = from; line <= last; line += 1) {
        const row = this.lines[file]?.[line - 1];
        if (!row?.classList.contains("chosen")) row?.classList.add(name);
        if (name === "chosen") first ??= row;
      }
    };
    for (const n of chosen) for (const at of this.own(this.layers[n])) mark(at, "chosen");
    for (const n of chosen) for (const at of this.around(this.layers[n])) mark(at, "around");
    if (first && origin !== this) scrolled(this.pane, first);
  }
}
