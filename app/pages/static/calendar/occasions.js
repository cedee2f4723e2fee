/** The days of one person: those that are stored, and which of those that follow from the employment are celebrated. */

import { h } from "../respond/dom.js";
import { ask } from "../session.js";
import { dayOf, go, locale, namesOf, redraw, remove, say, tell, whole, words } from "../manage/page.js";
import { button, choices, clearFaults, confirm, field, filled, form, input, once, part, personField, select, showFaults, table, ticked } from "../manage/forms.js";
import { occasion } from "./days.js";

/**
 * @typedef {import("contract").components["schemas"]["Occasion"]} Occasion
 * @typedef {import("contract").components["schemas"]["Celebrations"]} Celebrations
 * @typedef {import("../manage/page.js").Drawn} Drawn
 */

/** A year in which every day there is comes. */
const LEAP_YEAR = 2024;
/** Of which there is one a person. */
const SINGLE = ["birthday", "wedding"];
const WITH_YEAR = ["wedding", "custom"];
const WITH_LABEL = ["family_birthday", "custom"];

/** @param {string[]} path @returns {Promise<Drawn>} */
export async function drawOccasions([person = ""]) {
  const said = words();
  const top = [h("h1", { tabindex: -1 }, said.occasions.title), h("p", {}, said.occasions.lead), choosing(person)];
  if (!person) return top;
  const address = `v1/people/${encodeURIComponent(person)}`;
  const told = await ask(`${address}/celebrations`);
  if (told.status === 404) return [...top, h("p", { role: "alert" }, said.occasions.nobody(person))];
  if (!told.isOk) return told;
  const [found, nameOf] = await Promise.all([/** @type {Promise<Occasion[]>} */ (whole(`${address}/occasions`)), namesOf([person])]);
  const rows = found.map((one) => listed(one, `${address}/occasions/${encodeURIComponent(one.key)}`));
  return [...top,
    part(said.occasions.of(nameOf(person)), rows.length ? table(said.occasions.title, [said.feast.day, said.feast.what, said.occasions.seen, said.occasions.consent, said.feast.choice], rows) : h("p", {}, said.occasions.none)),
    part(said.occasions.add, adding(address, found)), part(said.occasions.employment, employment(`${address}/celebrations`, told.body))];
}

/** @param {string} person */
function choosing(person) {
  const body = form(() => go(`occasions/${encodeURIComponent(filled(body, "person"))}`),
    personField("person", words().occasions.person, person), h("p", { class: "buttons" }, h("button", { class: person ? "secondary" : "primary", id: "see-days" }, words().occasions.see)));
  return body;
}

/** @param {Occasion} one @param {string} address @returns {(Node | string)[]} */
function listed(one, address) {
  const said = words().occasions;
  const what = occasion({ ...one, years: null });
  const end = () => confirm({ title: said.remove_question(what), text: [said.remove_text], label: said.remove, said: said.removed, act: () => remove(address) });
  const agree = button(one.consent ? said.withdraw : said.give, () => once(agree, async () => {
    const told = await put(address, { ...own(one), consent: !one.consent });
    return told.isOk ? redraw(said.stored) : tell(told);
  }), "link", { "aria-label": `${one.consent ? said.withdraw : said.give}: ${what}` });
  return [dayIn(one), what, said.visibilities[one.visibility], one.consent ? said.agreed : said.not_agreed, h("span", { class: "buttons" }, agree, button(said.remove, end, "link", { "aria-label": `${said.remove}: ${what}` }))];
}

/** Without what the service alone writes. @param {Occasion} one */
const own = ({ created_at, updated_at, ...rest }) => rest;

/** @param {Occasion} one */
function dayIn({ month, day, year, recurrence }) {
  const parts = /** @type {Intl.DateTimeFormatOptions} */ ({ day: "numeric", month: "long", timeZone: "UTC" });
  const date = new Intl.DateTimeFormat(locale(), parts).format(new Date(Date.UTC(LEAP_YEAR, month - 1, day)));
  if (!year) return date;
  return recurrence === "once" ? dayOf(new Date(Date.UTC(year, month - 1, day)).toISOString()) : words().occasions.since(date, year);
}

/** @param {string} address @param {Record<string, unknown>} body */
const put = (address, body) => ask(address, {}, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// ---------------------------------------------------------------- one more

/** @param {string} address @param {Occasion[]} found */
function adding(address, found) {
  const said = words();
  const isThere = (/** @type {string} */ kind) => SINGLE.includes(kind) && found.some((one) => one.kind === kind);
  const kinds = /** @type {const} */ (["birthday", "wedding", "family_birthday", "custom"]).filter((kind) => !isThere(kind));
  const months = Array.from({ length: 12 }, (_, n) => ({ value: String(n + 1), label: new Intl.DateTimeFormat(locale(), { month: "long", timeZone: "UTC" }).format(new Date(Date.UTC(LEAP_YEAR, n))) }));
  const send = h("button", { class: "primary", id: "add-day" }, said.occasions.add);
  const body = form(() => once(send, () => add(address, body, found)),
    choices("kind", said.feast.what, kinds.map((value) => ({ value, label: said.feast.kinds[value] })), kinds[0] ?? ""),
    field("label", said.occasions.label, input({ maxlength: 200 }), said.occasions.label_note), field("relation", said.occasions.relation, input({ maxlength: 100 }), said.occasions.relation_note),
    h("div", { class: "pair" }, field("day", said.occasions.day, input({ type: "number", min: 1, max: 31, required: true })), field("month", said.occasions.month, select(months, "1"))),
    field("year", said.occasions.year, input({ type: "number", min: 1900, max: 2200 }), said.occasions.year_note),
    choices("visibility", said.occasions.seen, Object.entries(said.occasions.visibilities).map(([value, label]) => ({ value, label })), "team"),
    choices("consent", said.occasions.consent, [{ value: "yes", label: said.occasions.consent_given, note: said.occasions.consent_note }], []),
    h("p", { class: "buttons" }, send));
  const settle = () => {
    const kind = filled(body, "kind");
    for (const [name, isShown] of /** @type {[string, boolean][]} */ ([["label", WITH_LABEL.includes(kind)], ["relation", kind === "family_birthday"], ["year", WITH_YEAR.includes(kind)]])) /** @type {HTMLElement} */ (body.querySelector(`[data-field="${name}"]`)).hidden = !isShown;
  };
  body.addEventListener("input", settle);
  settle();
  return body;
}

/** @param {string} address @param {HTMLFormElement} body @param {Occasion[]} found */
async function add(address, body, found) {
  clearFaults();
  const kind = filled(body, "kind");
  const year = WITH_YEAR.includes(kind) ? filled(body, "year") : "";
  const told = await put(`${address}/occasions/${keyFor(kind, found)}`, {
    kind, month: Number(filled(body, "month")), day: Number(filled(body, "day")), ...(year && { year: Number(year) }),
    label: (WITH_LABEL.includes(kind) && filled(body, "label")) || null, relation: (kind === "family_birthday" && filled(body, "relation")) || null,
    visibility: filled(body, "visibility"), consent: ticked(body, "consent").length > 0,
  });
  return told.isOk ? redraw(words().occasions.stored) : showFaults(told, { no_such_day: "day" });
}

/** One that is free. @param {string} kind @param {Occasion[]} found */
function keyFor(kind, found) {
  const taken = new Set(found.map(({ key }) => key));
  let key = kind;
  for (let n = 2; taken.has(key); n += 1) key = `${kind}-${n}`;
  return key;
}

// ---------------------------------------------------------------- what follows from the employment

/** @param {string} address @param {Celebrations} now */
function employment(address, now) {
  const said = words();
  const kinds = /** @type {const} */ (["work_anniversary", "first_day"]);
  const send = h("button", { class: "secondary", id: "keep-choice" }, said.occasions.keep);
  const body = form(() => once(send, async () => {
    const chosen = ticked(body, "celebrated");
    const told = await put(address, { ...now, ...Object.fromEntries(kinds.map((kind) => [kind, chosen.includes(kind)])) });
    return told.isOk ? say(said.occasions.stored) : tell(told);
  }), choices("celebrated", said.occasions.celebrated, kinds.map((value) => ({ value, label: said.feast.kinds[value] })), kinds.filter((kind) => now[kind]), said.occasions.employment_note), h("p", { class: "buttons" }, send));
  return body;
}
