/** The page's elements by id, and new ones. */

/** The element of an id; a missing one is our own mistake. */
export function part(id) {
  const element = document.getElementById(id);
  if (!element) throw new RangeError(`the page has no #${id}`);
  return element;
}

/** A new element with properties and children; `aria-…` and `data-…` are set as attributes. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property.includes("-")) element.setAttribute(property, value);
    else element[property] = value;
  }
  element.append(...children);
  return element;
}

/** An icon of icons.svg. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `icons.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}
