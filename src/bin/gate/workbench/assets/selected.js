// The selected record: evaluates it as one types, and shows what came of it.

import { get, post, wasGivenUp } from "./api.js";
import { badge, byId, debounced, element, say, sentence } from "./dom.js";
import { counted, differenceTable } from "./difference.js";
import { Editor } from "./editor.js";
import { drawTimeline } from "./timeline.js";

const TYPING_PAUSE_MS = 150;

export class Selected {
  constructor(bench, policyEditor) {
    this.bench = bench;
    this.policy = policyEditor;
    /** As it was recorded: its input and its text. */
    this.recorded = null;
    this.call = null;
    this.answer = null;
    this.input = new Editor(byId("input-editor"), () => {
      byId("restore-input").disabled = false;
      this.soon();
    });
    this.soon = debounced(TYPING_PAUSE_MS, () => this.evaluate());
    bench.on("selected", (record) => this.load(record));
    bench.on("text", () => this.soon());
    byId("restore-input").addEventListener("click", () => this.restore());
    byId("show-difference").addEventListener("click", () => this.toggleDifference());
    byId("take-recorded").addEventListener("click", () => this.takeRecorded());
    new ResizeObserver(() => this.draw()).observe(byId("timeline"));
  }

  async load(record) {
    this.recorded = null;
    try {
      const recorded = await get(`records/${record.id}`);
      if (this.bench.selected !== record) {
        return;
      }
      this.recorded = recorded;
      this.restore();
    } catch (error) {
      this.fail(error);
    }
  }

  restore() {
    this.input.set(this.recorded.input);
    byId("restore-input").disabled = true;
    this.evaluate();
  }

  /** Takes the recorded text into the editor, with its name where no file has one. */
  takeRecorded() {
    const { policy, selected } = this.bench;
    if (policy.path === null && selected.policy !== null) {
      policy.name = selected.policy;
    }
    this.policy.replace(this.recorded.text);
  }

  async evaluate() {
    const record = this.bench.selected;
    if (record === null || this.recorded === null) {
      return;
    }
    this.call?.abort();
    this.call = new AbortController();
    const asked = { name: this.bench.policy.name, text: this.policy.text, record: record.id, input: this.input.text };
    try {
      this.answer = await post("evaluate", asked, this.call.signal);
      this.show(record);
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error) {
    if (!wasGivenUp(error)) {
      byId("outcome").replaceChildren(`Not evaluated: ${error.message}`);
    }
  }

  show(record) {
    const { type, problem, input_problem: inputProblem, result, note } = this.answer;
    if (type !== null && type !== this.bench.type) {
      this.bench.type = type;
      this.bench.tell("type");
    }
    byId("policy-type").textContent = `${this.bench.policy.name}${type === null ? "" : `, of type ${type}`}`;
    showProblem(byId("policy-problem"), this.policy, problem, type === null ? "" : "No errors.");
    showProblem(byId("input-problem"), this.input, inputProblem, "");
    byId("values").textContent = result?.values ?? "";
    this.showOutcome(record, result, note);
    this.showDifference(record);
    this.draw();
  }

  showOutcome(record, result, note) {
    const outcome = byId("outcome");
    outcome.className = `outcome ${result?.outcome ?? ""}`;
    const edited = byId("restore-input").disabled ? "" : " (its input was edited)";
    if (result === undefined) {
      const where = this.answer.problem === null ? "the input" : "the policy";
      say(outcome, element("div", { class: "now" }, badge(record.outcome, "recorded: "), `Not evaluated: ${where} cannot be read.`));
      return;
    }
    const changed = record.outcome !== null && record.outcome !== result.outcome;
    const then = element("div", { class: "now" }, badge(record.outcome, record.outcome === null ? "" : "recorded: "), changed ? `This decision would change${edited}.` : edited);
    const now = element("div", { class: "now" }, badge(result.outcome, "now: "), element("span", { id: "reason" }, ...sentence(result.reason)));
    const more = [
      ["warning", result.warning],
      ["note", note],
    ].filter(([, text]) => text);
    say(outcome, now, then, ...more.map(([name, text]) => element("p", { class: name }, ...sentence(text))));
  }

  showDifference(record) {
    const groups = this.answer.difference;
    const differs = groups !== null && groups.length > 0;
    byId("differs").hidden = !differs;
    if (!differs) {
      return;
    }
    const other = record.policy === this.bench.policy.name ? "" : ` The recorded text is that of another policy, ${record.policy}.`;
    byId("differs-words").textContent = `${record.at === null ? "Compared with the recorded text" : `Since ${record.at}`}: ${counted(groups)}.${other}`;
    byId("difference").replaceChildren(differenceTable(groups));
  }

  toggleDifference() {
    const button = byId("show-difference");
    const shown = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", `${shown}`);
    button.textContent = shown ? "Hide the difference" : "Show the difference";
    byId("difference").hidden = !shown;
  }

  draw() {
    const { timeline, result } = this.answer ?? {};
    if (timeline) {
      drawTimeline(byId("timeline"), timeline, result?.outcome ?? null);
    }
  }
}

/** Says what is wrong with the text of an editor, and marks its line. */
function showProblem(place, editor, problem, fine) {
  editor.markWrong(problem?.line ?? null, problem !== null);
  place.classList.toggle("fine", problem === null);
  if (problem === null) {
    say(place, fine);
    return;
  }
  const where = problem.line === null ? "" : `Line ${problem.line}, column ${problem.column}: `;
  const go = element("button", { type: "button", class: "go", click: () => editor.goTo(problem.line, problem.column) }, `Go to line ${problem.line}`);
  say(place, `✗ ${where}`, ...sentence(problem.text), ...(problem.line === null ? [] : [go]));
}
