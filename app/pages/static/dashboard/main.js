/** The dashboard: a client of the contract, which shows what answers say and computes nothing of its own. */

import { all, at, h } from "../respond/dom.js";
import { keepLanguage, languageKept } from "../kept.js";
import { ask, may, me, onEnd, onKey, resume, seesAll, signOut } from "../session.js";
import { entrance } from "../signin/entrance.js";
import { offer } from "../signin/offer.js";
import { about, answers, finding } from "./answers.js";
import { calendar, participation, recognition, rounds } from "./around.js";
import { chart, drawCharts, isDrawn, learnCharts } from "./charts.js";
import { groups } from "./groups.js";
import { day } from "./numbers.js";
import { benchmark, outcomes } from "./outcomes.js";
import { Seen } from "./seen.js";
import { glossary, learn } from "./terms.js";
import { choices, comments, heatmap, topics } from "./topics.js";
import { WORDS } from "./words.js";

/**
 * @typedef {import("../session.js").Told} Told
 * @typedef {import("../session.js").Query} Query
 * @typedef {import("./seen.js").Choice} Choice
 * @typedef {import("./seen.js").Context} Context
 * @typedef {import("./words.js").Language} Language
 * @typedef {keyof import("./words.js").Words["problems"]} Problem
 * @typedef {keyof import("./words.js").Words["parts"]} Part
 */

const CELEBRATED_DAYS = 31;
const MONTHS = 6;
/** What one may do on HR's side. */
const MANAGING = ["surveys:read", "people:write", "keys:manage", "audit:read", "recognitions:read"];

/** @type {Language} */
let language = languageKept();
/** @type {Context | undefined} */
let context;
/** @type {Choice} */
const choice = { survey: "", team: "", by: "" };
/** Of the questions asked, so that a slow answer never takes the place of a later one. */
let turn = 0;

const words = () => WORDS[language];

// ---------------------------------------------------------------- signing in

async function start() {
  readAddress();
  translate();
  show("loading");
  const told = await resume();
  if (!told) return show("signin");
  if (told.code === "ended") return end();
  return told.isOk ? open() : refuse(told.code);
}

const { refuse, enter } = entrance(() => words().refused, () => show("signin"), open);

/** Whoever signs in again is where they were. */
function end() {
  turn += 1;
  context = undefined;
  for (const id of ["answers", "parts", "finding", "about", "open", "sections", "wave", "team", "by", "problem-list"]) at(id).replaceChildren();
  refuse("ended");
}

// ---------------------------------------------------------------- asking

/** What there is to see, and then the view that the address names. @returns {Promise<void>} */
async function open() {
  const asked = ++turn;
  if (!may("metrics:read")) return fail("scope");
  show(context ? "results" : "loading");
  at("working").textContent = words().working;
  const [about, definitions] = await Promise.all([ask("v1/metrics/context", { survey_id: choice.survey }), ask("v1/metrics/definitions"), learnCharts()]);
  if (asked !== turn) return;
  if (!about.isOk && choice.survey && about.status >= 400) return forget();
  if (!about.isOk || !definitions.isOk) return fail(about.code === "network" ? "network" : "other");
  context = about.body;
  learn(definitions.body.metrics, words());
  if (!about.body.survey_id) return fail("nothing");
  if (!seesAll() && !about.body.teams.length) return fail("unseen");
  choose();
  await read(asked);
}

/** An address of a survey that is not there any more. */
function forget() {
  choice.survey = "";
  writeAddress();
  return open();
}

/** Only what there is: who sees some teams begins with the first. */
function choose() {
  const { teams, segments } = /** @type {Context} */ (context);
  if (!teams.some(({ id }) => id === choice.team)) choice.team = seesAll() ? "" : teams[0]?.id ?? "";
  if (choice.team || !segments.some(({ by }) => by === choice.by)) choice.by = "";
  drawPickers();
}

/** @param {number} asked */
async function read(asked) {
  const known = /** @type {Context} */ (context);
  const told = await askAll(known);
  if (asked !== turn) return;
  at("working").textContent = "";
  if (!told.overview?.isOk) return fail(told.overview?.code === "network" ? "network" : "other");
  draw(new Seen(known, choice, language, words(), told));
  show("results");
  await drawCharts();
}

/** @param {Context} known @returns {Promise<Record<string, Told>>} */
async function askAll(known) {
  const view = { survey_id: choice.survey || known.survey_id, team: choice.team };
  const parts = { ...view, by: ["organization", choice.by || "team"] };
  /** @type {Record<string, [string, Query]>} */
  const wanted = {
    overview: ["overview", { ...parts, by: [...new Set(["organization", "team", choice.by].filter(Boolean))] }], trends: ["trends", view], levers: ["levers", view], facets: ["facets", view],
    heatmap: ["heatmap", parts], participation: ["participation", parts], choices: ["choices", view], comments: ["comments", view],
    ...(seesAll() && {
      recognition: ["recognition", { team: choice.team, from: monthsAgo(MONTHS), by: ["organization", "month"] }],
      link: ["recognition-engagement", { survey_id: view.survey_id }],
      celebrations: ["celebrations", { team: choice.team }],
      ...(!choice.team && { outcomes: ["outcomes", { survey_id: view.survey_id }], benchmark: ["benchmark", { survey_id: view.survey_id }] }),
    }),
  };
  const asked = Object.entries(wanted).map(async ([name, [metric, query]]) => [name, await ask(`v1/metrics/${metric}`, query)]);
  if (seesAll() && may("calendar:read")) asked.push(ask("v1/calendar", { ...celebrated(), team: choice.team, limit: 200 }).then((told) => ["calendar", told]));
  return Object.fromEntries(await Promise.all(asked));
}

/** By the organisation's clock. @param {number} ahead */
function dayAhead(ahead) {
  const zone = context?.organization.time_zone ?? "UTC";
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(new Date(Date.now() + ahead * 86_400_000));
}

const celebrated = () => ({ from: dayAhead(0), to: dayAhead(CELEBRATED_DAYS) });

/** The first day of the month so many before this one. @param {number} ago */
function monthsAgo(ago) {
  const [year = 0, month = 1] = dayAhead(0).split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 - ago, 1)).toISOString().slice(0, 10);
}

// ---------------------------------------------------------------- drawing

function translate() {
  const told = /** @type {Record<string, any>} */ (words());
  document.documentElement.lang = language;
  document.title = words().title;
  for (const node of all("[data-word]")) node.textContent = told[node.dataset.word ?? ""];
  for (const node of all("[data-label]")) node.setAttribute("aria-label", told[node.dataset.label ?? ""]);
  for (const node of all("[data-language]")) node.setAttribute("aria-pressed", String(node.dataset.language === language));
}

/** @param {Seen} seen */
function draw(seen) {
  const { words: said, context: known } = seen;
  at("finding").textContent = finding(seen);
  at("about").textContent = about(seen);
  at("open").textContent = known.open.map(({ name, days_left: left, closes_at: closes }) => said.running(name, left, closes ? day(closes, seen.zone) : "")).join(" ");
  at("answers").replaceChildren(...answers(seen));
  /** @type {[Part, Node[] | null][]} */
  const parts = [
    [choice.by ? "segments" : "teams", groups(seen)], ["change", rounds(seen)], ["levers", levers(seen)], ["topics", topics(seen)], ["heatmap", heatmap(seen)], ["choices", choices(seen)],
    ["comments", comments(seen)], ["participation", participation(seen)], ["recognition", recognition(seen)], ["outcomes", outcomes(seen)], ["benchmark", benchmark(seen)], ["calendar", calendar(seen, celebrated())],
  ];
  const shown = parts.flatMap(([name, content]) => (content ? [part(name, ...content)] : []));
  at("parts").replaceChildren(...shown, part("meaning", h("details", { class: "meaning" }, h("summary", {}, said.meaning_note), glossary())));
  at("sections").replaceChildren(...[...shown, at("part-meaning")].map((one) => h("a", { href: `#${one.id}` }, said.short[/** @type {Part} */ (one.id.replace("part-", ""))])));
  at("foot").textContent = said.foot(day(seen.overview.release.released_at, seen.zone), seen.overview.formula_version);
}

/** Their table is among the four answers. @param {Seen} seen */
const levers = (seen) => (isDrawn("levers") ? [chart("levers", seen.query)] : null);

/** @param {Part} name @param {Node[]} content */
const part = (name, ...content) => h("section", { id: `part-${name}`, "aria-labelledby": `title-${name}` }, h("h2", { id: `title-${name}` }, words().parts[name]), ...content);

function drawPickers() {
  const { waves, teams, segments, survey_id: newest } = /** @type {Context} */ (context);
  const shown = choice.survey || newest;
  const series = [...new Set(waves.map(({ survey }) => survey.series))];
  const options = (/** @type {string | null} */ one) => waves.filter(({ survey }) => survey.series === one).map(({ survey, label }) => option(survey.id, label, survey.id === shown));
  at("wave").replaceChildren(...(series.length > 1 ? series.map((one) => h("optgroup", { label: one ?? words().no_series }, ...options(one))) : options(series[0] ?? null)));
  const everybody = seesAll() ? [option("", context?.labels.kinds.organization?.[language] ?? "", !choice.team)] : [];
  const least = Math.min(...teams.map(({ depth }) => depth));
  at("team").replaceChildren(...everybody, ...teams.map(({ id, name, depth }) => option(id, `${"\u2003".repeat(depth - least)}${name}`, id === choice.team)));
  at("by").replaceChildren(option("", words().by_team, !choice.by), ...segments.map(({ segment, by }) => option(by, segment, by === choice.by)));
  at("by-label").hidden = !segments.length || Boolean(choice.team);
}

/** @param {string} value @param {string} label @param {boolean} selected */
const option = (value, label, selected) => h("option", { value, selected }, label);

/** @param {"loading" | "signin" | "problem" | "results"} view */
function show(view) {
  if (document.body.dataset.view === view) return;
  document.body.dataset.view = view;
  for (const node of all("[data-of]")) node.hidden = node.dataset.of !== view;
  at("leave").hidden = !me();
  leadOn();
  at("sections").hidden = view !== "results";
  if (view !== "signin") return;
  offer(at("logins"), language);
  at("key").focus();
}

/** To what else there is for who is signed in. */
function leadOn() {
  const other = MANAGING.some(may) ? "manage" : "calendar";
  at("manage").hidden = !seesAll() || (other === "calendar" && !may("calendar:read") && !may("people:dates"));
  at("manage").setAttribute("href", other);
  at("manage").dataset.word = other === "manage" ? "manage" : "calendar_page";
  at("manage").textContent = words()[other === "manage" ? "manage" : "calendar_page"];
}

/** @param {Problem} problem */
function fail(problem) {
  at("working").textContent = "";
  const [title = "", text = ""] = words().problems[problem];
  at("problem-title").textContent = title;
  at("problem-text").textContent = text;
  const open = problem === "nothing" ? context?.open ?? [] : [];
  at("problem-list").replaceChildren(...open.map(({ name, days_left: left, closes_at: closes }) => h("li", {}, words().running(name, left, closes ? day(closes, context?.organization.time_zone) : ""))));
  begin(problem === "nothing");
  show("problem");
}

/** What somebody who may can do where there is nothing to see yet. @param {boolean} isEmpty */
async function begin(isEmpty) {
  const first = isEmpty && seesAll() ? await firstToDo() : null;
  at("begin").hidden = !first;
  at("retry").className = at("begin").hidden ? "primary" : "link";
  at("begin").setAttribute("href", `manage#${first}`);
  at("begin").textContent = first ? words().begin[first] : "";
}

/** People first, as without them nobody can be asked. @returns {Promise<"people" | "surveys/new" | "surveys" | null>} */
async function firstToDo() {
  const people = may("people:write") && may("people:read") ? await ask("v1/people", { limit: 1 }) : null;
  if (people?.isOk && !people.body.items.length) return "people";
  if (may("surveys:write") && !context?.open.length) return "surveys/new";
  return may("surveys:read") ? "surveys" : null;
}

// ---------------------------------------------------------------- the address, and what people do

/** What is seen stands in the address, so that it can be kept and sent on. No key does. */
function readAddress() {
  const given = new URLSearchParams(location.search);
  for (const name of /** @type {(keyof Choice)[]} */ (Object.keys(choice))) choice[name] = given.get(name) ?? "";
}

function writeAddress() {
  const kept = new URLSearchParams(Object.entries(choice).filter(([, value]) => value)).toString();
  history.replaceState(null, "", location.pathname + (kept && `?${kept}`));
}

/** @param {Partial<Choice>} changed */
function change(changed) {
  Object.assign(choice, changed);
  writeAddress();
  return open();
}

/** @param {Language} wanted */
function speak(wanted) {
  language = wanted;
  keepLanguage(wanted);
  translate();
  if (me()) open();
  else offer(at("logins"), language);
}

/** What is folded is printed too. */
function unfoldAll() {
  for (const one of /** @type {HTMLDetailsElement[]} */ (all(".meaning, .questions details"))) one.open = true;
}

at("wave").addEventListener("change", () => change({ survey: at("wave").value }));
at("team").addEventListener("change", () => change({ team: at("team").value, by: "" }));
at("by").addEventListener("change", () => change({ by: at("by").value }));
at("pickers").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
at("key-form").addEventListener("submit", enter);
at("leave").addEventListener("click", () => signOut());
at("retry").addEventListener("click", () => open());
at("print").addEventListener("click", () => print());
for (const node of all("[data-language]")) node.addEventListener("click", () => speak(/** @type {Language} */ (node.dataset.language)));
addEventListener("beforeprint", unfoldAll);
onEnd(end);
onKey(start);
start();
