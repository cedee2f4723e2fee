/** People from a file: which columns mean what, a trial that stores nothing, and then the real thing. */

import { h } from "../respond/dom.js";
import { ask } from "../session.js";
import { MEMBERS, NONE, guess, mappingOf, segmentOf, segmentable } from "./columns.js";
import { languageNow, moment, post, redraw, save, say, tell, words } from "./page.js";
import { button, choices, facts, field, filled, form, once, part, select, table, ticked } from "./forms.js";
import { sentence } from "./problems.js";

/**
 * @typedef {import("contract").components["schemas"]["Import"]} Import
 * @typedef {import("./columns.js").Meaning} Meaning
 * @typedef {import("./page.js").Drawn} Drawn
 * @typedef {{columns: string, missing: "ignore" | "report" | "end"}} Order   what is to be done with the file
 * @typedef {{line?: number, external_id?: string, column?: string, column_name?: string, pointer?: string, code: string, detail: string}} Fault
 */

const LOOK_MS = 700;
const MOST_SHOWN = 200;
const NOT_OF_ROWS = ["converted", "unread_sheet", "unread_column", "unmatched_member"];
const SYSTEMS = ["afas", "personio", "bamboohr"];
const KINDS = ".csv,.tsv,.txt,.xlsx,text/csv";
const EXAMPLE = {
  nl: ["Personeelsnummer;Naam;E-mail;Team;Leidinggevende;In dienst;Uit dienst;Locatie", "1001;Noor de Wit;noor@example.com;Verkoop;;01-03-2021;;Utrecht", "1002;Sam Peeters;sam@example.com;Verkoop;1001;15-09-2024;;Utrecht"],
  en: ["Employee number;Name;Email;Team;Manager;Start date;End date;Location", "1001;Noor de Wit;noor@example.com;Sales;;01-03-2021;;Utrecht", "1002;Sam Peeters;sam@example.com;Sales;1001;15-09-2024;;Utrecht"],
};

/** What is being uploaded; a file cannot be filled in again by a page, so it stays here.
 * @type {{file: File | null, columns: string[], reading: Import["reading"], system: string, meaning: Meaning, missing: Order["missing"], trial: Import | null, tried: Order | null, real: Import | null, faults: Fault[]}} */
let now = empty();

/** @returns {typeof now} */
function empty() {
  return { file: null, columns: [], reading: null, system: "", meaning: guess([]), missing: "ignore", trial: null, tried: null, real: null, faults: [] };
}

export function forgetPeople() {
  now = empty();
}

/** @returns {Promise<Drawn>} */
export async function drawPeople() {
  const said = words().upload;
  const told = await ask("v1/imports", { limit: 10 });
  if (!told.isOk) return told;
  return [
    h("h1", { tabindex: -1 }, said.title), h("p", {}, said.lead),
    choosing(), ...(now.columns.length ? [meaning()] : []), ...(now.trial ? [trial(now.trial)] : []), ...(now.real ? [outcome(now.real)] : []),
    ...earlier(told.body.items),
  ];
}

// ---------------------------------------------------------------- 1. the file

function choosing() {
  const said = words().upload;
  const box = /** @type {HTMLInputElement} */ (h("input", { type: "file", accept: KINDS }));
  box.addEventListener("change", () => box.files?.[0] && choose(box.files[0]));
  const shown = now.file ? h("p", { id: "file-name" }, said.chosen(now.file.name, now.columns.length), now.reading?.sheet ? ` ${said.sheet(now.reading.sheet)}` : "") : "";
  return part(said.steps[0] ?? "", field("file", now.file ? said.other_file : said.file, box, said.file_note), shown, progress(),
    h("p", {}, button(said.template, () => save(`${said.template_name}.csv`, "text/csv;charset=utf-8", `\ufeff${EXAMPLE[languageNow()].join("\r\n")}\r\n`), "link", { id: "template" })));
}

const progress = () => h("div", { id: "progress", role: "status" });

/** The service reads its header, in whatever it is written. @param {File} file */
async function choose(file) {
  forgetPeople();
  const mine = now;
  mine.file = file;
  for (const old of document.querySelectorAll("#meaning-part, #trial, #outcome, #file-name")) old.remove();
  if (!file.size) return unread({ code: "empty_file" });
  say(words().working);
  const read = await run({ columns: NONE, missing: "ignore" }, true);
  if (mine !== now || !read) return undefined;
  if (!read.unread_columns.length) {
    return unread(read.problem);
  }
  Object.assign(now, { columns: read.unread_columns, reading: read.reading, meaning: guess(read.unread_columns) });
  return redraw();
}

/** @param {{code: string, detail?: string, line?: number | null} | null} problem */
async function unread(problem) {
  forgetPeople();
  await redraw();
  const { code = "internal_error", detail = "", line = null } = problem ?? {};
  tell({ isOk: false, status: 422, code, body: { detail, errors: [], line } });
}

// ---------------------------------------------------------------- 2. its columns

function meaning() {
  const said = words().upload;
  const { meaning: chosen, columns } = now;
  const options = (/** @type {boolean} */ mayLack) => [...(mayLack ? [{ value: "", label: said.no_column }] : [{ value: "", label: said.choose_column }]), ...columns.map((value) => ({ value, label: value }))];
  const pick = (/** @type {import("./columns.js").Member} */ member) => {
    const isNeeded = member === "external_id" || member === "name";
    const box = select(options(!isNeeded), chosen[member]);
    if (isNeeded) box.setAttribute("required", "");
    return field(member, said.members[member], box, said.member_notes[member]);
  };
  const own = h("div", { class: "own-columns" }, h("div", { class: "pair" }, ...MEMBERS.map(pick)),
    choices("by", said.by, /** @type {const} */ (["id", "email", "name"]).map((value) => ({ value, label: said.bys[value] })), chosen.by),
    choices("segments", said.segments, segmentable(columns, chosen).map((value) => ({ value, label: value })), chosen.segments, said.segments_note),
    choices("dates", said.dates, /** @type {const} */ (["day", "month", "iso"]).map((value) => ({ value, label: said.date_forms[value] })), chosen.dates),
    choices("create_teams", said.teams, [{ value: "yes", label: said.create_teams, note: said.create_teams_note }], chosen.create_teams ? ["yes"] : []));
  const systems = [{ value: "", label: said.own_file }, ...SYSTEMS.map((value) => ({ value, label: said.systems[/** @type {keyof typeof said.systems} */ (value)] }))];
  const gone = /** @type {const} */ (["ignore", "report", "end"]).map((value) => ({ value, label: said.missings[value][0] ?? "", note: said.missings[value][1] ?? "" }));
  const go = h("button", { class: "primary", id: "try" }, said.try_it);
  const body = form(() => once(go, tryIt), choices("system", said.system, systems, now.system), own, choices("missing", said.missing, gone, now.missing), h("p", {}, go, " ", h("span", { class: "soft" }, said.try_note)));
  body.id = "meaning";
  const settle = () => {
    own.hidden = now.system !== "";
    for (const box of own.querySelectorAll("[required], [data-required]")) /** @type {HTMLSelectElement} */ (box).disabled = own.hidden;
    const manager = /** @type {HTMLElement} */ (own.querySelector('[data-field="by"]'));
    manager.hidden = !now.meaning.manager;
  };
  body.addEventListener("input", () => { read(body); settle(); takeAwayOther(); });
  settle();
  const shown = part(said.steps[1] ?? "", body);
  shown.id = "meaning-part";
  return shown;
}

/** @param {HTMLFormElement} body */
function read(body) {
  now.system = filled(body, "system");
  now.missing = /** @type {typeof now.missing} */ (filled(body, "missing"));
  if (now.system) return;
  const texts = Object.fromEntries([...MEMBERS, "by", "dates"].map((name) => [name, String(new FormData(body).get(name) ?? "")]));
  Object.assign(now.meaning, texts, { segments: ticked(body, "segments"), create_teams: ticked(body, "create_teams").length > 0 });
}

// ---------------------------------------------------------------- 3. the trial, and 4. the real thing

/** @returns {Order} */
const order = () => ({ columns: now.system || mappingOf(now.meaning), missing: now.missing });

/** @param {Order} one @param {Order | null} other */
const isSame = (one, other) => one.columns === other?.columns && one.missing === other.missing;

/** Only what was tried is carried out: a trial of anything else is no longer there to go on from. */
function takeAwayOther() {
  if (!now.tried || isSame(order(), now.tried)) return;
  takeAway();
  say(words().upload.try_anew);
}

function takeAway() {
  Object.assign(now, { trial: null, tried: null, real: null, faults: [] });
  for (const old of document.querySelectorAll("#trial, #outcome")) old.remove();
}

async function tryIt() {
  takeAway();
  const mine = now;
  const tried = order();
  say(words().working);
  const done = await run(tried, true);
  const faults = done && await report(done);
  if (!done || mine !== now) return;
  if (!isSame(order(), tried)) return redraw(words().upload.try_anew);
  Object.assign(now, { tried, trial: done, faults });
  await showAs("trial");
}

async function carryOut() {
  const mine = now;
  const { tried } = mine;
  if (!tried) return;
  say(words().working);
  const done = await run(tried, false);
  if (!done) return;
  Object.assign(mine, { real: done, trial: null, tried: null, faults: await report(done) });
  await showAs("outcome");
}

/** The screen anew, and whoever reads is at what came of it. @param {"trial" | "outcome"} id */
async function showAs(id) {
  await redraw();
  const title = /** @type {HTMLElement | null} */ (document.querySelector(`#${id} h2`));
  title?.setAttribute("tabindex", "-1");
  title?.focus({ preventScroll: true });
  title?.scrollIntoView({ block: "start" });
}

/** The import at its end. @param {Order} wanted @param {boolean} isTrial @returns {Promise<Import | null>} */
async function run(wanted, isTrial) {
  const sent = await send(wanted, isTrial);
  if (!sent.isOk) return stopped(sent);
  for (let found = /** @type {Import} */ (sent.body); ;) {
    if (found.status === "finished" || found.status === "failed") return found;
    draw(found);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const told = await ask(`v1/imports/${found.id}`);
    if (told.isOk) found = told.body;
    else if (told.code !== "network") return stopped(told);
  }
}

/** @param {import("../session.js").Told} told */
function stopped(told) {
  tell(told);
  return null;
}

/** @param {Order} wanted @param {boolean} isTrial */
const send = ({ columns, missing }, isTrial) =>
  post("v1/imports", undefined, { kind: "people", mapping: columns, dry_run: String(isTrial), missing }, { "Content-Type": "application/octet-stream" }, now.file);

/** @param {Import} found */
function draw({ processed, size, summary }) {
  const place = document.getElementById("progress");
  if (!place) return;
  const share = size ? Math.round((100 * processed) / size) : 0;
  place.replaceChildren(h("progress", { max: 100, value: share, "aria-label": words().working }), h("p", { class: "soft" }, words().upload.so_far(summary.rows)));
}

/** @param {Import} done @returns {Promise<Fault[]>} */
async function report({ id }) {
  const told = await ask(`v1/imports/${id}/report`);
  return told.isOk ? String(told.body).split("\n").filter(Boolean).map((line) => JSON.parse(line)) : [];
}

/** @param {Import} done */
function trial(done) {
  const said = words().upload;
  const { created, updated, ended } = done.summary;
  const go = button(said.carry_out, () => once(go, carryOut), "primary", { id: "carry-out" });
  const mayGo = done.status === "finished" && created + updated + ended + (now.missing === "end" ? done.summary.missing ?? 0 : 0) > 0;
  const shown = part(said.steps[2] ?? "", ...told(done, said.would), ...(mayGo ? [h("p", { class: "buttons" }, go, h("span", { class: "soft" }, done.summary.failed ? said.faulty_stay : said.all_go))] : done.status === "finished" ? [h("p", {}, said.nothing_new)] : []));
  shown.id = "trial";
  return shown;
}

/** @param {Import} done */
function outcome(done) {
  const said = words().upload;
  const shown = part(said.steps[3] ?? "", ...told(done, said.did), h("p", { class: "buttons" }, button(said.another, () => { forgetPeople(); return redraw(); })));
  shown.id = "outcome";
  return shown;
}

/** @param {Import} done @param {import("./words.js").Words["upload"]["would"]} said @returns {Node[]} */
function told({ summary, problem, status }, said) {
  const up = words().upload;
  const counts = facts([
    [said.created, String(summary.created)], [said.updated, String(summary.updated)], [up.unchanged, String(summary.unchanged)], [up.faulty, String(summary.failed)],
    [up.missing_count, summary.missing === null ? null : String(summary.missing)], [said.ended, summary.ended ? String(summary.ended) : null],
  ]);
  const why = problem ? [h("p", { class: "fault" }, `${problem.line ? `${up.line} ${problem.line}: ` : ""}${sentence(problem, problem.code, languageNow())}`)] : [];
  return [...why, ...(status === "finished" || summary.rows ? [counts] : []), ...faults(now.faults)];
}

/** @param {Fault[]} all @returns {Node[]} */
function faults(all) {
  const said = words().upload;
  const ofFile = all.filter(({ code }) => NOT_OF_ROWS.includes(code));
  const ofRows = all.filter(({ code }) => !NOT_OF_ROWS.includes(code));
  const rows = ofRows.slice(0, MOST_SHOWN).map((one) => [one.line ? said.row(one.line) : said.whole_file, one.external_id ?? "", one.column ?? (one.pointer ?? "").replace("#/", ""), whatToDo(one)]);
  const left = ofFile.map((one) => one.code === "unread_column" ? said.unread(one.column_name ?? one.column ?? "") : one.code === "unmatched_member" ? said.unmatched((one.pointer ?? "").replace("#/", "")) : sentence(one, one.code, languageNow()));
  return [
    ...(rows.length ? [table(said.report, [said.line, said.number, said.column, said.what], rows)] : []),
    ...(ofRows.length > MOST_SHOWN ? [h("p", {}, said.more_faults(ofRows.length - MOST_SHOWN))] : []),
    ...(left.length ? [h("details", {}, h("summary", {}, said.of_file), h("ul", {}, ...left.map((one) => h("li", {}, one))))] : []),
    ...(ofRows.length ? [download((now.real ?? now.trial)?.id ?? "")] : []),
  ];
}

/** Of a value that is not of its kind, what kind that is. @param {Fault} fault */
function whatToDo(fault) {
  const { bad } = words().upload;
  const member = (fault.pointer ?? "").replace("#/", "");
  return (fault.code === "invalid_value" && bad[/** @type {keyof typeof bad} */ (member)]) || sentence(fault, fault.code, languageNow());
}

/** @param {string} id */
const download = (id) => h("p", {}, button(words().upload.as_csv, async () => {
  const told = await ask(`v1/imports/${id}/report`, { format: "csv" });
  if (told.isOk) save(`${words().upload.report_name}.csv`, "text/csv;charset=utf-8", `\ufeff${told.body}`);
  else tell(told);
}, "link"));

// ---------------------------------------------------------------- what was uploaded before

/** @param {Import[]} imports @returns {Node[]} */
function earlier(imports) {
  const said = words().upload;
  const rows = imports.filter(({ dry_run: isTrial, kind }) => !isTrial && kind === "people").map(({ id, created_at: at, summary, status }) => [
    moment(at), said.statuses[status], said.row_counts(summary), summary.failed ? download(id) : ""]);
  return rows.length ? [part(said.earlier, table(said.earlier, [said.when, said.state, said.counts, said.report], rows))] : [];
}
