// All recorded evaluations with the text in the editor: which decisions would change.

import { post, wasGivenUp } from "./api.js";
import { about } from "./bench.js";
import { badge, byId, debounced, element, plural, sentence } from "./dom.js";

const TYPING_PAUSE_MS = 250;
/** Records of one call: short enough for the bar to move, long enough for calls not to matter. */
const CALL_RECORDS = 40;
const CALLS_AT_ONCE = 2;
const ROWS_MAX = 200;

export class All {
  constructor(bench, policyEditor) {
    this.bench = bench;
    this.policy = policyEditor;
    this.call = null;
    const soon = debounced(TYPING_PAUSE_MS, () => this.evaluate());
    bench.on("text", () => this.edited(soon));
    bench.on("listed", () => this.isShown() && soon());
    bench.on("all", () => this.evaluate());
  }

  isShown() {
    return !byId("panel-all").hidden;
  }

  /** What was said of another text does not stand beside this one. */
  edited(soon) {
    this.call?.abort();
    if (this.isShown()) {
      soon();
    } else if (this.bench.results.size > 0) {
      this.bench.results.clear();
      this.bench.tell("results");
    }
  }

  async evaluate() {
    this.call?.abort();
    const call = new AbortController();
    this.call = call;
    const { policy, listed } = this.bench;
    const work = { name: policy.name, text: this.policy.text, left: listed.map((record) => record.id), done: 0, count: listed.length };
    const results = new Map();
    progress(work);
    try {
      const workers = Array.from({ length: CALLS_AT_ONCE }, () => evaluateSome(work, results, call.signal));
      const problem = (await Promise.all(workers)).find((found) => found !== null) ?? null;
      this.show(results, problem);
    } catch (error) {
      call.abort();
      if (!wasGivenUp(error)) {
        byId("all-words").textContent = `Not evaluated: ${error.message}`;
      }
    }
  }

  show(results, problem) {
    this.bench.results = results;
    this.bench.tell("results");
    if (problem !== null) {
      const line = problem.line === null ? "" : ` (line ${problem.line})`;
      byId("all-words").textContent = `Not evaluated: the policy cannot be read${line}: ${problem.text}`;
      byId("all-changes").replaceChildren();
      return;
    }
    const judged = this.bench.listed.map((record) => ({ record, result: results.get(record.id) })).filter(({ result }) => result);
    const recorded = judged.filter(({ record }) => record.outcome !== null);
    const changed = recorded.filter(({ record, result }) => record.outcome !== result.outcome);
    const foreign = recorded.filter(({ record }) => record.policy !== this.bench.policy.name).length;
    byId("all-words").textContent = summary(recorded.length, changed.length, judged.length - recorded.length, foreign);
    const others = judged.filter(({ record }) => record.outcome === null);
    byId("all-changes").replaceChildren(totals(judged), ...this.table("Decisions that would change", changed), ...this.table("Not recorded, now decided", others));
  }

  table(caption, rows) {
    if (rows.length === 0) {
      return [];
    }
    const head = element("tr", {}, ...["From", "To", "When", "Run", "Why"].map((text) => element("th", { scope: "col" }, text)));
    const body = rows.slice(0, ROWS_MAX).map((row) => this.row(row));
    const more = rows.length > ROWS_MAX ? [element("p", {}, `And ${rows.length - ROWS_MAX} more.`)] : [];
    return [element("h3", {}, caption), element("table", { class: "table changes" }, element("thead", {}, head), element("tbody", {}, ...body)), ...more];
  }

  row({ record, result }) {
    const select = () => this.bench.tell("select", record.id);
    return element(
      "tr",
      {},
      element("td", {}, badge(record.outcome)),
      element("td", {}, badge(result.outcome)),
      element("td", {}, record.at ?? "no time"),
      element("td", {}, element("button", { type: "button", title: record.source, click: select }, record.claim ?? about(record))),
      element("td", {}, ...sentence(result.reason)),
    );
  }
}

/** One of several that take from the same list. What is wrong with the text, or null. */
async function evaluateSome(work, results, signal) {
  while (work.left.length > 0) {
    const records = work.left.splice(0, CALL_RECORDS);
    const answer = await post("evaluate-all", { name: work.name, text: work.text, records }, signal);
    answer.results.forEach(({ id, ...result }) => results.set(id, result));
    work.done += records.length;
    progress(work);
    if (answer.problem !== null) {
      return answer.problem;
    }
  }
  return null;
}

function progress({ done, count }) {
  byId("progress").max = Math.max(1, count);
  byId("progress").value = count === 0 ? 1 : done;
  byId("progress-words").textContent = `${done} of ${count}`;
}

function summary(recorded, changed, others, foreign) {
  const decisions = `${changed} of ${plural(recorded, "recorded decision")} would change.`;
  const without = others === 0 ? "" : ` ${plural(others, "run")} had no decision recorded.`;
  const notOwn = foreign === 0 ? "" : ` ${foreign} of the recorded decisions are other policies’.`;
  return `${decisions}${without}${notOwn}`;
}

/** How many went from what to what. */
function totals(judged) {
  const outcomes = ["pass", "wait", "fail", "error"];
  const rows = [...outcomes, null].filter((then) => judged.some(({ record }) => record.outcome === then));
  const count = (then, now) => judged.filter(({ record, result }) => record.outcome === then && result.outcome === now).length;
  const head = element("tr", {}, element("th", { scope: "col" }, "Recorded"), ...outcomes.map((now) => element("th", { scope: "col" }, badge(now, "now "))));
  const body = rows.map((then) =>
    element("tr", {}, element("th", { scope: "row" }, badge(then)), ...outcomes.map((now) => element("td", {}, `${count(then, now)}`))),
  );
  return element("table", { class: "table totals" }, element("thead", {}, head), element("tbody", {}, ...body));
}
