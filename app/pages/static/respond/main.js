/** The respondent's page: from screen to screen, from the first word to thanks. */

import { all, at, h, items } from "./dom.js";
import { empty, keep, restore, sendable } from "./draft.js";
import { drawQuestion, drawWritten, fieldsOf, readAnswer, said, showAnswer, tellAnswer } from "./questions.js";
import { ask, problemOf, send } from "./service.js";
import { WORDS, languageOfBrowser } from "./words.js";

/**
 * @typedef {import("contract").components["schemas"]["SurveyForm"]} Form
 * @typedef {import("./draft.js").Answer} Answer
 * @typedef {import("./questions.js").Question} Question
 * @typedef {import("./words.js").Language} Language
 * @typedef {import("./words.js").Problem} Problem
 * @typedef {Partial<import("contract").components["schemas"]["RespondProblem"]>} Refusal
 * @typedef {{title: string, questions: Question[]}} Step   one without questions is the comment's
 * @typedef {"loading" | "welcome" | "questions" | "review" | "thanks" | "problem"} View
 */

const COMMENT = "/comment";
/** As if it were a question, under a key that none has. @type {import("./questions.js").Asked} */
const REMARK = { key: COMMENT, kind: "text", required: false };
const FIRST_WAIT = 2;
const LONGEST_WAIT = 30;
const WIDE = matchMedia("(min-width: 60rem)");

/** @type {Form | undefined} */
let loaded;
let draft = restore();
/** @type {Step[]} */
let steps = [];
let step = 0;
let isFromReview = false;
let isSending = false;
/** @type {Problem | undefined} */
let problem;
let wake = () => {};

const language = () => draft.language ?? loaded?.language ?? languageOfBrowser();
const words = () => WORDS[language()];
const form = () => /** @type {Form} */ (loaded);
const stepNow = () => /** @type {Step} */ (steps[step]);

/** With the time zone, which is the browser's: a mail may tell the same moment in another. @param {string | null} instant */
const day = (instant) => {
  const parts = /** @type {const} */ ({ weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
  const told = new Intl.DateTimeFormat(language() === "en" ? "en-GB" : "nl-NL", parts);
  return instant && `${told.format(new Date(instant))} (${told.resolvedOptions().timeZone.replaceAll("_", " ")})`;
};

// ---------------------------------------------------------------- fetching and sending

async function load() {
  translate();
  if (draft.isDone) return go("thanks", 0, false);
  if (!draft.token) return showProblem("none");
  keep(draft);
  show("loading");
  const told = await ask(draft.token, draft.language);
  if (!told.isOk && isStored(told.code)) return finish();
  if (!told.isOk) return showProblem(problemOf(told), told.body);
  take(told.body);
  const { view = "welcome", step: to = 0 } = history.state ?? {};
  go(["questions", "review"].includes(view) ? view : "welcome", to, false);
}

/** @param {Form} fresh */
function take(fresh) {
  loaded = fresh;
  const asked = JSON.stringify([fresh.organization, fresh.name, ...fresh.questions.map(({ key }) => key)]);
  if (draft.asked && draft.asked !== asked) draft = { ...empty(draft.token), language: draft.language, isTyped: draft.isTyped };
  Object.assign(draft, { asked, isReplaced: false });
  draft.left = { organization: fresh.organization, contact: fresh.contact, thanks: fresh.thanks, closes: fresh.closes_at, mayChange: fresh.allow_changes };
  if (draft.language) draft.language = fresh.language;
  keep(draft);
  render();
}

/** An earlier try of ours had no answer, and this one says that it arrived. @param {string} code */
const isStored = (code) => draft.isUnsure && code === "already_responded";

/** Tries until the service answers: an invitation stores one response, however often it is sent. */
async function deliver() {
  hold(true);
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    say(words().sending);
    const isOnline = navigator.onLine;
    const told = await send(draft.token, response());
    if (told.isOk || isStored(told.code)) break;
    const found = problemOf(told);
    if (found !== "network" && found !== "busy") return refuse(found, told.body);
    draft.isUnsure ||= found === "network" && isOnline;
    keep(draft);
    say(found === "network" ? words().waiting : words().busy);
    await pause(told.after || wait);
  }
  hold(false);
  finish();
}

function response() {
  const { answers, comment, attempt } = draft;
  const written = remark();
  return { answers, attempt, ...((written || comment === null) && { comment: written || null }), ...(form().takes_locale && { locale: language() }) };
}

/** @param {Problem} found @param {Refusal} told */
function refuse(found, told) {
  hold(false);
  showProblem(found === "closed" ? "closed_late" : found, told);
}

/** Nothing changes under an answer that is on its way. @param {boolean} isHeld */
function hold(isHeld) {
  isSending = isHeld;
  for (const part of all("#given, #skipped, .languages")) part.inert = isHeld;
  at("rethink").disabled = isHeld;
  at("send").ariaDisabled = String(isHeld);
}

/** Until the seconds are over, the connection is back or the respondent asks. @param {number} seconds */
async function pause(seconds) {
  Object.assign(at("send"), { ariaDisabled: "false", textContent: words().again });
  await new Promise((resolve) => {
    wake = () => resolve(null);
    setTimeout(wake, seconds * 1000);
  });
  Object.assign(at("send"), { ariaDisabled: "true", textContent: words().send });
}

/** @param {string} text */
const say = (text) => { at("status").textContent = text; };

function finish() {
  forgetAnswers();
  draft.isDone = true;
  keep(draft);
  go("thanks", 0, false);
}

/** Once sent, or once it can no longer be sent: on a shared computer nobody finds them. */
function forgetAnswers(token = "") {
  loaded = undefined;
  draft = { ...empty(token), language: draft.language, isTyped: draft.isTyped, left: draft.left };
  for (const id of ["steps", "given", "skipped-list"]) at(id).replaceChildren();
}

/** Who stops in the middle at such a computer: asked once more, as nothing of it comes back. @param {HTMLElement} button */
function wipe(button) {
  if (button.dataset.sure) return startAgain();
  button.dataset.sure = "asked";
  button.textContent = words().wipe_sure;
}

/** For the next person at a computer that several share. */
function startAgain() {
  forgetAnswers();
  draft.left = {};
  at("asker").textContent = "";
  keep(draft);
  at("code").value = "";
  history.replaceState(null, "");
  showProblem("none");
}

// ---------------------------------------------------------------- drawing

function translate() {
  const told = /** @type {Record<string, any>} */ (words());
  document.documentElement.lang = language();
  for (const node of all("[data-word]")) node.textContent = told[node.dataset.word ?? ""];
  for (const node of all("[data-wipe]")) delete node.dataset.sure;
  for (const node of all("[data-label]")) node.setAttribute("aria-label", told[node.dataset.label ?? ""]);
  for (const node of all("[data-language]")) node.setAttribute("aria-pressed", String(node.dataset.language === language()));
  tellConnection();
}

function tellConnection() {
  at("offline").textContent = navigator.onLine ? "" : words().offline;
}

function render() {
  const told = words();
  const { questions, mode, in_short: inShort, what_is_stored: stored } = form();
  translate();
  for (const node of all("[data-form]")) {
    node.textContent = /** @type {any} */ (form())[node.dataset.form ?? ""] ?? "";
    node.hidden = !node.textContent;
  }
  for (const node of all(".languages")) node.hidden = form().languages.length < 2;
  drawFacts();
  at("stored-title").textContent = told.stored[mode];
  at("in-short").replaceChildren(...items(inShort));
  at("what-is-stored").replaceChildren(...items(stored));
  at("begin").textContent = Object.keys(draft.answers).length ? told.resume : told.begin;
  at("begin-note").textContent = [!questions.some(({ required }) => required) && told.free, told.begin_note, form().allow_changes && told.changes].filter(Boolean).join(" ");
  arrange();
  count();
}

/** By whom, how long and until when; and for how long it is kept, and who is to be asked. */
function drawFacts() {
  const told = words();
  const { organization, questions, minutes, closes_at: closes, kept_months: months, contact } = form();
  at("facts").replaceChildren(
    ...fact(told.asked_by, organization), ...fact(told.takes, told.duration(minutes, questions.length)), ...fact(told.until, day(closes)));
  at("more-facts").replaceChildren(...fact(told.kept, months && told.kept_months(months)), ...fact(told.contact, contact));
}

/** @param {string} name @param {string | number | null} told */
const fact = (name, told) => (told ? [h("div", {}, h("dt", {}, name), h("dd", {}, String(told)))] : []);

/** A step for each facet in order, one for what has none, and one for the comment. */
function arrange() {
  const { questions, facets, takes_comment: takesComment } = form();
  const titled = new Set(facets.map(({ key }) => key));
  const found = facets.map(({ key, title }) => ({ title, questions: questions.filter(({ facet }) => facet === key) }));
  found.push({ title: words().rest, questions: questions.filter(({ facet }) => !titled.has(facet ?? "")) });
  steps = found.filter((one) => one.questions.length);
  if (takesComment) steps.push({ title: words().comment, questions: [] });
  at("steps").replaceChildren(...steps.map(drawStep));
  at("rail").replaceChildren(...items(steps.map(({ title }, n) =>
    h("button", { type: "button", click: () => go("questions", n, false) }, h("span", { class: "mark" }), title, " ", h("span", { class: "hidden" })))));
}

/** @param {Step} one @param {number} n */
function drawStep({ title, questions }, n) {
  const { allow_changes: mayChange } = form();
  const drawn = questions.map((question) => drawQuestion(question, draft.answers[question.key], words(), () => clear(question), mayChange));
  if (!questions.length) drawn.push(drawWritten(REMARK, [words().comment_label], draft.comment === null ? null : draft.comment || undefined, words(), mayChange, 6));
  return h("section", { class: "step", "aria-labelledby": `step-${n}` },
    h("p", { class: "eyebrow" }, words().part(n + 1, steps.length)), h("h2", { id: `step-${n}`, tabindex: "-1" }, title), ...drawn);
}

/** What else they would like to say. */
const remark = () => said(draft.comment ?? "");

/** @param {Question} question */
const isAnswered = ({ key }) => Object.hasOwn(draft.answers, key);

function count() {
  const { questions } = form();
  const done = questions.filter(isAnswered).length;
  at("answered").textContent = words().answered(done, questions.length);
  Object.assign(at("bar"), { max: questions.length, value: done });
  for (const [n, item] of all("#rail li").entries()) mark(item, /** @type {Step} */ (steps[n]));
  for (const field of all("fieldset")) field.classList.toggle("answered", Object.hasOwn(draft.answers, field.id.slice(2)));
}

/** @param {HTMLElement} item @param {Step} of */
function mark(item, { questions }) {
  const asked = questions.length || 1;
  const given = questions.length ? questions.filter(isAnswered).length : Number(remark() !== "" || draft.comment === null);
  item.className = given === asked ? "done" : given ? "begun" : "";
  /** @type {any} */ (item.querySelector(".hidden")).textContent = words().answered(given, asked);
}

// ---------------------------------------------------------------- answering

/** @param {Question} question @param {Answer} answer */
function record(question, answer) {
  if (answer === undefined) delete draft.answers[question.key];
  else draft.answers[question.key] = answer;
  showAnswer(question.key, answer);
  keep(draft);
  count();
}

/** @param {Question} question */
function clear(question) {
  record(question, undefined);
  fieldsOf(question.key)[0]?.focus();
}

/** @param {any} event */
function answered({ target }) {
  const question = form().questions.find(({ key }) => key === target.name);
  if (question) return record(question, readAnswer(question, target));
  draft.comment = target.type !== "checkbox" ? target.value : target.checked ? null : "";
  showAnswer(COMMENT, draft.comment === null ? null : undefined);
  keep(draft);
  count();
}

// ---------------------------------------------------------------- looking it over

function drawReview() {
  const open = form().questions.filter((question) => !isAnswered(question));
  const missing = open.filter(({ required }) => required);
  const isEmpty = isSilent() && !onlyTakesBack();
  tellSkipped(open, missing, isEmpty);
  at("given").replaceChildren(...steps.map(drawGiven));
  const isShort = missing.length > 0 && !form().allow_changes;
  Object.assign(at("send"), { disabled: isShort || isEmpty, textContent: words().send });
  say("");
}

const hasDraft = () => Object.keys(draft.answers).length > 0 || draft.comment === null || remark() !== "";

/** Nothing is answered: who need not write answers nothing by leaving it, or by taking it back. */
const isSilent = () => form().questions.every(({ key, kind, required }) => draft.answers[key] === undefined || (draft.answers[key] === null && kind === "text" && !required));

const onlyTakesBack = () => !remark() && (draft.comment === null || Object.keys(draft.answers).length > 0);

/** @param {Question[]} open @param {Question[]} missing @param {boolean} isEmpty */
function tellSkipped(open, missing, isEmpty) {
  const told = words();
  const shown = missing.length ? missing : open;
  const mayChange = form().allow_changes;
  const left = mayChange ? [told.unchanged(open.length), told.unchanged_note] : [told.skipped(open.length), told.skipped_note];
  const skipped = isEmpty ? [told.nothing, told.nothing_note] : left;
  const needed = [told.missing(missing.length), mayChange ? told.missing_if_new : told.missing_note];
  const [title = "", note = ""] = missing.length && !(mayChange && isEmpty) ? needed : skipped;
  at("skipped").hidden = !shown.length;
  at("skipped-title").textContent = title;
  at("skipped-note").textContent = note;
  at("skipped-list").replaceChildren(...items(shown.map((question) => drawRow(question.text, undefined, () => revisit(question)))));
}

/** Of what has no answer: whether it had one on an earlier visit, nobody tells the page. */
const untold = () => (form().allow_changes ? words().not_changed : words().not_answered);

/** @param {Step} of */
function drawGiven({ title, questions }) {
  const rows = questions.map((question) => drawRow(question.text, tellAnswer(question, draft.answers[question.key], words(), untold()), () => revisit(question), isAnswered(question)));
  const comment = draft.comment === null ? words().taken_back : remark();
  if (!questions.length) rows.push(drawRow(words().comment_short, comment || untold(), () => revisit(null), comment !== ""));
  return h("section", {}, h("h2", {}, title), h("ul", { class: "rows" }, ...items(rows)));
}

/** @param {string} text @param {string | undefined} answer @param {() => void} click */
const drawRow = (text, answer, click, isGiven = true) =>
  h("button", { type: "button", class: isGiven ? "row" : "row open", click }, h("span", {}, text), ...(answer ? [" ", h("b", {}, answer)] : []));

/** @param {Question | null} question null is the comment */
function revisit(question) {
  isFromReview = true;
  go("questions", question ? steps.findIndex(({ questions }) => questions.includes(question)) : steps.length - 1);
  const field = at(`q-${question?.key ?? COMMENT}`);
  (field.querySelector("input:checked, input, select") ?? field).focus({ preventScroll: true });
  field.scrollIntoView({ block: "center" });
}

/** Also after a reload, when the survey tells nothing any more. */
function drawThanks() {
  const { organization, thanks, closes, mayChange } = draft.left;
  at("asker").textContent = organization ?? "";
  at("thanks-said").textContent = thanks ?? "";
  at("thanks-note").textContent = mayChange ? words().may_change(day(closes ?? null) ?? "") : "";
  at("next-code").hidden = !draft.isTyped;
}

// ---------------------------------------------------------------- from screen to screen

/** @param {View} view */
function show(view) {
  document.body.dataset.view = view;
  if (view !== "problem") problem = undefined;
  for (const part of all("[data-of]")) part.hidden = part.dataset.of !== view;
  const title = document.querySelector(`[data-of="${view}"] h1`)?.textContent;
  document.title = title ? `${title} · Betrokken` : "Betrokken";
}

/** The browser's own back button goes a screen back too. @param {View} view */
function go(view, to = 0, isNew = true) {
  step = Math.min(to, Math.max(0, steps.length - 1));
  isFromReview &&= view === "questions";
  history[isNew ? "pushState" : "replaceState"]({ view, step, isFromReview }, "");
  if (view === "review") drawReview();
  if (view === "thanks") drawThanks();
  show(view);
  if (view === "questions") return showStep();
  scrollTo(0, 0);
  /** @type {HTMLElement} */ (document.querySelector(`[data-of="${view}"] h1`)).focus({ preventScroll: true });
}

function showStep() {
  tellStep();
  at(`step-${step}`).focus({ preventScroll: true });
  if (WIDE.matches && step > 0) at("steps").children[step].scrollIntoView();
  else scrollTo(0, 0);
}

const isLast = () => isFromReview || WIDE.matches || step === steps.length - 1;

function tellStep() {
  for (const [n, part] of all(".step").entries()) part.classList.toggle("current", n === step);
  if (!WIDE.matches) document.title = `${stepNow().title} · ${form().name}`;
  at("next").textContent = isFromReview ? words().to_overview : isLast() ? words().to_review : words().next;
}

/** @param {Problem} found @param {Refusal} [told] */
function showProblem(found, { request_id: id, organization, contact } = {}) {
  if (organization) Object.assign(draft.left, { organization, contact });
  if (found === "unknown" && draft.isTyped) found = "mistyped";
  const mayPass = ["network", "busy", "other", "early"].includes(found);
  draft.isReplaced ||= found === "replaced";
  const isDead = ["used", "answered", "closed", "closed_late", "withdrawn"].includes(found);
  [at("problem-title").textContent, at("problem-text").textContent] = words().problems[found];
  if (found === "replaced" && hasDraft()) at("problem-text").textContent += ` ${words().still_here}`;
  at("code-form").hidden = !["none", "unknown", "mistyped", "replaced"].includes(found);
  at("code-hint").textContent = draft.isReplaced ? words().newest_hint : words().code_hint;
  at("another").hidden = !isDead && found !== "replaced" && found !== "early";
  Object.assign(at("retry"), { hidden: !mayPass, textContent: loaded ? words().to_overview : words().reload });
  const isTheirs = isDead || found === "early";
  at("asker").textContent = ((loaded || isTheirs) && draft.left.organization) || "";
  at("problem-contact").textContent = isTheirs && draft.left.contact ? `${words().contact} ${draft.left.contact}` : "";
  at("problem-id").textContent = id && mayPass ? words().reference(id) : "";
  if (isDead) forgetAnswers(draft.token);
  if (found === "replaced") loaded = undefined;
  keep(draft);
  show("problem");
  problem = found;
  at("problem-title").focus();
}

/** @param {HTMLElement} button */
async function choose(button) {
  const view = /** @type {View} */ (document.body.dataset.view);
  draft.language = /** @type {Language} */ (button.dataset.language);
  keep(draft);
  if (loaded) await askAgain(view);
  else translate();
  if (problem) showProblem(problem);
  button.focus();
}

/** The questions in the language that was chosen; without an answer everything stays as it was. @param {View} view */
async function askAgain(view) {
  const told = await ask(draft.token, draft.language);
  if (told.isOk) take(told.body);
  else draft.language = form().language;
  keep(draft);
  if (view !== "problem") go(view, step, false);
}

function forward() {
  if (isLast()) go("review");
  else go("questions", step + 1);
}

/** What was filled in goes along to a newer invitation, as it could not be sent with the older. @param {Event} event */
function enterCode(event) {
  event.preventDefault();
  const kept = draft.isReplaced ? { ...draft, isUnsure: false } : { ...empty(), language: draft.language };
  history.replaceState(null, "");
  draft = { ...kept, token: sendable(at("code").value.split("#").at(-1)), isTyped: true };
  load();
}

at("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  at("main").focus();
});
at("begin").addEventListener("click", () => go("questions"));
for (const id of ["back", "rethink"]) at(id).addEventListener("click", () => history.back());
at("send").addEventListener("click", () => (isSending ? wake() : deliver()));
at("retry").addEventListener("click", () => (loaded ? go("review", 0, false) : load()));
at("questions").addEventListener("input", answered);
at("next").addEventListener("click", forward);
at("code-form").addEventListener("submit", enterCode);
for (const button of all("[data-wipe]")) button.addEventListener("click", () => wipe(button));
for (const button of all("[data-another]")) button.addEventListener("click", startAgain);
for (const button of all("[data-language]")) button.addEventListener("click", () => choose(button));
addEventListener("popstate", ({ state }) => {
  if (!loaded || isSending) return;
  isFromReview = state?.isFromReview ?? false;
  go(state?.view ?? "welcome", state?.step ?? 0, false);
});
addEventListener("beforeprint", () => { at("exactly").open = true; });
addEventListener("hashchange", () => location.hash.length > 1 && location.reload());
addEventListener("online", () => { tellConnection(); wake(); });
addEventListener("offline", tellConnection);
WIDE.addEventListener("change", () => document.body.dataset.view === "questions" && tellStep());

load();
