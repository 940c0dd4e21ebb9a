// All that is shown of one network, its views bound together by one selection.

import { depthCharts, trainingChart } from "./charts.js";
import { Picture } from "./picture.js";
import { Selection } from "./select.js";
import { Source } from "./source.js";
import { layerTable } from "./table.js";
import { bytes, exact, html, seen, short } from "./text.js";

export class NetworkView {
  /** `state` is what an earlier view of the same network said in `state()`. */
  constructor(network, engine, state) {
    const { layers } = network;
    this.network = network;
    this.selection = new Selection();
    this.picture = new Picture({
      graph: network.graph,
      count: layers.length,
      layer: (n) => layers[n],
      selection: this.selection,
      engine,
      state: state?.picture,
    });
    this.ready = this.picture.ready;
    this.before = state;
  }

  /** All that stands around the picture. */
  finish() {
    const { network, before: state } = this;
    const { layers } = network;
    this.table = layerTable(layers, this.selection, state?.table);
    const spec = new Source({
      label: "Spec",
      files: network.files,
      layers,
      own: (layer) => layer.spec,
      around: (layer) => layer.spec_around,
      selection: this.selection,
    });
    // a page that follows its spec is told of the code a little later; so long the old one stands
    this.code = network.code ?? state?.code;
    this.training = network.training.length ? network.training : (state?.training ?? []);
    const code = this.code && new Source({
      label: "Code",
      files: [this.code],
      layers,
      own: (layer) => layer.code,
      around: (layer) => layer.code_around,
      selection: this.selection,
    });
    this.element = html(
      "article",
      { class: "network" },
      this.#totals(),
      html("div", { class: "views" },
        this.picture.element,
        html("div", { class: "beside" }, this.table.element,
          html("div", { class: "sources" }, spec.element, code?.element))),
      depthCharts(layers, this.selection),
      html("div", { class: "numbers" },
        this.training.length ? trainingChart(this.training) : null,
        this.#claims()),
    );
    this.#restore(state);
  }

  /** What is open, chosen, sorted and seen, for a view of the network after an edit. */
  state() {
    const chosen = [...this.selection.nodes].map((n) => this.network.layers[n].path);
    const { code, training } = this;
    return { picture: this.picture.state(), table: this.table.state(), chosen, code, training };
  }

  #restore(state) {
    const chosen = new Set(state?.chosen ?? []);
    if (!chosen.size) return;
    const nodes = this.network.layers.flatMap(({ path }, n) => (chosen.has(path) ? [n] : []));
    this.selection.choose(nodes, this.picture);
  }

  #totals() {
    const { network } = this;
    const memory = network.training[0];
    const batch = memory?.steps.find((step) => step.batch === 32);
    const entry = (name, shown, full) => [html("dt", {}, name), html("dd", { title: full }, shown)];
    const heads = network.params_with_heads !== network.params;
    return html("header", {},
      html("h1", {}, network.title),
      network.source ? html("p", { class: "small" }, network.source) : null,
      html("dl", {},
        ...entry("parameters", short(network.params), exact(network.params)),
        ...(heads ? entry("with heads", short(network.params_with_heads), exact(network.params_with_heads)) : []),
        ...entry("multiply-adds", short(network.macs), exact(network.macs)),
        ...entry("layers", exact(network.layers.length)),
        ...(network.field == null ? [] : entry("receptive field", seen(network.field))),
        ...(batch ? entry("training, batch 32", bytes(batch.peak), `${exact(batch.peak)} bytes with ${memory.optimizer}`) : [])));
  }

  #claims() {
    const { claims, files } = this.network;
    const failing = claims.filter((claim) => !claim.holds).length;
    const state = claims.length ? `${claims.length - failing} of ${claims.length} hold` : "the spec claims nothing";
    const row = ({ what, claimed, inferred, holds, place }) =>
      html("tr", { class: holds ? "" : "fails" },
        html("td", {}, holds ? "✓ holds" : "✗ differs"),
        html("td", {}, what),
        html("td", { class: "number" }, claimed),
        html("td", { class: "number" }, inferred),
        html("td", {}, `${files[place[0]].name}:${place[1]}`));
    return html("section", { class: "claims", "aria-label": "Claims" },
      html("div", { class: "tools" }, html("h2", {}, "Claims"), html("span", { class: "status" }, state)),
      claims.length
        ? html("div", { class: "pane" }, html("table", {},
            html("thead", {}, html("tr", {}, ...["state", "what", "claimed", "inferred", "where"].map((head) => html("th", { scope: "col" }, head)))),
            html("tbody", {}, ...claims.map(row))))
        : null);
  }
}
