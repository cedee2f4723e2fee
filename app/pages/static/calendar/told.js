/** Who is told by mail of the days to come, and how long before. */

import { h } from "../respond/dom.js";
import { may } from "../session.js";
import { namesOf, namesOfTeams, post, redraw, remove, teamsToChoose, whole, words } from "../manage/page.js";
import { button, choices, clearFaults, confirm, field, filled, form, input, once, part, personField, select, showFaults, table, ticked } from "../manage/forms.js";

/**
 * @typedef {import("contract").components["schemas"]["Reminder"]} Reminder
 * @typedef {import("../manage/page.js").Drawn} Drawn
 */

const DAYS_BEFORE = "3";

/** @returns {Promise<Drawn>} */
export async function drawTold() {
  const said = words().told;
  const [found, teams] = await Promise.all([/** @type {Promise<Reminder[]>} */ (whole("v1/reminders")), teamsToChoose()]);
  const nameOf = await namesOf(found.map(({ person }) => person));
  const called = namesOfTeams(teams);
  const rows = found.map((one) => listed(one, called, nameOf));
  return [
    h("h1", { tabindex: -1 }, said.title), h("p", {}, said.lead),
    rows.length ? table(said.title, [said.who, said.of_whom, said.before, said.days, words().feast.choice], rows) : h("p", {}, said.none),
    ...(may("calendar:write") ? [part(said.make, making(teams))] : []),
  ];
}

/** @param {Reminder} reminder @param {Map<string, string>} names @param {(id: string | null) => string} nameOf @returns {(Node | string)[]} */
function listed({ id, recipient, person, team, days_before: before, kinds }, names, nameOf) {
  const said = words().told;
  const who = recipient === "person" ? nameOf(person) : said.recipients[recipient][0];
  const end = () => confirm({ title: said.end_question, text: [said.end_text], label: said.end, said: said.ended, act: () => remove(`v1/reminders/${id}`) });
  const choice = may("calendar:write") ? button(said.end, end, "link", { "aria-label": `${said.end}: ${who}` }) : "";
  return [who, team ? names.get(team) ?? team : said.everybody, said.days_before(before), kinds ? kinds.map((kind) => words().feast.kinds[kind]).join(", ") : said.all_days, choice];
}

/** @param {import("../manage/page.js").Choosable[]} teams */
function making(teams) {
  const said = words().told;
  const recipients = Object.entries(said.recipients).map(([value, [label, note]]) => ({ value, label, note }));
  const send = h("button", { class: "primary", id: "make-reminder" }, said.make);
  const everybody = { value: "", label: said.everybody };
  const body = form(() => once(send, () => make(body)),
    choices("recipient", said.who, recipients, "manager"),
    personField("person", said.person),
    field("team", said.of_whom, select([everybody, ...teams], "")),
    field("days_before", said.before, input({ type: "number", min: 0, max: 60, required: true }, DAYS_BEFORE), said.before_note),
    choices("kinds", said.days, Object.entries(words().feast.kinds).map(([value, label]) => ({ value, label })), [], said.days_note),
    h("p", { class: "buttons" }, send));
  const settle = () => { /** @type {HTMLElement} */ (body.querySelector('[data-field="person"]')).hidden = filled(body, "recipient") !== "person"; };
  body.addEventListener("input", settle);
  settle();
  return body;
}

/** @param {HTMLFormElement} body */
async function make(body) {
  clearFaults();
  const recipient = filled(body, "recipient");
  const kinds = ticked(body, "kinds");
  const told = await post("v1/reminders", { recipient, days_before: Number(filled(body, "days_before")), team: filled(body, "team") || null, ...(recipient === "person" && { person: filled(body, "person") || null }), ...(kinds.length && { kinds }) });
  return told.isOk ? redraw(words().told.made) : showFaults(told, { unknown_person: "person", unknown_team: "team", recipient_not_named: "person" });
}
