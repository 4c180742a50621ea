// What the parts of the page share: the policy, the records, which is selected, and what to do when one of them changes.

export class Bench extends EventTarget {
  constructor({ policy, records, unreadable }) {
    super();
    /** Its name, path, and the text that its file is known to have. */
    this.policy = policy;
    /** The type of the text in the editor, as far as it could be read. */
    this.type = policy.type;
    this.records = records;
    this.unreadable = unreadable;
    /** The records that the filters let through. */
    this.listed = [];
    this.selected = null;
    /** What the text in the editor says of each record: id → { outcome, reason, note }. */
    this.results = new Map();
  }

  on(name, action) {
    this.addEventListener(name, (event) => action(event.detail));
  }

  /** Names: text, type, select, selected, input, answer, listed, results, all. */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** What a record is about, in a few words. */
export function about({ repository, run, attempt, environment, starter }) {
  const number = run === null ? "a run" : `run ${run}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
  const place = environment === null ? "" : ` → ${environment}`;
  const by = starter === null ? "" : `, started by ${starter}`;
  return `${repository ?? "a repository"}: ${number}${place}${by}`;
}
