// A text with the lines and places that findings are about: the numbers beside it, and the marks behind it.

import { el, fill } from "./dom.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Where in a string these bytes of its UTF-8 stand. */
function range(bytes, { start, end }) {
  const before = decoder.decode(bytes.subarray(0, start)).length;
  return [before, before + decoder.decode(bytes.subarray(start, end)).length];
}

export class Editor {
  /** `isJudged`: whether the listener of a change shows its findings. */
  constructor(box, changed, isJudged = false) {
    this.isJudged = isJudged;
    this.text = box.querySelector("textarea");
    this.gutter = box.querySelector(".gutter");
    this.marks = box.querySelector(".marks");
    this.text.addEventListener("input", () => {
      if (!this.isJudged) this.show([]);
      changed();
    });
    this.text.addEventListener("scroll", () => this.follow());
  }

  get value() {
    return this.text.value;
  }

  set value(text) {
    this.text.value = text;
    this.show([]);
  }

  follow() {
    this.gutter.scrollTop = this.text.scrollTop;
    this.marks.scrollTop = this.text.scrollTop;
    this.marks.scrollLeft = this.text.scrollLeft;
  }

  /** Shows where findings stand. */
  show(findings) {
    const text = this.value;
    const bytes = encoder.encode(text);
    const placed = findings.filter((it) => it.start !== null);
    const worst = new Map();
    for (const { line, severity } of placed) if (worst.get(line) !== "error") worst.set(line, severity);
    const count = text.split("\n").length;
    // As few elements as can be: this is done at every key.
    const numbers = [];
    let run = "";
    for (let line = 1; line <= count; line++) {
      const severity = worst.get(line);
      if (severity) {
        numbers.push(run, el("span", { class: severity }, `● ${line}`));
        run = "\n";
      } else run += `${line}\n`;
    }
    this.gutter.replaceChildren(...numbers, `${run}\n`);
    const parts = [];
    let end = 0;
    for (const it of placed.toSorted((a, b) => a.start - b.start)) {
      const [from, to] = range(bytes, it);
      if (from < end || from === to) continue;
      parts.push(document.createTextNode(text.slice(end, from)));
      const mark = el("mark", { class: it.severity });
      mark.textContent = text.slice(from, to);
      parts.push(mark);
      end = to;
    }
    parts.push(document.createTextNode(`${text.slice(end)}\n`));
    fill(this.marks, parts);
    this.text.setAttribute("aria-invalid", placed.some((it) => it.severity === "error"));
    this.follow();
  }

  /** Puts the caret at a finding. */
  select(finding) {
    const [from, to] = range(encoder.encode(this.value), finding);
    this.text.focus();
    this.text.setSelectionRange(from, to);
    const height = parseFloat(getComputedStyle(this.text).lineHeight);
    this.text.scrollTop = Math.max(0, (finding.line - 4) * height);
  }

  /** Writes in place of a finding, so that Ctrl-Z takes it back. */
  replace(finding, written) {
    this.select(finding);
    const [from, to] = range(encoder.encode(this.value), finding);
    if (!document.execCommand("insertText", false, written)) this.text.setRangeText(written, from, to, "end");
    this.text.dispatchEvent(new Event("input"));
  }
}
