// The page: its networks and comparisons, of which one is shown at a time.

import { ComparisonView, overview } from "./compare.js";
import { Engine } from "./layout.js";
import { follow } from "./live.js";
import { read } from "./model.js";
import { NetworkView } from "./network.js";
import { html } from "./text.js";

const engine = new Engine(); // starts while the data are read
const place = document.getElementById("page");
const themes = ["auto", "light", "dark"];

function themeButton() {
  const button = html("button", { type: "button", class: "theme", onclick: () => {
    const at = themes.indexOf(document.documentElement.dataset.theme ?? "auto");
    document.documentElement.dataset.theme = themes[(at + 1) % themes.length];
    say();
  } });
  const say = () => (button.textContent = `theme: ${document.documentElement.dataset.theme ?? "auto"}`);
  say();
  return button;
}

class App {
  constructor(page) {
    this.page = page;
    this.view = null;
    this.bar = html("nav", { "aria-label": "Networks" });
    this.main = html("main");
    place.replaceChildren(this.bar, this.main);
    this.#bar();
  }

  #bar() {
    const { networks, comparisons } = this.page;
    const option = (value, text) => html("option", { value }, text);
    this.select = html("select", { "aria-label": "What is shown", onchange: () => this.show(this.select.value) },
      option("all", "all networks"),
      html("optgroup", { label: "network" }, ...networks.map((network, n) => option(`network ${n}`, network.label))),
      comparisons.length
        ? html("optgroup", { label: "comparison" }, ...comparisons.map(({ a, b }, n) =>
            option(`comparison ${n}`, `${networks[a].label} → ${networks[b].label}`)))
        : null);
    this.bar.replaceChildren(
      ...(networks.length > 1 ? [this.select] : []),
      html("span", { class: "small" }, `archc ${this.page.version}`),
      themeButton());
  }

  /** Shows `all`, `network n` or `comparison n`. */
  async show(what, state) {
    const [kind, n] = what.split(" ");
    const { networks, comparisons } = this.page;
    this.what = what;
    this.select.value = what;
    if (kind === "all") {
      this.view = null;
      this.main.replaceChildren(overview(networks, (n) => this.show(`network ${n}`)));
      return;
    }
    this.view = kind === "network"
      ? new NetworkView(networks[n], engine, state)
      : new ComparisonView(comparisons[n], networks, engine, state);
    if (state) {
      // the picture first: until it is drawn the old one stands
      await this.view.ready;
      this.main.querySelector(".picture")?.replaceWith(this.view.picture.element);
      await new Promise(requestAnimationFrame);
    }
    this.view.finish?.();
    this.main.replaceChildren(this.view.element);
    await this.view.ready;
  }

  /** Shows another version of the page, with all that is open and chosen as it is. */
  async change(page) {
    const state = this.view?.state();
    const scrolled = [...this.main.querySelectorAll(".pane")].map((pane) => pane.scrollTop);
    this.page = page;
    this.#bar();
    await this.show(this.what ?? "network 0", state);
    this.main.querySelectorAll(".pane").forEach((pane, i) => (pane.scrollTop = scrolled[i] ?? 0));
  }
}

const app = new App(await read());
if (app.page.networks.length) await app.show(app.page.networks.length > 1 ? "all" : "network 0");
document.documentElement.dataset.ready = "true";
if (app.page.live) follow((page) => app.change(page));
