// Several networks beside each other, and two of them as one picture.

import { sizeChart } from "./charts.js";
import { Picture, SIGNS } from "./picture.js";
import { Selection } from "./select.js";
import { Table } from "./table.js";
import { dims, exact, html, seen } from "./text.js";

/** The networks of the page, by size and as a table; `choose(n)` shows one of them. */
export function overview(networks, choose) {
  const rows = networks.map((network, n) => ({ ...network, n }));
  const table = new Table({
    label: "Networks",
    rows,
    columns: [
      ["network", (row) => row.label],
      ["title", (row) => row.title],
      ["parameters", (row) => row.params, exact, true],
      ["MACs", (row) => row.macs, exact, true],
      ["layers", (row) => row.layers.length, exact, true],
      ["receptive field", (row) => seen(row.field)],
    ],
    nodes: (row) => [row.n],
    choose: (row) => choose(row.n),
  });
  return html("article", { class: "overview" },
    html("section", { "aria-label": "Size" }, html("h2", {}, "Size and cost"), sizeChart(networks, choose)),
    table.element);
}

/** Two networks: the merged picture, the layers of both, and the totals. */
export class ComparisonView {
  constructor(comparison, networks, engine, state) {
    const [a, b] = [networks[comparison.a], networks[comparison.b]];
    const { rows } = comparison;
    const layer = (n) => (rows[n].b == null ? a.layers[rows[n].a] : b.layers[rows[n].b]);
    this.selection = new Selection();
    this.picture = new Picture({
      graph: comparison.graph,
      count: rows.length,
      layer,
      mark: (n) => rows[n].mark,
      selection: this.selection,
      engine,
      state: state?.picture,
    });
    this.ready = this.picture.ready;
    const side = (network, key) => (row) => (row[key] == null ? "" : `${network.layers[row[key]].op} ${network.layers[row[key]].setting}`);
    const shape = (network, key) => (row) => (row[key] == null ? "" : dims(network.layers[row[key]].output));
    this.table = new Table({
      label: `${a.label} → ${b.label}`,
      rows: rows.map((row, n) => ({ ...row, n })),
      columns: [
        ["", (row) => SIGNS[row.mark] ?? ""],
        ["layer", (row) => layer(row.n).path],
        [a.label, side(a, "a")],
        [b.label, side(b, "b")],
        ["output before", shape(a, "a")],
        ["output", shape(b, "b")],
        ["what changed", (row) => row.changes.join(", ") || (row.mark === "same" ? "" : row.mark)],
      ],
      nodes: (row) => [row.n],
      classes: (row) => row.mark,
      selection: this.selection,
      state: state?.table,
    });
    this.element = html("article", { class: "comparison" },
      html("div", { class: "views" },
        this.picture.element,
        html("div", { class: "beside" }, this.table.element, totals(comparison, a, b))));
  }

  state() {
    return { picture: this.picture.state(), table: this.table.state() };
  }
}

function totals(comparison, a, b) {
  const row = ({ name, a: before, b: after }) =>
    html("tr", { class: before === after ? "" : "changed" },
      html("th", { scope: "row" }, name.replaceAll("_", " ")),
      html("td", { class: "number" }, before),
      html("td", { class: "number" }, after));
  return html("section", { "aria-label": "Totals" },
    html("h2", {}, comparison.equal ? "In numbers: one network, whatever its layers are called" : "In numbers"),
    html("div", { class: "pane" }, html("table", {},
      html("thead", {}, html("tr", {}, ...["", a.label, b.label].map((head) => html("th", { scope: "col" }, head)))),
      html("tbody", {}, ...comparison.totals.map(row)))));
}
