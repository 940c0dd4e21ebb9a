// Where boxes, frames and edges lie: Graphviz' dot, run apart from the page. It is told
// sizes and numbers, and no text of a spec.

const FRAME_TITLE = 20;

/** A worker with Graphviz in it. */
export class Engine {
  #worker;
  #waiting = new Map();
  #asked = 0;

  constructor() {
    const graphviz = document.getElementById("graphviz").textContent;
    // a plain script: from a page in a file browsers run no module in a worker
    const exported = /export\s*\{[^}]*?([\w$]+) as Graphviz\b[^}]*\}\s*;?\s*$/;
    const name = graphviz.match(exported)[1];
    const text = `${graphviz.replace(exported, "")}
      const loaded = ${name}.load();
      onmessage = async ({ data: { asked, dot } }) => {
        try {
          postMessage({ asked, found: (await loaded).layout(dot, "json", "dot") });
        } catch (error) {
          postMessage({ asked, failed: String(error) });
        }
      };`;
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    this.#worker = new Worker(address);
    this.#worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.#waiting.get(data.asked);
      this.#waiting.delete(data.asked);
      if (data.failed) reject(new Error(data.failed));
      else resolve(JSON.parse(data.found));
    };
    this.#worker.onerror = (event) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message));
      this.#waiting.clear();
    };
  }

  #run(dot) {
    this.#asked += 1;
    const asked = this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(asked, { resolve, reject });
      this.#worker.postMessage({ asked, dot });
    });
  }

  /** Gives every box and frame of a view its `x`, `y`, `width` and `height` (the middle,
   * in pixels), every edge its `path`, and the view its size. */
  async layout(view) {
    const found = await this.#run(written(view));
    const [, , width, height] = numbers(found.bb);
    Object.assign(view, { width, height });
    const byName = new Map((found.objects ?? []).map((object) => [object.name, object]));
    for (const box of view.boxes) {
      const [x, y] = numbers(byName.get(box.id).pos);
      Object.assign(box, { x, y: height - y });
    }
    for (const frame of view.frames) {
      const object = byName.get(`cluster${frame.id}`);
      if (!object) continue;
      const [left, bottom, right, top] = numbers(object.bb);
      Object.assign(frame, { x: left, y: height - top, width: right - left, height: top - bottom });
    }
    for (const edge of found.edges ?? []) {
      view.edges[Number(edge.number)].path = spline(edge.pos, height);
    }
  }
}

const numbers = (text) => text.split(",").map(Number);
const inches = (pixels) => (pixels / 72).toFixed(4);

function written(view) {
  const lines = [
    "digraph {",
    'graph [rankdir=TB, ranksep=0.28, nodesep=0.22, compound=false, newrank=false, splines=true];',
    'node [shape=box, fixedsize=true, label=""];',
    "edge [arrowsize=0.6];",
  ];
  const write = (shown) => {
    for (const item of shown.items) {
      if (!item.items) {
        lines.push(`${item.id} [width=${inches(item.width)}, height=${inches(item.height)}];`);
        continue;
      }
      const title = `<table border="0" cellborder="0" cellspacing="0" cellpadding="0" fixedsize="true" width="${Math.ceil(item.title)}" height="${FRAME_TITLE}"><tr><td></td></tr></table>`;
      lines.push(`subgraph cluster${item.id} { margin=10; label=<${title}>; labeljust=l;`);
      write(item);
      lines.push("}");
    }
  };
  write(view.frame);
  view.edges.forEach(({ from, to, kind }, number) => {
    const weight = kind === "" ? 8 : 1;
    lines.push(`${from.id} -> ${to.id} [number=${number}, weight=${weight}];`);
  });
  return [...lines, "}"].join("\n");
}

/** Graphviz' `e,x,y x,y ...` as the path of an edge up to the tip of its arrow. */
function spline(pos, height) {
  const point = (text) => {
    const [x, y] = numbers(text);
    return `${x.toFixed(1)} ${(height - y).toFixed(1)}`;
  };
  const parts = pos.split(" ");
  const tip = parts[0].startsWith("e,") ? parts.shift().slice(2) : null;
  const [start, ...rest] = parts.map(point);
  const end = tip === null ? "" : ` L ${point(tip)}`;
  return `M ${start} C ${rest.join(" ")}${end}`;
}
