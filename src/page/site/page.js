// The page: it asks the core whenever something changes, and shows what it answers. What it says is all the core's.

import { diff, finding, problem, verdict, visit, who } from "./answers.js";
import { open } from "./core.js";
import { coded, el, fill, find, visible } from "./dom.js";
import { Editor } from "./editor.js";
import { read, write } from "./link.js";
import { settings, typed, withoutQueries } from "./share.js";

const FIELDS = ["origin", "host", "method", "scheme", "path", "headers", "response"];
const TABS = ["request", "who", "diff"];
const EVIDENCE = {
  console: ["Message of the browser's console", "Copy the whole red message: of Chromium, Firefox or Safari. What it leaves out is asked for below."],
  curl: ["Command", "In the network panel of the browser: “Copy as cURL”. A link holds the request without what may be secret: values of cookies, tokens and other headers that decide nothing, and queries."],
  log: ["Log line", "A line of the access log, or one that the filter logged."],
};
/** What stands for cookies whose values decide nothing. */
const COOKIES = "Cookie: (any)";

let core;
let suffixes = false;
let tab = "request";
let evidence = { console: "", curl: "", log: "" };
/** Beside what is pasted, the fields say what it leaves out; a request that was described is another one. */
let fields = { request: {}, pasted: {} };
let shared = {};
let shown = "request";
const USUAL = Object.fromEntries(["origin", "host", "method", "path"].map((it) => [it, find(it).placeholder]));

const policy = new Editor(find("policy-editor"), () => changed(), true);
const old = new Editor(find("old-editor"), () => changed());
const kind = () => document.querySelector("input[name=kind]:checked").value;

/** The core's answer; what would be too much for it is an error like any other. */
function ask(call) {
  try {
    return core.ask(call);
  } catch (error) {
    core.restart();
    return { error: `this cannot be judged: ${error instanceof WebAssembly.RuntimeError ? "it is nested too deeply, or too large" : error.message}` };
  }
}

const variables = () => find("variables").value;

function check() {
  const start = performance.now();
  const answer = ask({ verb: "check", policy: policy.value, variables: variables() });
  const policies = answer.policies ?? [];
  const findings = policies.flatMap((it) => it.findings);
  policy.show(findings);
  const sorted = findings.toSorted((a, b) => (a.severity === "error" ? 0 : 1) - (b.severity === "error" ? 0 : 1));
  const shown = sorted.slice(0, 50);
  fill(find("findings"), shown.map((it) => finding(it, { go: () => policy.select(it), write: () => policy.replace(it, it.edit) })));
  const remarks = policies.flatMap((it) => [...it.grants, ...it.changes]);
  if (sorted.length > shown.length) remarks.unshift(`and ${sorted.length - shown.length} more errors and warnings`);
  fill(find("remarks"), remarks.map((it) => el("li", {}, coded(it))));
  summarise(answer, policies, findings);
  find("variables-box").hidden = !policy.value.includes("django_env") && !variables();
  isSlow = performance.now() - start > 150;
}

function summarise(answer, policies, findings) {
  const verdict = find("verdict");
  const errors = findings.filter((it) => it.severity === "error").length;
  const warnings = findings.length - errors;
  const count = (number, word) => (number ? `${number} ${word}${number > 1 ? "s" : ""}` : "");
  const counts = [count(errors, "error"), count(warnings, "warning")].filter(Boolean).join(", ");
  const isGood = !answer.error && !errors;
  const several = policies.length > 1 ? `${policies.length} policies load` : "The policy loads";
  verdict.className = `verdict ${isGood ? "good" : "bad"}`;
  verdict.textContent = visible(answer.error ?? (isGood ? `${several}${counts ? `, with ${counts}` : ""}.` : `The filter refuses this policy: ${counts}.`));
}

/** What was typed or pasted, as the core takes it. */
function request() {
  const call = Object.fromEntries(FIELDS.map((it) => [it, find(it).value.trim()]));
  if (find("cookies").checked) call.headers = `${call.headers}\n${COOKIES}`;
  call.websocket = find("websocket").checked;
  if (kind() !== "request") call[kind()] = find("evidence").value;
  return call;
}

function explain() {
  const call = request();
  const pasted = kind() !== "request" && !call[kind()].trim();
  if (pasted) {
    shared = {};
    showRead();
    find("command").textContent = "";
    return fill(find("answer"), problem("Paste it above, and the answer stands here."));
  }
  const answer = ask({ verb: "explain", policy: policy.value, variables: variables(), ...call });
  shared = answer.asked?.facts ?? {};
  showRead();
  const file = policy.value.trimStart().startsWith("{") ? "policy.json" : "policy.yaml";
  const environment = variables().trim() ? "--env .env " : "";
  find("command").textContent = visible(`origin-gate explain ${file} ${environment}${answer.asked?.options ?? ""}`.trim());
  if (answer.error) return fill(find("answer"), problem(answer.error.replace(/^add --(\w+): /, "Fill in the $1: ").replace(/--(host|origin|path|method)\b/g, "the $1")));
  if (answer.verdict) return fill(find("answer"), verdict(answer.verdict));
  const refused = answer.policies.some((it) => it.errors);
  fill(find("answer"), refused ? problem("The filter refuses this policy, and lets no request through by it: see the errors.") : answer.policies.map(visit));
}

/** In empty fields, what was read of what was pasted. */
function showRead() {
  for (const [name, usual] of Object.entries(USUAL)) {
    find(name).placeholder = visible((kind() !== "request" && shared[name]) || usual);
  }
}

function grants() {
  const answer = ask({ verb: "who", policy: policy.value, variables: variables(), on_host: find("on-host").value.trim(), on_path: find("on-path").value.trim() });
  const words = { "--path: ": "Path: ", "--host: ": "Host: " };
  fill(find("table"), answer.error ? problem(answer.error.replace(/^--(path|host): /, (it) => words[it])) : answer.policies.map(who));
}

function compare() {
  const answer = ask({ verb: "diff", old: old.value, policy: policy.value, variables: variables() });
  fill(find("changes"), answer.error ? problem(answer.error) : answer.policies.map((it) => diff(it, tryOut)));
}

/** Puts a request of a comparison into the form. */
function tryOut(lines) {
  const places = { ":method": "method", ":path": "path", ":authority": "host", origin: "origin" };
  const others = [];
  choose("request");
  fillIn({ websocket: lines.includes("upgrade: websocket") });
  for (const line of lines) {
    const [, name, value] = /^(:?[^:]+): (.*)$/s.exec(line);
    if (places[name]) find(places[name]).value = value;
    else if (name === ":scheme") find("scheme").value = value === "http" ? "http" : "";
    else if (name !== "upgrade" && name !== "connection") others.push(line);
  }
  find("headers").value = others.join("\n");
  find("headers-box").open = others.length > 0;
  turn("request");
  find("answer-title").focus();
}

const PANELS = { request: explain, who: grants, diff: compare };
let waiting;
/** Whether the policy is so large that judging it would hold up the keys. */
let isSlow = false;

/** Judges the policy at once, and answers what is asked of it when the keys pause; a large one then too. */
function changed(pause = 120) {
  if (!core) return;
  const isLater = isSlow && pause > 0;
  if (isLater) policy.show([]);
  else check();
  clearTimeout(waiting);
  const rest = () => {
    if (isLater) check();
    PANELS[tab]();
    if (tab !== "request") explain();
    remember();
  };
  if (pause) waiting = setTimeout(rest, pause);
  else rest();
}

/** What the fields hold. */
function filled() {
  const texts = Object.fromEntries(FIELDS.map((it) => [it, find(it).value]));
  return { ...texts, cookies: find("cookies").checked, websocket: find("websocket").checked };
}

/** Fills the fields; whatever is not a text counts as none. */
function fillIn(state) {
  for (const it of FIELDS) find(it).value = text(state[it]);
  if (state.scheme !== "http") find("scheme").value = "";
  find("cookies").checked = state.cookies === true;
  find("websocket").checked = state.websocket === true;
  find("headers-box").open = Boolean(text(state.headers) || text(state.response));
}

const text = (value) => (typeof value === "string" ? value : "");

/** What a link holds. */
function state() {
  const isCurl = kind() === "curl" && find("evidence").value.trim();
  const facts = { ...shared, headers: (shared.headers ?? []).join("\n"), response: (shared.response ?? []).join("\n") };
  const all = {
    policy: policy.value,
    old: old.value,
    variables: settings(variables()),
    tab,
    suffixes,
    kind: isCurl ? "request" : kind(),
    request: isCurl ? facts : typed(filled(), shared),
    evidence: isCurl || kind() === "request" ? "" : withoutQueries(find("evidence").value),
    onHost: find("on-host").value,
    onPath: find("on-path").value,
  };
  return all;
}

async function remember() {
  const fragment = await write(state());
  history.replaceState(null, "", fragment);
  return fragment;
}

/** Shows a state; whatever is not a text in it counts as none. */
function restore(state) {
  policy.value = text(state.policy);
  old.value = text(state.old);
  find("variables").value = text(state.variables);
  find("on-host").value = text(state.onHost);
  find("on-path").value = text(state.onPath);
  const of = Object.hasOwn(EVIDENCE, state.kind) ? state.kind : "request";
  evidence = { console: "", curl: "", log: "" };
  if (of !== "request") evidence[of] = text(state.evidence);
  fields = { request: {}, pasted: {} };
  choose(of);
  fillIn(state.request && typeof state.request === "object" ? state.request : {});
  turn(TABS.includes(state.tab) ? state.tab : "request", false);
}

/** What the person has in hand. */
function choose(name) {
  document.querySelector(`input[name=kind][value=${name}]`).checked = true;
  shown = name === "request" ? "request" : "pasted";
  find("evidence-box").hidden = name === "request";
  find("fields-hint").hidden = name === "request";
  if (name !== "request") {
    [find("evidence-label").textContent, find("evidence-hint").textContent] = EVIDENCE[name];
    find("evidence").value = evidence[name];
  }
}

function turn(name, answer = true) {
  tab = name;
  for (const it of TABS) {
    const button = find(`tab-${it}`);
    button.setAttribute("aria-selected", it === name);
    button.tabIndex = it === name ? 0 : -1;
    find(`panel-${it}`).hidden = it !== name;
  }
  if (name === "diff") old.follow();
  if (answer) changed(0);
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    find("said").textContent = "Copied";
    button.dataset.label ??= button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = button.dataset.label), 1500);
  } catch {
    find("said").textContent = "The browser does not let this page copy: copy the text by hand";
  }
}

/** Fetches the list, once, and judges by it from then on. */
async function loadSuffixes() {
  const button = find("suffixes");
  button.disabled = true;
  try {
    const answer = await fetch("suffixes.txt");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { rules } = core.ask({ verb: "suffixes", rules: await answer.text() });
    suffixes = true;
    button.hidden = true;
    find("suffix-state").textContent = `Names are checked against the public-suffix list, with rules for ${rules} names.`;
    changed(0);
  } catch (error) {
    button.disabled = false;
    find("suffix-state").textContent = `The list cannot be loaded: ${visible(error.message)}.`;
  }
}

function listen() {
  for (const it of [...FIELDS, "cookies", "websocket", "variables", "on-host", "on-path"]) find(it).addEventListener("input", () => changed());
  find("evidence").addEventListener("input", () => {
    evidence[kind()] = find("evidence").value;
    changed();
  });
  for (const it of document.querySelectorAll("input[name=kind]")) {
    it.addEventListener("change", () => {
      const own = it.value === "request" ? "request" : "pasted";
      if (own !== shown) {
        fields[shown] = filled();
        fillIn(fields[own]);
      }
      choose(it.value);
      changed(0);
    });
  }
  TABS.forEach((name, at) => {
    find(`tab-${name}`).addEventListener("click", () => turn(name));
    find(`tab-${name}`).addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      const next = { Home: TABS[0], End: TABS.at(-1) }[key] ?? (step && TABS.at((at + step) % TABS.length));
      if (!next) return;
      turn(next);
      find(`tab-${next}`).focus();
    });
  });
  find("suffixes").addEventListener("click", loadSuffixes);
  find("copy-link").addEventListener("click", async () => copy(find("copy-link"), new URL(await remember(), location.href).href));
  find("copy-command").addEventListener("click", () => copy(find("copy-command"), find("command").textContent));
  find("take-old").addEventListener("click", () => {
    old.value = policy.value;
    changed(0);
  });
  find("swap").addEventListener("click", () => {
    [policy.value, old.value] = [old.value, policy.value];
    changed(0);
  });
  addEventListener("hashchange", async () => {
    const state = await read(location.hash);
    if (!state) return;
    restore(state);
    changed(0);
  });
}

function offer(examples) {
  const select = find("examples");
  examples.forEach(({ name }, at) => select.append(el("option", { value: at }, name)));
  select.addEventListener("change", () => {
    const example = examples[select.value];
    select.value = "";
    if (!example) return;
    restore({ policy: "", old: old.value, tab, kind: "request", ...example });
    changed(0);
  });
}

async function start() {
  const [bytes, examples, state] = await Promise.all([
    fetch("page.wasm").then((it) => it.arrayBuffer()),
    fetch("examples.json").then((it) => it.json()),
    read(location.hash),
  ]);
  core = await open(bytes);
  listen();
  offer(examples);
  restore(state ?? examples[0]);
  if (state?.suffixes === true) await loadSuffixes();
  changed(0);
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  find("broken").hidden = false;
  find("broken").textContent = `This page cannot start: ${visible(error.message)}. It needs a browser of 2023 or later, and to be served over http or https.`;
});
