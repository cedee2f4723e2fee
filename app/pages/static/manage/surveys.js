/** The surveys: which there are, and what can be done with one in the state it is in. */

import { h } from "../respond/dom.js";
import { ask, may } from "../session.js";
import { fieldOf, instantOf, zoneNow } from "./moments.js";
import { dayOf, go, languageNow, moment, namesOfTeams, patch, post, redraw, remove, teamsToChoose, words } from "./page.js";
import { button, confirm, facts, field, form, input, part, showFaults, table } from "./forms.js";
import { inviting } from "./invite.js";
import { drawPlan, planOf } from "./plan.js";
import { sentence } from "./problems.js";

/**
 * @typedef {import("contract").components["schemas"]["Survey"]} Survey
 * @typedef {import("contract").components["schemas"]["SurveyParticipation"]} Participation
 * @typedef {import("./page.js").Drawn} Drawn
 */

const LOOK_AGAIN_MS = 3000;
let showsArchived = false;

/** @param {string[]} path @returns {Promise<Drawn>} */
export async function drawSurveys([id, task]) {
  if (id === "new" && may("surveys:write")) return drawPlan(null);
  if (!id) return drawList();
  const told = await ask(`v1/surveys/${encodeURIComponent(id)}`);
  if (!told.isOk) return told.status === 422 ? { ...told, code: "not_found", body: {} } : told;
  if (task === "edit" && told.body.status === "draft" && may("surveys:write")) return drawPlan(planOf(told.body));
  return drawSurvey(told.body);
}

// ---------------------------------------------------------------- the list

/** @returns {Promise<Drawn>} */
async function drawList() {
  const said = words();
  const told = await ask("v1/surveys", { limit: 100, archived: showsArchived ? null : "false" });
  if (!told.isOk) return told;
  const rows = told.body.items.map(listed);
  const body = h("div", {}, rows.length ? table(said.sections.surveys, [said.name, said.state, said.when, said.mode], rows) : h("p", {}, said.no_surveys));
  return [
    h("div", { class: "title" }, h("h1", { tabindex: -1 }, said.sections.surveys), ...(may("surveys:write") ? [h("a", { class: "primary", href: "#surveys/new", id: "new-survey" }, said.new_survey)] : [])),
    body,
    ...further(told.body.next_cursor, body),
    h("label", { class: "toggle" }, h("input", { type: "checkbox", id: "show-archived", checked: showsArchived, change: () => { showsArchived = !showsArchived; return redraw(); } }), said.show_archived),
  ];
}

/** The older ones, below those that are there. @param {string | null} cursor @param {HTMLElement} body @returns {Node[]} */
function further(cursor, body) {
  if (!cursor) return [];
  const more = h("div", {}, button(words().more, async () => {
    const told = await ask("v1/surveys", { limit: 100, cursor, archived: showsArchived ? null : "false" });
    if (!told.isOk) return;
    const said = words();
    body.append(table(said.sections.surveys, [said.name, said.state, said.when, said.mode], told.body.items.map(listed)));
    more.replaceWith(...further(told.body.next_cursor, body));
  }));
  return [more];
}

/** @param {Survey} survey */
function listed(survey) {
  const said = words();
  return [h("a", { href: `#surveys/${survey.id}` }, survey.name), state(survey), when(survey), said.modes[survey.mode]];
}

/** @param {Survey} survey */
const state = ({ status, archived }) => h("span", { class: `state ${status}` }, archived ? `${words().states[status]}, ${words().archived}` : words().states[status]);

/** @param {Survey} survey */
function when({ status, opens_at: opens, closes_at: closes, closed_at: closed, cancelled_at: cancelled }) {
  const said = words();
  if (status === "draft") return opens ? said.draft_opens(moment(opens)) : said.draft_waits;
  if (status === "open") return closes ? said.open_until(moment(closes)) : said.open_on;
  if (status === "cancelled") return said.cancelled_on(moment(cancelled ?? ""));
  return closed ? said.closed_on(moment(closed)) : "";
}

// ---------------------------------------------------------------- one of them

/** @param {Survey} survey @returns {Promise<Drawn>} */
async function drawSurvey(survey) {
  const said = words();
  const { status, opening_refused: refused } = survey;
  if (status === "closed") lookAgain();
  const why = refused ? [h("p", { class: "fault" }, said.opening_refused(sentence({}, refused, languageNow())))] : [];
  return [
    h("p", {}, h("a", { href: "#surveys" }, `‹ ${said.sections.surveys}`)),
    h("h1", { tabindex: -1 }, survey.name),
    h("p", { class: "standing" }, state(survey), ` · ${when(survey)}`),
    h("p", {}, said.state_notes[status]), ...why,
    ...(survey.release_progress === null ? [] : [h("progress", { max: 1, value: survey.release_progress, "aria-label": said.state_notes[status] })]),
    ...(status === "draft" && may("surveys:write") ? [drafted(survey)] : []),
    ...(status === "released" && may("metrics:read") ? [h("p", {}, h("a", { class: "primary", href: `./?survey=${survey.id}` }, said.see_results))] : []),
    h("div", { class: "halves" }, h("div", {}, ...(await taking(survey)), ...(await inviting(survey))), h("div", {}, setUp(survey, await titleOf(survey), survey.audience?.teams ? namesOfTeams(await teamsToChoose()) : new Map()), ...doing(survey))),
  ];
}

/** Until its results are there, as long as somebody looks at it. */
function lookAgain() {
  const here = location.hash;
  setTimeout(() => location.hash === here && !document.querySelector("dialog") && redraw(), LOOK_AGAIN_MS);
}

/** @param {Survey} survey */
function drafted(survey) {
  const said = words();
  const open = () => confirm({ title: said.open_question, text: said.open_text, label: said.open_now, said: survey.access === "open" ? said.made_open_all : said.made_open, act: () => post(`v1/surveys/${survey.id}/open`) });
  return h("p", { class: "buttons" }, button(said.open_now, open, "primary", { id: "open-now" }), h("a", { class: "secondary", href: `#surveys/${survey.id}/edit` }, said.edit_draft));
}

/** @param {Survey} survey @returns {Promise<Node[]>} */
async function taking({ id, status }) {
  if (status === "draft" || status === "cancelled") return [];
  const told = await ask(`v1/surveys/${id}/participation`);
  return told.isOk ? [part(words().participation, ...participation(told.body, status === "open"))] : [];
}

/** @param {Participation} told @param {boolean} isOpen @returns {Node[]} */
function participation({ invited, responded, as_of: day, reasons }, isOpen) {
  const said = words();
  const n = new Intl.NumberFormat(languageNow());
  const share = invited && responded !== null ? new Intl.NumberFormat(languageNow(), { style: "percent" }).format(responded / invited) : "";
  const counts = share ? said.responded_of(n.format(responded ?? 0), n.format(invited ?? 0), share) : responded !== null ? said.responded(n.format(responded)) : invited !== null ? said.invited_only(n.format(invited)) : "";
  const why = [...new Set(Object.values(reasons))].map((reason) => said.hidden[/** @type {keyof typeof said.hidden} */ (reason)] ?? said.hidden_other);
  const bar = share ? [h("progress", { max: invited, value: responded, "aria-label": counts })] : [];
  const note = [counts && said.counted(dayOf(day)), isOpen ? said.counted_daily : ""].filter(Boolean).join(" ");
  return [h("p", { class: "figure", id: "participation" }, counts), ...bar, ...why.map((one) => h("p", {}, one)), h("p", { class: "soft" }, note)];
}

/** What people know the questionnaire by. @param {Survey} survey */
async function titleOf({ questionnaire: key, questionnaire_version: version }) {
  const told = await ask(`v1/questionnaires/${encodeURIComponent(key)}`, { version });
  const titles = told.isOk ? told.body.title : {};
  return titles[languageNow()] ?? Object.values(titles)[0] ?? key;
}

/** @param {Survey} survey @param {string} title @param {Map<string, string>} called */
function setUp(survey, title, called) {
  const said = words();
  const { audience } = survey;
  const segments = Object.entries(audience?.segments ?? {}).map(([name, values]) => `${name}: ${values.join(", ")}`);
  return part(said.about_survey, facts([
    [said.questionnaire, survey.questionnaire_version ? `${title}, ${said.version(survey.questionnaire_version)}` : title],
    [said.mode, said.modes[survey.mode]],
    [said.access, said.accesses[survey.access]],
    [said.audience, survey.access === "open" ? null : audience ? [...(audience.teams ?? []).map((id) => called.get(id) ?? id), ...segments].join("; ") : said.everybody],
    [said.report_by, survey.report_by.join(", ")],
    [said.minimum, survey.minimum_group_size === null ? null : String(survey.minimum_group_size)],
    [said.series, survey.series],
    [said.changes, survey.allow_changes ? said.yes_word : null],
    [said.rolling, survey.release_policy === "rolling" ? said.yes_word : null],
    [said.opened, survey.opened_at && moment(survey.opened_at)],
    [said.closes, survey.status === "draft" || survey.status === "open" ? (survey.closes_at ? moment(survey.closes_at) : said.by_hand) : null],
  ]));
}

/** @param {Survey} survey @returns {Node[]} */
function doing(survey) {
  const said = words();
  const { status } = survey;
  if (!may("surveys:write") || status === "cancelled" || status === "closed") return [];
  const parts = [
    ...(status === "draft" ? [] : [renaming(survey)]),
    ...(status === "open" ? [ending(survey)] : []),
  ];
  const last = h("p", { class: "buttons" }, ...ends(survey));
  if (status === "released") return [part(said.to_do, ...parts, last)];
  return [...(parts.length ? [part(said.to_do, ...parts)] : []), part(said.for_good, h("p", { class: "soft" }, said.for_good_note), last)];
}

/** @param {Survey} survey @returns {Node[]} */
function ends({ id, status, archived }) {
  const said = words();
  const at = `v1/surveys/${id}`;
  const closing = () => confirm({ title: said.close_question, text: said.close_text, label: said.close_survey, said: said.closed_said, act: () => post(`${at}/close`) });
  const cancelling = () => confirm({ title: said.cancel_question, text: said.cancel_text, label: said.cancel_survey, said: said.cancelled_said, act: () => post(`${at}/cancel`) });
  const deleting = () => confirm({ title: said.delete_question, text: said.delete_text, label: said.delete_draft, said: said.deleted_said, act: () => remove(at), then: () => go("surveys", said.deleted_said) });
  const archiving = () => confirm({ title: said.archive_question, text: said.archive_text, label: said.archive, said: said.archived_said, act: () => patch(at, { archived: true }) });
  const returning = async () => { if ((await patch(at, { archived: false })).isOk) await redraw(said.unarchived_said); };
  if (status === "draft") return [button(said.delete_draft, deleting, "secondary", { id: "delete" })];
  if (status === "open") return [button(said.close_survey, closing, "secondary", { id: "close" }), button(said.cancel_survey, cancelling, "link", { id: "cancel" })];
  return [archived ? button(said.unarchive, returning, "secondary", { id: "archive" }) : button(said.archive, archiving, "secondary", { id: "archive" })];
}

/** @param {Survey} survey */
function renaming({ id, name }) {
  const said = words();
  const box = input({ required: true, maxlength: 200 }, name);
  return form(async () => {
    const told = await patch(`v1/surveys/${id}`, { name: box.value.trim() });
    return told.isOk ? redraw(said.changed) : showFaults(told);
  }, field("name", said.name, box), h("button", { class: "secondary" }, said.rename));
}

/** @param {Survey} survey */
function ending({ id, closes_at: closes }) {
  const said = words();
  const box = input({ type: "datetime-local", required: true }, closes ? fieldOf(closes) : "");
  return form(async () => {
    const told = await patch(`v1/surveys/${id}`, { closes_at: instantOf(box.value) });
    return told.isOk ? redraw(said.changed) : showFaults(told);
  }, field("closes_at", said.closes, box, said.later_close_note(zoneNow())), h("button", { class: "secondary" }, said.later_close));
}
