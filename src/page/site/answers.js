// What the core answers, as elements.

import { coded, el } from "./dom.js";

const REPOSITORY = document.querySelector("meta[name=repository]").content;

/** A code, with a link to the page that explains it where the project's address is known. */
const code = ({ code, page }) =>
  REPOSITORY.startsWith("https://") && page
    ? el("a", { href: `${REPOSITORY}/blob/main/${page}`, rel: "noreferrer noopener", target: "_blank" }, code)
    : el("code", {}, code);

/** A finding of a policy, with what to click. */
export const finding = (it, { go, write }) =>
  el(
    "li",
    { class: it.severity },
    el(
      "p",
      { class: "head" },
      el("span", { class: "word" }, it.severity === "error" ? "Error" : "Warning"),
      it.line && el("button", { type: "button", class: "link", onclick: go }, `line ${it.line}`),
      el("code", {}, it.path),
      code(it),
    ),
    el("p", {}, it.value !== null && [el("code", {}, it.value), ": "], coded(it.message)),
    it.help && el("p", {}, coded(it.help)),
    it.edit && el("p", { class: "row" }, el("button", { type: "button", class: "fix", onclick: write }, `Write ${it.edit}`)),
  );

const facts = (rows) =>
  el(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value, kind]) => [el("dt", {}, name), el("dd", { class: kind }, value instanceof Node ? value : coded(value))]),
  );

const headers = (title, status, lines) =>
  el(
    "div",
    {},
    el("h4", {}, title),
    el("pre", { class: "block" }, [...(status ? [`${status}`] : []), ...Object.entries(lines).map(([name, value]) => `${name}: ${value}`)].join("\n") || "no headers of the filter"),
  );

const TONES = { refused: "bad", unreadable: "bad", allowed: "good" };
const WORDS = {
  refused: "Refused",
  unreadable: "The page cannot read the answer",
  allowed: "Allowed",
};

/** What becomes of a request. */
export function visit({ heading, visit, word, what, request, preflight, succeeds }) {
  const tone = TONES[word] ?? "warn";
  const title = WORDS[word] ?? word[0].toUpperCase() + word.slice(1);
  const notes = [...visit.page.notes, ...visit.notes];
  const read = { true: "The page gets the answer.", false: "The page does not get the answer." }[visit.page.gets_answer];
  return el(
    "article",
    { class: `card ${tone}`, "data-finding": request.finding, "data-succeeds": succeeds },
    el(
      "div",
      { class: "head" },
      heading && el("p", { class: "quiet" }, heading),
      el("p", { class: "word" }, `${{ good: "✓", bad: "✕" }[tone] ?? "!"} ${title}`),
      el("p", {}, what),
    ),
    el(
      "div",
      { class: "body" },
      facts([
        ["Fix", visit.fix, "fix"],
        ["Why", visit.why],
        ["Nearest", visit.nearest],
        ["Entry", visit.entry],
        ["Rules", visit.rules],
        ["Finding", el("code", {}, visit.finding)],
        ["Edits", visit.request_edits.join("; ")],
      ]),
      (read || visit.page.console || notes.length > 0) &&
        el(
          "div",
          {},
          el("h4", {}, "In the browser"),
          read && el("p", {}, read),
          visit.page.console && el("pre", { class: "block console" }, visit.page.console),
          notes.map((it) => el("p", { class: "quiet" }, coded(it))),
        ),
      preflight && headers(`First a preflight (OPTIONS): ${preflight.allowed ? "allowed" : "refused"}, answered by the filter`, preflight.status, preflight.headers),
      headers(
        request.decision === "reply" ? "The filter's own answer" : preflight ? "The response to the request itself" : "The response, with the backend's headers where you gave them",
        request.status,
        request.headers,
      ),
      request.body && el("pre", { class: "block" }, request.body),
    ),
  );
}

/** What the browser refuses by itself, whatever the policy. */
export const verdict = ({ trouble, why, fix }) =>
  el(
    "article",
    { class: "card bad" },
    el("div", { class: "head" }, el("p", { class: "word" }, "✕ Refused by the browser"), el("p", {}, "No policy decides this.")),
    el("div", { class: "body" }, facts([["Fix", fix, "fix"], ["Why", why], ["Finding", el("code", {}, trouble)]])),
  );

/** Why there is no answer. */
export const problem = (text) => el("p", { class: "problem" }, coded(text));

const list = (items) => items.map((it) => `\`${it}\``).join(", ");
const sentence = (words) => (words.length ? words.join(", ") : "nothing of this");

function region(region) {
  const hosts = region.hosts.length ? list(region.hosts) : "every host";
  const paths = region.paths.length ? list(region.paths) : "every path";
  return el(
    "section",
    { class: "region" },
    el("h3", {}, region.policy && [region.policy, ": "], coded(`${hosts}, ${paths}`)),
    region.answers_for && el("p", {}, "Requests may ask for ", coded(list(region.answers_for)), "."),
    region.unchecked.map((it) => el("p", {}, "Nothing checks ", coded(it), ".")),
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Who"), el("th", { scope: "col" }, "May"))),
      el("tbody", {}, region.rows.map((row, at) => tableRow(row, region.words[at]))),
    ),
  );
}

/** So many are shown of those that may do the same. */
const FEW = 20;

const tableRow = ({ whom }, words) =>
  el(
    "tr",
    {},
    el(
      "td",
      {},
      el(
        "ul",
        {},
        whom.slice(0, FEW).map(({ who, key }) => el("li", {}, coded(who), key && el("span", { class: "quiet" }, ` ${key}`))),
        whom.length > FEW && el("li", { class: "quiet" }, `and ${whom.length - FEW} more`),
      ),
    ),
    el("td", {}, sentence(words)),
  );

/** Who may do what. */
export const who = (answer) =>
  el(
    "div",
    {},
    answer.heading && el("p", { class: "quiet" }, answer.heading),
    answer.regions.map(region),
    answer.hidden.map((it) => problem(`${it}: no request belongs to it, since the entries before it have them all`)),
  );

const DIRECTIONS = [
  ["permits", "Newly permitted"],
  ["refuses", "Newly refused"],
];

/** What one policy permits and another does not; `show` takes the lines of a request. */
export function diff(answer, show) {
  const groups = DIRECTIONS.map(([direction, title]) => [direction, title, answer.changes.filter((it) => it.direction === direction)]);
  const all = groups.filter(([, , changes]) => changes.length > 0);
  return el(
    "div",
    {},
    answer.heading && el("p", { class: "quiet" }, answer.heading),
    all.map(([direction, title, changes]) => [el("h3", {}, title), changes.map((it) => change(it, direction, show))]),
    answer.undecided && problem(answer.undecided),
    answer.notes.map((it) => el("p", { class: "quiet" }, "Also changed: ", coded(it))),
    !all.length && !answer.undecided && !answer.notes.length && problem("Both policies permit the same."),
  );
}

function change({ message, cause, permissions }, direction, show) {
  const witnesses = new Map(permissions.map(({ witness }) => [witness.explain, witness]));
  const by = cause && [cause.path, cause.value ?? (cause.new !== undefined ? `${JSON.stringify(cause.old)} → ${JSON.stringify(cause.new)}` : "")];
  return el(
    "div",
    { class: `change ${direction}` },
    el("p", {}, coded(message)),
    by && el("p", { class: "quiet" }, "by ", el("code", {}, by.filter(Boolean).join(" "))),
    el(
      "ul",
      {},
      [...witnesses.values()].map((it) =>
        el(
          "li",
          {},
          el("button", { type: "button", class: "link mono", onclick: () => show(it.request) }, it.explain),
          el("div", { class: "quiet" }, `${it.old ?? "no policy"} → ${it.new ?? "no policy"}`),
        ),
      ),
    ),
  );
}
