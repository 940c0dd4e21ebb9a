// The data of the page, which stand in it as JSON, compressed where they are large.

/** What `archc.page.model.Page` holds. */
export async function read() {
  const element = document.getElementById("data");
  if (element.type === "application/json") return parse(element.textContent);
  const packed = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return parse(await new Response(unpacked).text());
}

/** The same of its text. */
export function parse(text) {
  const page = JSON.parse(text);
  for (const network of page.networks) {
    network.layers = rows(network.layers);
    network.graph.edges = rows(network.graph.edges);
  }
  for (const comparison of page.comparisons) {
    comparison.rows = rows(comparison.rows);
    comparison.graph.edges = rows(comparison.graph.edges);
  }
  return page;
}

/** Objects of what is written by columns. */
function rows(columns) {
  const names = Object.keys(columns);
  return columns[names[0]].map((_, i) => {
    const row = {};
    for (const name of names) row[name] = columns[name][i];
    return row;
  });
}
