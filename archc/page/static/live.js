// A page that follows its spec: the server sends what the spec is after each save.

import { parse } from "./model.js";
import { html } from "./text.js";

/** Calls `changed(page)` with each new version, and shows mistakes above the last good one. */
export function follow(changed) {
  const source = new EventSource(`/events?revision=${document.documentElement.dataset.revision ?? 0}`);
  source.addEventListener("page", (event) => {
    mistakes([]);
    changed(parse(event.data));
  });
  source.addEventListener("problems", (event) => mistakes(JSON.parse(event.data)));
  source.onerror = () => mistakes([{ severity: "error", message: "archc watch has ended", place: "", line: 0, text: "" }]);
  source.onopen = () => mistakes([]);
}

function mistakes(found) {
  const place = document.getElementById("problems");
  place.hidden = found.length === 0;
  const first = found.findIndex(({ severity }) => severity === "error");
  place.replaceChildren(...found.map(({ severity, message, place: where, text }, n) =>
    html("details", { class: severity, open: n === first },
      html("summary", {}, html("strong", {}, `${severity}: ${message}`), where ? html("span", { class: "small" }, ` ${where}`) : null),
      text ? html("pre", {}, text) : null)));
}
