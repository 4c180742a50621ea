// Saves the policy's file, and asks where somebody else has changed it.

import { post, Refused } from "./api.js";
import { differenceTable } from "./difference.js";
import { byId } from "./dom.js";

export class Saving {
  constructor(bench, policyEditor) {
    this.bench = bench;
    this.editor = policyEditor;
    /** The file's text as the last refusal showed it; null where the file is gone. */
    this.present = null;
    byId("save").addEventListener("click", () => this.save());
    byId("conflict-cancel").addEventListener("click", () => byId("conflict").close());
    byId("conflict-overwrite").addEventListener("click", () => this.overwrite());
    byId("conflict-take").addEventListener("click", () => this.take());
    bench.on("text", () => this.show());
    window.addEventListener("beforeunload", (event) => {
      if (this.isEdited()) {
        event.preventDefault();
      }
    });
    this.show();
  }

  isEdited() {
    const { path, known } = this.bench.policy;
    return path !== null && this.editor.text !== known;
  }

  show() {
    const { path } = this.bench.policy;
    byId("file").textContent = path ?? "not in a file: start with --edit FILE to save";
    byId("save").disabled = !this.isEdited();
    if (path !== null) {
      byId("saved").textContent = this.isEdited() ? "edited, not saved" : "saved";
    }
  }

  async save() {
    if (!this.isEdited()) {
      return;
    }
    const { policy } = this.bench;
    try {
      const { known } = await post("save", { text: this.editor.text, known: policy.known });
      policy.known = known;
      this.show();
    } catch (error) {
      if (error instanceof Refused && error.status === 409) {
        this.ask(error.answer);
      } else {
        byId("saved").textContent = error.message;
      }
    }
  }

  ask({ present, difference }) {
    this.present = present;
    const isGone = present === null;
    byId("conflict-words").textContent = isGone
      ? `${this.bench.policy.path} is gone since it was read.`
      : `${this.bench.policy.path} was changed since it was read. This is what overwriting it would change:`;
    byId("conflict-take").hidden = isGone;
    byId("conflict-difference").hidden = isGone;
    byId("conflict-difference").replaceChildren(differenceTable(difference));
    byId("conflict").showModal();
  }

  overwrite() {
    byId("conflict").close();
    this.bench.policy.known = this.present;
    return this.save();
  }

  take() {
    byId("conflict").close();
    this.bench.policy.known = this.present;
    this.editor.replace(this.present);
    this.show();
  }
}
