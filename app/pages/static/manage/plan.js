/** A survey in three steps. What is filled in stays in the tab until the survey is made or given up. */

import { at, h } from "../respond/dom.js";
import { ask, keepWork, keptWork, may } from "../session.js";
import { fieldOf, instantOf, zoneNow } from "./moments.js";
import { go, languageNow, moment, namesOfTeams, patch, post, redraw, say, teamsToChoose, words } from "./page.js";
import { button, choices, clearFaults, facts, field, filled, form, input, memberOf, once, showFaults, ticked } from "./forms.js";
import { preview } from "./preview.js";

/**
 * @typedef {import("contract").components["schemas"]["Survey"]} Survey
 * @typedef {import("contract").components["schemas"]["QuestionnaireSummary"]} Questionnaire
 * @typedef {import("./page.js").Drawn} Drawn
 * @typedef {import("../session.js").Told} Told
 * @typedef {"anonymous" | "confidential" | "attributed"} Mode
 * @typedef {{id: string, step: number, name: string, questionnaire: string, mode: Mode, access: "invited" | "open", reach: "all" | "teams" | "kept", teams: string[],
 *   report_by: string[], series: string, minimum_group_size: string, allow_changes: boolean, rolling: boolean, opens_at: string, closes_at: string}} Plan   times as a field for a moment has them
 */

const KEPT = "betrokken.plan";
const DAYS_OPEN = 14;
const END_OF_WORK = 17;
/** At which step a member of the body is filled in. @type {Record<string, number>} */
const STEP_OF = { name: 0, questionnaire: 0 };
/** The field that a member, or a problem of none, is filled in at. */
const FIELDS = { audience: "teams", release_policy: "rolling", unknown_questionnaire: "questionnaire", closes_before_opens: "closes_at", open_needs_anonymous: "access", below_organization_minimum: "minimum_group_size", changes_not_possible: "allow_changes", rolling_needs_identity: "rolling" };
const MOST_PEOPLE_LOOKED_AT = 200;

/** @type {Plan | null} */
let plan = null;
/** The organisation's smallest group. */
let least = 3;
/** Names of teams, by id. @type {Map<string, string>} */
let called = new Map();

/** @returns {Plan} */
const empty = () => ({
  id: "", step: 0, name: "", questionnaire: "", mode: "confidential", access: "invited", reach: "all", teams: [],
  report_by: [], series: "", minimum_group_size: "", allow_changes: false, rolling: false, opens_at: "", closes_at: inTwoWeeks(),
});

function inTwoWeeks() {
  const day = new Date(Date.now() + DAYS_OPEN * 86_400_000).toISOString();
  return `${fieldOf(day).slice(0, 10)}T${END_OF_WORK}:00`;
}

/** Of a draft that there is. @param {Survey} survey @returns {Plan} */
export function planOf(survey) {
  const { audience } = survey;
  return {
    ...empty(), id: survey.id, name: survey.name, questionnaire: survey.questionnaire, mode: survey.mode, access: survey.access,
    reach: audience?.segments ? "kept" : audience?.teams ? "teams" : "all", teams: audience?.teams ?? [], report_by: survey.report_by, series: survey.series ?? "",
    minimum_group_size: String(survey.minimum_group_size ?? ""), allow_changes: survey.allow_changes, rolling: survey.release_policy === "rolling",
    opens_at: survey.opens_at ? fieldOf(survey.opens_at) : "", closes_at: survey.closes_at ? fieldOf(survey.closes_at) : "",
  };
}

export function forgetPlan() {
  plan = null;
  keepWork(KEPT, "");
}

const keep = () => keepWork(KEPT, JSON.stringify(plan));

/** As it was left, if it is the same survey. @param {Plan | null} draft @returns {Plan} */
function taken(draft) {
  const left = plan ?? JSON.parse(keptWork(KEPT) || "null");
  return left && left.id === (draft?.id ?? "") ? left : (draft ?? empty());
}

/** @param {Plan | null} draft @returns {Promise<Drawn>} */
export async function drawPlan(draft) {
  const now = plan = taken(draft);
  const said = words();
  const told = await ask("v1/questionnaires", { limit: 200 });
  if (!told.isOk) return told;
  const questionnaires = /** @type {Questionnaire[]} */ (told.body.items);
  if (!questionnaires.some(({ key }) => key === now.questionnaire)) now.questionnaire = questionnaires.find((one) => one.built_in)?.key ?? questionnaires[0]?.key ?? "";
  const fields = now.step === 0 ? what(now, questionnaires) : now.step === 1 ? await how(now) : lookOver(now, questionnaires);
  const steps = said.steps.map((name, n) => h("li", { "aria-current": n === now.step ? "step" : null }, name));
  const body = form(() => forward(body), ...fields, buttons(now));
  body.id = "plan";
  body.dataset.step = String(now.step);
  body.addEventListener("input", () => { read(body); settle(body); });
  settle(body);
  return [h("p", {}, h("a", { href: "#surveys" }, `‹ ${said.sections.surveys}`)), h("ol", { class: "steps", "aria-label": said.step_of(now.step + 1) }, ...steps), h("h1", { tabindex: -1 }, now.step === 2 ? said.look_over : `${now.step + 1}. ${said.steps[now.step]}`), body];
}

// ---------------------------------------------------------------- the steps

/** @param {Plan} now @param {Questionnaire[]} questionnaires */
function what(now, questionnaires) {
  const said = words();
  const title = (/** @type {Questionnaire} */ one) => one.title[languageNow()] ?? Object.values(one.title)[0] ?? one.key;
  const options = questionnaires.map((one) => ({ value: one.key, label: title(one), note: [one.built_in ? said.built_in : one.key, said.version(one.version)].join(", ") }));
  const looks = button(said.preview, () => {
    const chosen = questionnaires.find(({ key }) => key === now.questionnaire);
    return once(looks, () => preview(now.questionnaire, now.mode, chosen ? title(chosen) : ""));
  }, "secondary", { id: "preview" });
  return [
    field("name", said.name, input({ required: true, maxlength: 200 }, now.name), said.name_note),
    choices("questionnaire", said.choose_questionnaire, options, now.questionnaire),
    h("p", {}, looks),
  ];
}

/** @param {Plan} now @returns {Promise<Node[]>} */
async function how(now) {
  const said = words();
  const [teams, segments, series] = await Promise.all([teamsToChoose(), segmentsKnown(now), seriesKnown(), learnLeast()]);
  called = namesOfTeams(teams);
  const modes = /** @type {Mode[]} */ (["confidential", "anonymous", "attributed"]).map((value) => ({ value, label: said.modes[value], note: said.mode_notes[value] }));
  const accesses = /** @type {const} */ (["invited", "open"]).map((value) => ({ value, label: said.accesses[value], note: said.access_notes[value] }));
  const reaches = [{ value: "all", label: said.everybody }, ...(teams.length ? [{ value: "teams", label: said.some_teams }] : []), ...(now.reach === "kept" ? [{ value: "kept", label: said.audience_kept }] : [])];
  const known = series.map((one) => h("option", { value: one }));
  return [
    choices("mode", said.mode, modes, now.mode),
    choices("access", said.access, accesses, now.access),
    choices("reach", said.audience, reaches, now.reach),
    choices("teams", said.teams, teams, now.teams),
    h("div", { class: "pair" },
      field("opens_at", said.opens, input({ type: "datetime-local" }, now.opens_at), said.opens_note(zoneNow())),
      field("closes_at", said.closes, input({ type: "datetime-local" }, now.closes_at), said.closes_note(zoneNow()))),
    choices("report_by", said.report_by, segments.map((value) => ({ value, label: value })), now.report_by, segments.length ? said.report_by_note : said.no_segments),
    h("div", { class: "pair" },
      field("series", said.series, input({ maxlength: 100, list: "series-known" }, now.series), said.series_note),
      field("minimum_group_size", said.minimum, input({ type: "number", max: 100 }, now.minimum_group_size), said.minimum_note(least))),
    h("datalist", { id: "series-known" }, ...known),
    choices("allow_changes", said.changes, [{ value: "yes", label: said.changes_on, note: said.changes_note }], now.allow_changes ? ["yes"] : []),
    choices("rolling", said.rolling, [{ value: "yes", label: said.rolling_on, note: said.rolling_note }], now.rolling ? ["yes"] : []),
  ];
}

/** Names of segments that people or earlier surveys have. @param {Plan} now */
async function segmentsKnown(now) {
  const [surveys, people] = await Promise.all([ask("v1/surveys", { limit: 100 }), may("people:read") ? ask("v1/people", { limit: MOST_PEOPLE_LOOKED_AT }) : null]);
  const asked = (surveys.isOk ? surveys.body.items : []).flatMap((/** @type {Survey} */ one) => one.report_by);
  const owned = (people?.isOk ? people.body.items : []).flatMap((/** @type {{segments: object}} */ one) => Object.keys(one.segments));
  return [...new Set([...now.report_by, ...asked, ...owned])];
}

async function learnLeast() {
  const told = await ask("v1/organization");
  if (told.isOk) least = told.body.minimum_group_size;
}

async function seriesKnown() {
  const told = await ask("v1/surveys", { limit: 100 });
  return /** @type {string[]} */ ([...new Set((told.isOk ? told.body.items : []).map((/** @type {Survey} */ one) => one.series).filter(Boolean))]);
}

/** @param {Plan} now @param {Questionnaire[]} questionnaires */
function lookOver(now, questionnaires) {
  const said = words();
  const chosen = questionnaires.find(({ key }) => key === now.questionnaire);
  const back = (/** @type {number} */ step, /** @type {string} */ title) => button(said.change, () => turn(step), "link", { "aria-label": `${said.change}: ${title}` });
  const local = (/** @type {string} */ time) => (time ? moment(instantOf(time)) : said.by_hand);
  const reach = { all: said.everybody, teams: now.teams.map((id) => called.get(id) ?? id).join(", "), kept: said.audience_kept }[now.reach];
  return [
    h("h2", {}, said.steps[0] ?? "", " ", back(0, said.steps[0] ?? "")),
    facts([[said.name, now.name], [said.questionnaire, chosen?.title[languageNow()] ?? now.questionnaire]]),
    h("h2", {}, said.steps[1] ?? "", " ", back(1, said.steps[1] ?? "")),
    facts([
      [said.mode, h("span", {}, h("b", {}, said.modes[now.mode]), h("span", { class: "choice-note" }, said.mode_notes[now.mode]))],
      [said.access, said.accesses[now.access]], [said.audience, now.access === "open" ? null : reach], [said.opens, local(now.opens_at)], [said.closes, local(now.closes_at)],
      [said.report_by, now.report_by.join(", ")], [said.series, now.series], [said.minimum, now.minimum_group_size],
      [said.changes, now.allow_changes ? said.yes_word : null], [said.rolling, now.rolling ? said.yes_word : null],
    ]),
    h("p", { class: "notice" }, said.look_over_note),
  ];
}

/** @param {Plan} now */
function buttons(now) {
  const said = words();
  const back = now.step ? [button(said.back, () => turn(now.step - 1))] : [];
  const stop = button(said.stop, () => { forgetPlan(); return go(now.id ? `surveys/${now.id}` : "surveys"); }, "link", { id: "stop" });
  if (now.step < 2) return h("p", { class: "buttons" }, ...back, h("button", { class: "primary", id: "next" }, said.next), stop);
  const draft = button(now.id ? said.save_changes : said.save_draft, () => once(draft, () => make(now, false)), now.opens_at ? "primary" : "secondary", { id: "save-draft" });
  const both = button(said.create_open, () => once(both, () => make(now, true)), "primary", { id: "create-open" });
  if (now.opens_at && !now.id) draft.textContent = said.create_timed;
  return h("p", { class: "buttons" }, ...back, draft, ...(now.opens_at ? [] : [both]), stop);
}

// ---------------------------------------------------------------- filling in

/** Whether the form is that of the step; not where a button was pressed twice and the next step is on its way.
 * @param {Plan} now @param {HTMLFormElement} body */
const isOf = (now, body) => body.dataset.step === String(now.step);

/** @param {HTMLFormElement} body */
function read(body) {
  const now = /** @type {Plan} */ (plan);
  if (!isOf(now, body)) return;
  if (now.step === 0) Object.assign(now, { name: filled(body, "name"), questionnaire: filled(body, "questionnaire") });
  if (now.step === 1) {
    const texts = Object.fromEntries(["mode", "access", "reach", "opens_at", "closes_at", "series", "minimum_group_size"].map((name) => [name, filled(body, name)]));
    Object.assign(now, texts, { teams: ticked(body, "teams"), report_by: ticked(body, "report_by"), allow_changes: ticked(body, "allow_changes").length > 0, rolling: ticked(body, "rolling").length > 0 });
    if (now.mode !== "anonymous") now.access = "invited";
    if (now.mode === "anonymous") now.allow_changes = now.rolling = false;
  }
  keep();
}

/** What cannot be together is not there to be chosen. @param {HTMLFormElement} body */
function settle(body) {
  const { mode, access, reach, allow_changes: changes, rolling } = /** @type {Plan} */ (plan);
  const shown = { access: mode === "anonymous", reach: access === "invited", teams: access === "invited" && reach === "teams", allow_changes: mode !== "anonymous" && !rolling, rolling: mode !== "anonymous" && !changes };
  for (const [name, is] of Object.entries(shown)) {
    const part = /** @type {HTMLElement | null} */ (body.querySelector(`[data-field="${name}"]`));
    if (part) part.hidden = !is;
  }
}

/** @param {HTMLFormElement} body */
function forward(body) {
  const now = /** @type {Plan} */ (plan);
  if (!isOf(now, body)) return;
  read(body);
  const errors = now.step === 1 ? faultsOf(now) : [];
  if (errors.length) return showFaults({ isOk: false, status: 422, code: "", body: { errors } });
  return turn(Math.min(now.step + 1, 2));
}

/** What the service would refuse at the end. @param {Plan} now */
function faultsOf({ opens_at: opens, closes_at: closes, minimum_group_size: size }) {
  const isPast = (/** @type {string} */ time) => time !== "" && Date.parse(time) < Date.now();
  return [
    ...(isPast(opens) ? [{ parameter: "opens_at", code: "in_the_past" }] : []),
    ...(isPast(closes) ? [{ parameter: "closes_at", code: "in_the_past" }] : opens && closes && closes <= opens ? [{ parameter: "closes_at", code: "closes_before_opens" }] : []),
    ...(size && Number(size) < least ? [{ parameter: "minimum_group_size", code: "below_organization_minimum" }] : []),
  ];
}

/** @param {number} step */
function turn(step) {
  const now = /** @type {Plan} */ (plan);
  now.step = step;
  keep();
  return redraw();
}

// ---------------------------------------------------------------- making it

/** @param {Plan} now */
function bodyOf(now) {
  const instant = (/** @type {string} */ time) => (time ? instantOf(time) : null);
  const audience = now.access === "open" || now.reach === "all" ? null : { teams: now.teams };
  return {
    name: now.name, questionnaire: now.questionnaire, mode: now.mode, access: now.access, report_by: now.report_by, series: now.series || null,
    ...(now.reach !== "kept" && { audience }), minimum_group_size: now.minimum_group_size ? Number(now.minimum_group_size) : null,
    release_policy: now.rolling ? "rolling" : "on_close", allow_changes: now.allow_changes, opens_at: instant(now.opens_at), closes_at: instant(now.closes_at),
  };
}

/** Made once, however often it is tried. @param {Plan} now @param {boolean} opens */
async function make(now, opens) {
  clearFaults();
  say(words().working);
  const made = await stored(now);
  if (!made.isOk) return showAt(made, now);
  now.id = made.body.id;
  keep();
  if (!opens) return leave(now, words()[made.status === 201 ? "made" : "changed"]);
  const opened = await post(`v1/surveys/${now.id}/open`);
  if (!opened.isOk) return showAt(opened, now);
  await leave(now, now.access === "open" ? words().made_open_all : words().made_open);
}

/** @param {Plan} now */
function stored(now) {
  const body = bodyOf(now);
  return now.id ? patch(`v1/surveys/${now.id}`, body) : post("v1/surveys", body);
}

/** @param {Plan} now @param {string} said */
function leave(now, said) {
  const { id } = now;
  forgetPlan();
  return go(`surveys/${id}`, said);
}

/** At the step where the first of it can be mended, with all that was filled in. @param {Told} told @param {Plan} now */
async function showAt(told, now) {
  const members = (told.body.errors ?? []).map(memberOf);
  const inFields = told.code === "audience_too_small" ? ["reach"] : told.code in FIELDS ? [FIELDS[/** @type {keyof typeof FIELDS} */ (told.code)]] : [];
  const names = members.length ? members : inFields;
  if (names.length) await turn(Math.min(...names.map((/** @type {string} */ name) => STEP_OF[name] ?? 1)));
  const aliases = /** @type {Record<string, string>} */ ({ ...FIELDS, audience_too_small: "reach" });
  if (!at("teams-set") || /** @type {HTMLElement} */ (at("teams-set")).hidden) aliases.audience = "reach";
  keep();
  showFaults(told, aliases);
}
