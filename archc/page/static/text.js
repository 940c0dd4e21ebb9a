// Elements and numbers as text. Whatever a spec says gets into the page as the text of a
// node or as an attribute, and never as markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** An element of HTML; children are elements and text. */
export function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

export const exact = (n) => n.toLocaleString("en-US");

function scaled(n, base, units) {
  let unit = 0;
  while (n >= base && unit < units.length - 1) {
    n /= base;
    unit += 1;
  }
  const shown = unit === 0 || n >= 99.95 ? n.toFixed(0) : n.toPrecision(3);
  return `${shown}${units[unit] && ` ${units[unit]}`}`;
}

/** 25.6 M */
export const short = (n) => scaled(n, 1000, ["", "k", "M", "G", "T", "P"]);
/** 97.5 MB */
export const bytes = (n) => scaled(n, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]);
/** 64 × 56 × 56 */
export const dims = (shape) => shape.join(" × ");

/** A receptive field. */
export function seen(field) {
  if (field == null) return "";
  return Array.isArray(field) ? dims(field) : exact(field);
}

/** How large a receptive field is, as one number. */
export const reach = (field) => (Array.isArray(field) ? Math.max(...field) : (field ?? 0));

/** The last part of a path. */
export const tail = (path) => path.slice(path.lastIndexOf(".") + 1);
