// Charts, drawn here: numbers over depth, the memory of training, networks by their size.

import { bytes, exact, html, reach, short, svg } from "./text.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [640, 120, 56, 4, 18];

/** Parameters, MACs, memory and receptive field of each layer, in the order they run. */
export function depthCharts(layers, selection) {
  const kinds = [
    ["parameters", (layer) => layer.params, short],
    ["multiply-adds", (layer) => layer.macs, short],
    ["activation memory kept for the backward pass, one sample", (layer) => layer.memory, bytes],
    ["receptive field, pixels", (layer) => reach(layer.field), exact],
  ];
  const charts = kinds.map(([label, value, text]) => depthChart(label, layers, value, text, selection));
  return html("section", { class: "charts", "aria-label": "Over depth" }, html("h2", {}, "Over depth"), html("div", { class: "grid" }, ...charts));
}

function depthChart(label, layers, value, text, selection) {
  const most = Math.max(...layers.map(value), 1);
  const step = (WIDTH - LEFT) / layers.length;
  const high = HEIGHT - TOP - BOTTOM;
  const bars = layers.map((layer, n) => {
    const height = (value(layer) / most) * high;
    return svg("rect", { class: `bar ${layer.category}`, x: LEFT + n * step, y: HEIGHT - BOTTOM - height, width: Math.max(step - 0.4, 0.6), height });
  });
  const chosen = svg("g");
  const drawing = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${label} over depth, at most ${text(most)}` },
    svg("text", { class: "small", x: LEFT, y: 11 }, label),
    svg("text", { class: "small", x: LEFT - 4, y: TOP + 7, "text-anchor": "end" }, text(most)),
    svg("text", { class: "small", x: LEFT - 4, y: HEIGHT - BOTTOM, "text-anchor": "end" }, "0"),
    svg("path", { class: "axis", d: `M${LEFT} ${TOP} V${HEIGHT - BOTTOM} H${WIDTH}` }),
    chosen,
    ...bars,
  );
  const told = html("output", { class: "small" });
  const at = (event) => {
    const box = drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    return Math.min(layers.length - 1, Math.max(0, Math.floor((x - LEFT) / step)));
  };
  drawing.addEventListener("pointermove", (event) => {
    const layer = layers[at(event)];
    told.textContent = `${layer.path}: ${text(value(layer))}`;
  });
  drawing.addEventListener("pointerleave", () => (told.textContent = ""));
  drawing.addEventListener("click", (event) => selection.choose([at(event)], drawing));
  selection.listen((nodes) => {
    chosen.replaceChildren(...[...nodes].map((n) =>
      svg("rect", { class: "here", x: LEFT + n * step - 0.5, y: TOP, width: Math.max(step, 1.5) + 1, height: high })));
  });
  return html("figure", {}, drawing, told);
}

const CARDS = [8, 16, 24, 40, 80];

/** The memory of a training step for each batch. */
export function trainingChart(training) {
  const section = html("section", { class: "training", "aria-label": "Memory of a training step" });
  const select = html("select", { "aria-label": "Optimizer", onchange: () => show(training[select.selectedIndex]) },
    ...training.map(({ optimizer }) => html("option", {}, optimizer)));
  const place = html("div");
  const show = ({ steps }) => place.replaceChildren(batchChart(steps), batchTable(steps));
  section.append(
    html("div", { class: "tools" }, html("h2", {}, "Memory of a training step"), html("label", {}, "optimizer ", select)),
    place,
    html("p", { class: "small" }, "Single precision on a GPU, without the workspace of convolutions and the allocator's rounding."),
  );
  show(training[0]);
  return section;
}

function batchChart(steps) {
  const [width, height, left, bottom] = [640, 240, 60, 28];
  const peaks = steps.map((step) => step.peak);
  const [low, high] = [Math.log2(peaks[0]) - 0.5, Math.log2(peaks.at(-1)) + 0.5];
  const x = (i) => left + ((width - left - 20) * i) / (steps.length - 1);
  const y = (n) => height - bottom - ((Math.log2(n) - low) / (high - low)) * (height - bottom - 10);
  const cards = CARDS.map((card) => card * 1e9).filter((card) => card > peaks[0] && card < peaks.at(-1));
  return svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Peak memory from ${bytes(peaks[0])} at batch 1 to ${bytes(peaks.at(-1))} at batch ${steps.at(-1).batch}` },
    ...cards.flatMap((card) => [
      svg("path", { class: "grid", d: `M${left} ${y(card)} H${width}` }),
      svg("text", { class: "small", x: left - 4, y: y(card) + 4, "text-anchor": "end" }, bytes(card)),
    ]),
    svg("path", { class: "axis", d: `M${left} 10 V${height - bottom} H${width}` }),
    svg("path", { class: "line", d: `M${steps.map((step, i) => `${x(i)} ${y(step.peak)}`).join(" L")}` }),
    ...steps.flatMap((step, i) => [
      svg("circle", { class: "point", cx: x(i), cy: y(step.peak), r: 3.5 }),
      svg("text", { class: "small", x: x(i), y: height - bottom + 14, "text-anchor": "middle" }, String(step.batch)),
    ]),
    svg("text", { class: "small", x: width - 4, y: height - 2, "text-anchor": "end" }, "batch"),
  );
}

function batchTable(steps) {
  const heads = ["batch", "peak", "kept for the backward pass", "gradients", "parameters, optimizer, input"];
  const row = (step) => [exact(step.batch), ...[step.peak, step.saved, step.gradients, step.lasting].map(bytes)];
  return html("div", { class: "pane" }, html("table", {},
    html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col", class: "number" }, head)))),
    html("tbody", {}, ...steps.map((step) => html("tr", {}, ...row(step).map((text) => html("td", { class: "number" }, text)))))));
}

/** Networks by parameters and multiply-adds, on axes of powers of ten. */
export function sizeChart(networks, choose) {
  const [width, height, left, bottom] = [900, 420, 60, 36];
  const axis = (values, from, to) => {
    const logs = values.map((n) => Math.log10(Math.max(n, 1)));
    let [low, high] = [Math.min(...logs), Math.max(...logs)];
    const room = Math.max(0.08 * (high - low), 0.05);
    [low, high] = [low - room, high + room];
    const place = (n) => from + ((Math.log10(Math.max(n, 1)) - low) / (high - low)) * (to - from);
    const ticks = [];
    for (let power = Math.floor(low); power <= high; power += 1) {
      for (const step of high - low > 1 ? [1, 3] : [1, 1.5, 2, 3, 5, 7]) {
        const n = step * 10 ** power;
        if (Math.log10(n) > low && Math.log10(n) < high) ticks.push(n);
      }
    }
    return { place, ticks };
  };
  const x = axis(networks.map((network) => network.macs), left, width - 20);
  const y = axis(networks.map((network) => network.params), height - bottom, 14);
  const taken = [];
  const label = (text, px, py) => {
    // a name is left out where it would lie on another one; the point tells it too
    const box = [px + 8, py - 6, px + 8 + text.length * 5.4, py + 6];
    const at = box[2] > width ? [box[0] - 16 - text.length * 5.4, box[1], box[0] - 16, box[3]] : box;
    if (taken.some((o) => at[0] < o[2] && o[0] < at[2] && at[1] < o[3] && o[1] < at[3])) return null;
    taken.push(at);
    return svg("text", { class: "small", x: at[0], y: py + 4 }, text);
  };
  const points = networks.map((network, n) => {
    const [px, py] = [x.place(network.macs), y.place(network.params)];
    const pick = () => choose(n);
    const told = `${network.label}: ${exact(network.params)} parameters, ${exact(network.macs)} MACs`;
    return svg("g", { class: "network", role: "button", tabindex: "0", "aria-label": told, onclick: pick, onkeydown: (event) => event.key === "Enter" && pick() },
      svg("title", {}, told),
      svg("circle", { class: "point", cx: px, cy: py, r: 5 }),
      label(network.label, px, py));
  });
  return svg(
    "svg",
    { class: "chart sizes", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Parameters against multiply-adds" },
    ...x.ticks.flatMap((n) => [
      svg("path", { class: "grid", d: `M${x.place(n)} 10 V${height - bottom}` }),
      svg("text", { class: "small", x: x.place(n), y: height - bottom + 14, "text-anchor": "middle" }, short(n)),
    ]),
    ...y.ticks.flatMap((n) => [
      svg("path", { class: "grid", d: `M${left} ${y.place(n)} H${width}` }),
      svg("text", { class: "small", x: left - 4, y: y.place(n) + 4, "text-anchor": "end" }, short(n)),
    ]),
    svg("path", { class: "axis", d: `M${left} 10 V${height - bottom} H${width}` }),
    svg("text", { class: "small", x: width - 4, y: height - 4, "text-anchor": "end" }, "multiply-adds"),
    svg("text", { class: "small", x: left + 6, y: 18 }, "parameters"),
    ...points,
  );
}
