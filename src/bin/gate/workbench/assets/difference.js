// Shows in which lines two texts differ.

import { element } from "./dom.js";

const MARKS = { same: [" ", ""], removed: ["−", "removed: "], added: ["+", "added: "] };

/** Groups of lines that stand together, as a table with one body for each. */
export function differenceTable(groups) {
  return element("table", {}, ...groups.map((lines) => element("tbody", {}, ...lines.map(row))));
}

function row({ change, older, newer, text, ends }) {
  const [mark, words] = MARKS[change];
  const end = ends || change === "same" ? [] : [element("em", {}, " (no line break at the end)")];
  return element(
    "tr",
    { class: change },
    element("td", { class: "number" }, older === null ? "" : `${older}`),
    element("td", { class: "number" }, newer === null ? "" : `${newer}`),
    element("td", { class: "number", "aria-hidden": "true" }, mark),
    element("td", {}, element("span", { class: "hidden-visually" }, words), text, ...end),
  );
}

/** How many lines were added and removed, in words. */
export function counted(groups) {
  const count = (change) => groups.flat().filter((line) => line.change === change).length;
  const lines = (number) => `${number} line${number === 1 ? "" : "s"}`;
  return `${lines(count("added"))} added, ${lines(count("removed"))} removed`;
}
