// Tables that sort, filter, copy as CSV, and show what is chosen.

import { bytes, dims, exact, html, reach, seen } from "./text.js";

/** A cell that a spreadsheet does not take for a formula. */
const guarded = (text) => (/^\s*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text);
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const cell = (value) => quoted(typeof value === "number" ? String(value) : guarded(String(value)));

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = html("textarea", {}, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export class Table {
  /**
   * `columns` are `[name, value, shown, is a number]` of a row; `nodes(row)` the layers
   * that choosing a row chooses.
   */
  constructor({ label, rows, columns, nodes, classes, selection, state, choose }) {
    Object.assign(this, { rows, columns, nodes, selection, choose });
    this.sorted = state?.sorted ?? null; // [column, direction]
    this.body = html("tbody");
    this.heads = columns.map(([name, , , numeric], i) =>
      html("th", { scope: "col", class: numeric ? "number" : "" },
        html("button", { type: "button", onclick: () => this.#sort(i) }, name)));
    this.filter = html("input", { type: "search", placeholder: "filter, as in conv2d layer3", "aria-label": `Filter ${label}`, oninput: () => this.show() });
    this.filter.value = state?.filter ?? "";
    this.count = html("span", { class: "status", role: "status" });
    this.elements = rows.map((row, i) => this.#row(row, i, classes?.(row) ?? ""));
    this.pane = html("div", { class: "pane" }, html("table", {}, html("thead", {}, html("tr", {}, ...this.heads)), this.body));
    this.element = html("section", { class: "table", "aria-label": label },
      html("div", { class: "tools" },
        html("h2", {}, label),
        this.filter,
        html("button", { type: "button", title: "Copy the rows that are shown as CSV", onclick: () => this.#copy() }, "Copy CSV"),
        this.count),
      this.pane);
    this.show();
    selection?.listen((chosen, origin) => this.#choose(chosen, origin));
  }

  state() {
    return { sorted: this.sorted, filter: this.filter.value };
  }

  #row(row, i, classes) {
    return html(
      "tr",
      { tabindex: "0", class: classes, onclick: () => this.#pick(row), onkeydown: (event) => this.#key(event, row) },
      ...this.columns.map(([, value, shown, numeric]) =>
        html("td", { class: numeric ? "number" : "" }, (shown ?? String)(value(row), row))),
    );
  }

  #pick(row) {
    if (this.choose) this.choose(row);
    else this.selection?.choose(this.nodes(row), this);
  }

  #key(event, row) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#pick(row);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = event.key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling";
      event.currentTarget[next]?.focus();
    }
  }

  #sort(column) {
    const [at, direction] = this.sorted ?? [];
    const numeric = this.columns[column][3];
    if (at !== column) this.sorted = [column, numeric ? -1 : 1];
    else this.sorted = direction === (numeric ? -1 : 1) ? [column, -direction] : null;
    this.show();
  }

  /** The rows that the filter lets through, in their order. */
  shown() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.rows.map((_, i) => i).filter((i) => {
      const text = this.elements[i].textContent.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    if (!this.sorted) return found;
    const [column, direction] = this.sorted;
    const value = (i) => this.columns[column][1](this.rows[i]);
    const order = (a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
    return found.sort((a, b) => direction * order(value(a), value(b)) || a - b);
  }

  show() {
    const found = this.shown();
    this.body.replaceChildren(...found.map((i) => this.elements[i]));
    this.count.textContent = found.length < this.rows.length ? `${found.length} of ${this.rows.length}` : "";
    this.heads.forEach((head, i) => {
      const [at, direction] = this.sorted ?? [];
      if (at === i) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
  }

  csv() {
    const rows = this.shown().map((i) => this.columns.map(([, value, , numeric]) => {
      const found = value(this.rows[i]);
      return cell(numeric && typeof found === "number" ? found : found ?? "");
    }));
    const heads = this.columns.map(([name]) => cell(name));
    return [heads, ...rows].map((row) => `${row.join(",")}\n`).join("");
  }

  async #copy() {
    await copy(this.csv());
    this.count.textContent = "copied";
  }

  #choose(chosen, origin) {
    let first = null;
    this.rows.forEach((row, i) => {
      const is = this.nodes(row).some((n) => chosen.has(n));
      this.elements[i].classList.toggle("chosen", is);
      this.elements[i].setAttribute("aria-selected", is);
      if (is && this.elements[i].isConnected) first ??= this.elements[i];
    });
    if (first && origin !== this) scrolled(this.pane, first);
  }
}

/** Scrolls a pane, and only it, so that an element is in it. */
export function scrolled(pane, element) {
  const [outer, inner] = [pane.getBoundingClientRect(), element.getBoundingClientRect()];
  const margin = 40;
  if (inner.top < outer.top + margin || inner.bottom > outer.bottom - margin) {
    pane.scrollTop += inner.top - outer.top - outer.height / 3;
  }
}

/** The table of a network's layers. */
export function layerTable(layers, selection, state) {
  const rows = layers.map((layer, n) => ({ ...layer, n }));
  return new Table({
    label: "Layers",
    rows,
    columns: [
      ["#", (row) => row.n + 1, exact, true],
      ["layer", (row) => row.path],
      ["op", (row) => (row.again ? `${row.op} (again)` : row.op)],
      ["setting", (row) => row.setting],
      ["output", (row) => dims(row.output)],
      ["parameters", (row) => row.params, exact, true],
      ["MACs", (row) => row.macs, exact, true],
      ["kept", (row) => row.memory, (n) => (n ? bytes(n) : "0"), true],
      ["field", (row) => reach(row.field), (_, row) => seen(row.field), true],
      ["input", (row) => row.input.map(dims).join(", ")],
    ],
    nodes: (row) => [row.n],
    selection,
    state,
  });
}
