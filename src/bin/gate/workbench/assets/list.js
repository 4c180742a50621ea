// The recorded evaluations: which are listed, and which is selected.

import { about } from "./bench.js";
import { badge, byId, debounced, element, options, sentence } from "./dom.js";

const ANY = "";
const NONE = "none";
/** The type of the policy in the editor, whatever it is. */
const OWN = "own";
const TYPES = ["initialization", "task", "approval"];
const OUTCOMES = ["pass", "wait", "fail", "error"];
const PAGE_ROWS = 6;
/** Rows that are shown: more would make the page slow, and nobody reads them. */
const ROWS_MAX = 1000;

export function startList(bench) {
  fillFilters(bench);
  showUnreadable(bench.unreadable);
  const list = byId("records");
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["filter-outcome", "filter-policy", "filter-type"]) {
    byId(id).addEventListener("change", () => relist(bench));
  }
  byId("filter-words").addEventListener("input", debounced(150, () => relist(bench)));
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) {
      select(bench, Number(option.dataset.id));
    }
  });
  list.addEventListener("keydown", (event) => move(bench, event));
  bench.on("type", () => {
    fillTypes(bench);
    relist(bench);
  });
  bench.on("results", () => bench.listed.forEach((record) => showResult(bench, record)));
  bench.on("select", (id) => select(bench, id));
  relist(bench);
  if (bench.listed.length === 0 && bench.records.length > 0) {
    // Better another type than nothing.
    byId("filter-type").value = ANY;
    relist(bench);
  }
}

/** Selects the record that stands so many rows further. */
export function step(bench, rows) {
  const at = bench.listed.findIndex((record) => record.id === bench.selected?.id);
  const next = at < 0 ? 0 : Math.min(bench.listed.length - 1, Math.max(0, at + rows));
  if (bench.listed.length > 0) {
    select(bench, bench.listed[next].id);
  }
}

function fillFilters(bench) {
  const names = [...new Set(bench.records.map((record) => record.policy).filter((name) => name !== null))].sort();
  options(byId("filter-outcome"), [
    [ANY, "any"],
    ...OUTCOMES.map((outcome) => [outcome, outcome]),
    [NONE, "not recorded"],
  ]);
  const policies = [[ANY, "any"], ...names.map((name) => [name, name]), [NONE, "none was asked"]];
  options(byId("filter-policy"), policies, names.includes(bench.policy.name) ? bench.policy.name : ANY);
  fillTypes(bench);
}

function fillTypes(bench) {
  const select = byId("filter-type");
  const own = bench.type === null ? [] : [[OWN, "this policy’s"]];
  const chosen = select.value === "" && select.options.length > 0 ? ANY : select.value || OWN;
  options(select, [...own, [ANY, "any"], ...TYPES.map((type) => [type, type])], chosen);
}

function isListed(bench, record) {
  const outcome = byId("filter-outcome").value;
  const policy = byId("filter-policy").value;
  const type = byId("filter-type").value;
  const words = byId("filter-words").value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const texts = [record.source, record.claim, record.policy, record.at, record.ref, about(record)].join(" ").toLowerCase();
  return (
    (outcome === ANY || (record.outcome ?? NONE) === outcome) &&
    (policy === ANY || (record.policy ?? NONE) === policy) &&
    (type === ANY || record.type === (type === OWN ? bench.type : type)) &&
    words.every((word) => texts.includes(word))
  );
}

function relist(bench) {
  const list = byId("records");
  bench.listed = bench.records.filter((record) => isListed(bench, record));
  list.replaceChildren(...bench.listed.slice(0, ROWS_MAX).map(row));
  if (bench.listed.length === 0) {
    list.append(element("li", { class: "empty", role: "presentation" }, "No recorded evaluation fits these filters."));
  } else if (bench.listed.length > ROWS_MAX) {
    list.append(element("li", { class: "empty", role: "presentation" }, `And ${bench.listed.length - ROWS_MAX} more: narrow the filters to see them.`));
  }
  byId("count").textContent =
    bench.listed.length === bench.records.length ? `${bench.records.length}` : `${bench.listed.length} of ${bench.records.length}`;
  bench.listed.forEach((record) => showResult(bench, record));
  mark(bench);
  bench.tell("listed");
}

function row(record) {
  const badges = element("span", { class: "badges" }, badge(record.outcome));
  const first = element(
    "span",
    { class: "first" },
    element("strong", {}, record.at ?? "no time"),
    element("span", {}, record.policy ?? "no policy was asked", ` (${record.type})`),
  );
  const words = record.claim === null ? about(record) : `${record.claim}. ${about(record)}`;
  const second = element("span", { class: "second", title: `${words} – ${record.source}` }, words);
  const source = element("span", { class: "second" }, record.source);
  return element("li", { id: `record-${record.id}`, role: "option", "data-id": record.id, "aria-selected": "false" }, badges, element("span", {}, first, second, source));
}

/** What the text in the editor would decide, where that differs. */
function showResult(bench, record) {
  const badges = byId(`record-${record.id}`)?.querySelector(".badges");
  const result = bench.results.get(record.id);
  badges?.querySelector(".changed")?.remove();
  if (badges && result && result.outcome !== record.outcome) {
    const changed = badge(result.outcome, "now ");
    changed.classList.add("changed");
    badges.append(changed);
  }
}

function select(bench, id) {
  const record = bench.records[id];
  if (record === undefined) {
    return;
  }
  bench.selected = record;
  mark(bench);
  bench.tell("selected", record);
}

function mark(bench) {
  const list = byId("records");
  list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  const chosen = bench.selected && byId(`record-${bench.selected.id}`);
  if (!chosen) {
    list.removeAttribute("aria-activedescendant");
    return;
  }
  chosen.setAttribute("aria-selected", "true");
  list.setAttribute("aria-activedescendant", chosen.id);
  // Only the list scrolls, not the page.
  const above = chosen.offsetTop - list.offsetTop;
  if (above < list.scrollTop) {
    list.scrollTop = above;
  } else if (above + chosen.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = above + chosen.offsetHeight - list.clientHeight;
  }
}

function move(bench, event) {
  const rows = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: PAGE_ROWS,
    PageUp: -PAGE_ROWS,
    Home: -Infinity,
    End: Infinity,
  }[event.key];
  if (rows !== undefined && !event.altKey) {
    event.preventDefault();
    step(bench, rows);
  }
}

function showUnreadable(unreadable) {
  const details = byId("unreadable");
  details.hidden = unreadable.length === 0;
  details.querySelector("summary").textContent = `${unreadable.length} more that cannot be evaluated`;
  details.querySelector("ul").replaceChildren(
    ...unreadable.map(({ source, reason }) => element("li", {}, element("strong", {}, source), ": ", ...sentence(reason))),
  );
}
