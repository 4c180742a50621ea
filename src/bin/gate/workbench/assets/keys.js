// Keyboard shortcuts, and the list of them.

import { byId, element } from "./dom.js";
import { step } from "./list.js";

const HELP = [
  [["Ctrl", "S"], "Save the policy"],
  [["Ctrl", "Enter"], "Evaluate all that are listed"],
  [["Alt", "↓"], "Select the next recorded evaluation"],
  [["Alt", "↑"], "Select the one before"],
  [["F8"], "Go to what is wrong"],
  [["Ctrl", "]"], "Insert a tab (the Tab key leaves the editor)"],
  [["?"], "Show this list (outside the editors)"],
];

export function startKeys(bench, saving) {
  byId("keys")
    .querySelector("tbody")
    .replaceChildren(
      ...HELP.map(([keys, words]) =>
        element("tr", {}, element("td", {}, ...keys.flatMap((key, at) => [at > 0 ? " + " : "", element("kbd", {}, key)])), element("td", {}, words)),
      ),
    );
  byId("show-keys").addEventListener("click", () => byId("keys").showModal());
  document.addEventListener("keydown", (event) => {
    const action = actionOf(event, bench, saving);
    if (action && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      action();
    }
  });
}

function actionOf(event, bench, saving) {
  const isControl = event.ctrlKey || event.metaKey;
  const isTyping = event.target.closest("textarea, input, select") !== null;
  if (isControl && event.key === "s") {
    return () => saving.save();
  }
  if (isControl && event.key === "Enter") {
    return () => byId("tab-all").click();
  }
  if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    return () => step(bench, event.key === "ArrowDown" ? 1 : -1);
  }
  if (event.key === "F8") {
    return () => document.querySelector(".problem .go")?.click();
  }
  if (event.key === "?" && !isTyping) {
    return () => byId("keys").showModal();
  }
  return null;
}

/** Tabs: the arrow keys move between them, as readers of screens expect. */
export function startTabs(bench) {
  const tabs = ["run", "input", "all"].map((name) => byId(`tab-${name}`));
  const show = (chosen) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", `${tab === chosen}`);
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    if (chosen.id === "tab-all") {
      bench.tell("all");
    }
  };
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", (event) => {
      const rows = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (rows !== undefined) {
        event.preventDefault();
        const next = tabs[(at + rows + tabs.length) % tabs.length];
        next.focus();
        show(next);
      }
    });
  });
}
