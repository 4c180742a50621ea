// Makes and finds elements. Text is only ever put in as text.

const SVG = "http://www.w3.org/2000/svg";

/** What an outcome is called; its colour is that of the class of the same name. */
const NOT_RECORDED = "not recorded";

export function byId(id) {
  return document.getElementById(id);
}

/** An element with attributes (functions are listeners) and children (elements or texts). */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(name, value);
    } else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** An outcome in colour and in words. */
export function badge(outcome, before = "") {
  const words = outcome ?? NOT_RECORDED;
  return element("span", { class: `badge ${outcome ?? ""}` }, `${before}${words}`);
}

/** Fills a select with [value, words]. */
export function options(select, entries, chosen) {
  select.replaceChildren(
    ...entries.map(([value, words]) => element("option", { value, selected: value === chosen }, words)),
  );
}

/** A sentence in which what stands between backticks is code. */
export function sentence(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? element("code", {}, part) : part));
}

/** Puts children in a place that is read out when it changes; what says the same stays as it is. */
export function say(place, ...children) {
  const said = [...element("div", {}, ...children).childNodes];
  const same = said.length === place.childNodes.length && said.every((node, at) => node.isEqualNode(place.childNodes[at]));
  if (!same) {
    place.replaceChildren(...said);
  }
}

export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Waits until nothing more was asked for this many milliseconds. */
export function debounced(milliseconds, action) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
