// A text area with line numbers, in which one line can be marked as wrong.

import { element } from "./dom.js";

export class Editor {
  /** `onEdit` is called whenever the text has changed. */
  constructor(root, onEdit) {
    this.gutter = root.querySelector(".gutter");
    this.mark = root.querySelector(".mark");
    this.area = root.querySelector("textarea");
    this.wrong = null;
    this.lines = 0;
    this.area.addEventListener("input", () => {
      this.number();
      onEdit();
    });
    this.area.addEventListener("scroll", () => this.follow());
    this.area.addEventListener("keydown", (event) => this.indent(event));
    this.number();
  }

  get text() {
    return this.area.value;
  }

  /** Another text, without a way back. */
  set(text) {
    this.area.value = text;
    this.area.scrollTop = 0;
    this.area.scrollLeft = 0;
    this.number();
  }

  /** Another text, as if it had been typed: it can be undone. */
  replace(text) {
    this.area.focus();
    this.area.select();
    if (!document.execCommand("insertText", false, text)) {
      this.area.value = text;
      this.area.dispatchEvent(new Event("input"));
    }
    this.area.setSelectionRange(0, 0);
    this.area.scrollTop = 0;
  }

  /** Marks a line, counted from 1; null for none. */
  markWrong(line, isWrong) {
    this.wrong = line;
    this.area.setAttribute("aria-invalid", isWrong ? "true" : "false");
    this.lines = 0;
    this.number();
  }

  /** Puts the cursor somewhere, both counted from 1. */
  goTo(line, column) {
    const before = this.text.split("\n").slice(0, line - 1);
    const at = before.reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, (column ?? 1) - 1);
    this.area.focus();
    this.area.setSelectionRange(at, at);
    this.area.scrollTop = Math.max(0, (line - 4) * this.lineHeight());
  }

  lineHeight() {
    return parseFloat(getComputedStyle(this.area).lineHeight);
  }

  number() {
    const lines = this.text.split("\n").length;
    if (lines !== this.lines) {
      this.lines = lines;
      const numbers = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => `${from + at}\n`).join("");
      const wrong = this.wrong !== null && this.wrong <= lines ? this.wrong : null;
      this.gutter.replaceChildren(
        numbers(1, wrong === null ? lines : wrong - 1),
        ...(wrong === null ? [] : [element("span", { class: "wrong" }, `✗ ${wrong}\n`), numbers(wrong + 1, lines)]),
      );
    }
    this.follow();
  }

  /** The numbers and the mark stay beside their lines. */
  follow() {
    this.gutter.scrollTop = this.area.scrollTop;
    this.mark.hidden = this.wrong === null;
    if (this.wrong !== null) {
      this.mark.style.transform = `translateY(${(this.wrong - 1) * this.lineHeight() - this.area.scrollTop}px)`;
    }
  }

  /** The tab key leaves the editor, as everywhere; this one inserts a tab. */
  indent(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "]") {
      event.preventDefault();
      document.execCommand("insertText", false, "\t");
    }
  }
}
