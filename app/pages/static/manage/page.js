/** What every section of the page needs: its words, days, the way to another screen, and asking the service. */

import { at, h } from "../respond/dom.js";
import { keepLanguage, languageKept } from "../kept.js";
import { ask, may } from "../session.js";
import { written } from "./moments.js";
import { sentence } from "./problems.js";
import { isUnsure, tried } from "./tries.js";
import { WORDS } from "./words.js";

/**
 * @typedef {import("../session.js").Told} Told
 * @typedef {import("../session.js").Query} Query
 * @typedef {import("./words.js").Language} Language
 * @typedef {Node[] | Told} Drawn   a screen, which begins with its h1; or why there is none
 */

const MOST_PAGES = 25;

/** @type {Language} */
let language = languageKept();

export const languageNow = () => language;
export const words = () => WORDS[language];

/** @param {Language} wanted */
export function speak(wanted) {
  language = wanted;
  keepLanguage(wanted);
}

export const locale = () => (language === "en" ? "en-GB" : "nl-NL");

/** By the organisation's clock. @param {string} instant */
export const moment = (instant) => written(instant, locale());

/** Of a day that has no hour. @param {string} day */
export const dayOf = (day) =>
  new Intl.DateTimeFormat(locale(), { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(day));

// ---------------------------------------------------------------- from screen to screen

let redrawing = async () => {};

/** @param {() => Promise<void>} draw */
export const onRedraw = (draw) => { redrawing = draw; };

/** The screen anew, with what happened said above it. @param {string} [said] */
export async function redraw(said = "") {
  await redrawing();
  say(said);
}

/** @param {string} screen @param {string} [said] */
export async function go(screen, said = "") {
  history.pushState(null, "", `${location.pathname}${location.search}#${screen}`);
  await redraw(said);
}

/** @param {string} text */
export function say(text) {
  at("said").textContent = text;
  at("wrong").textContent = "";
}

/** @param {Told} told */
export function tell(told) {
  at("said").textContent = "";
  at("wrong").textContent = [sentence(told.body, told.code, language), ...(told.body.errors ?? []).map((/** @type {any} */ one) => sentence(one, one.code, language))].filter((one, n, all) => all.indexOf(one) === n).join(" ");
  at("wrong").scrollIntoView({ block: "center" });
}

// ---------------------------------------------------------------- asking

/** Done once, however often it is tried before an answer comes. @param {string} address @param {unknown} [body] @param {Query} [query] @param {Record<string, string>} [headers] @param {File | null} [file] */
export function post(address, body, query = {}, headers = {}, file = null) {
  const content = file ?? (body === undefined ? null : JSON.stringify(body));
  return tried(sent(address, query, file ? [file.name, file.size, file.lastModified] : content), (key) => ask(address, query, { method: "POST", body: content, headers: { "Idempotency-Key": key, ...(body !== undefined && { "Content-Type": "application/json" }), ...headers } }));
}

/** What a try is known by. @param {string} address @param {Query} query @param {unknown} content */
const sent = (address, query, content) => JSON.stringify([address, query, content]);

/** Whether the same was posted before, and no answer came. @param {string} address @param {unknown} body */
export const wasPosted = (address, body) => isUnsure(sent(address, {}, JSON.stringify(body)));

/** @param {string} address @param {unknown} body */
export const patch = (address, body) =>
  ask(address, {}, { method: "PATCH", headers: { "Content-Type": "application/merge-patch+json" }, body: JSON.stringify(body) });

/** What is gone already after a try without an answer went by that try. @param {string} address @returns {Promise<Told>} */
export function remove(address) {
  const wasTried = isUnsure(address);
  return tried(address, async () => {
    const told = await ask(address, {}, { method: "DELETE" });
    return wasTried && told.status === 404 ? { ...told, isOk: true } : told;
  });
}

/** In the place of a list that did not come whole. */
export class Unlisted extends Error {
  /** @param {Told} told */
  constructor(told) {
    super(told.code);
    this.told = told;
  }
}

/** Every page of a list, if it is not too long to be asked for at once; a part of it is none. @param {string} address @param {Query} [query] @returns {Promise<any[]>} */
export async function whole(address, query = {}) {
  const found = [];
  for (let cursor = null, page = 0; page < MOST_PAGES; page += 1) {
    const told = await ask(address, { ...query, limit: 200, cursor });
    if (!told.isOk) throw new Unlisted(told);
    found.push(...told.body.items);
    cursor = told.body.next_cursor;
    if (!cursor) return found;
  }
  return found;
}

/**
 * @typedef {{external_id: string, name: string, parent: string | null}} Team
 * @typedef {{value: string, label: string}} Choosable
 */

export const INDENT = "\u2003";

/** To be chosen from: each team below the one it is part of, and by name. None where who looks may read none.
 * @returns {Promise<Choosable[]>} */
export async function teamsToChoose() {
  const teams = may("people:read") ? /** @type {Team[]} */ (await whole("v1/teams")) : [];
  const known = new Set(teams.map(({ external_id: id }) => id));
  const below = (/** @type {string | null} */ parent, /** @type {number} */ depth) => teams
    .filter((one) => (one.parent !== null && known.has(one.parent) ? one.parent : null) === parent)
    .sort((one, other) => one.name.localeCompare(other.name, locale()))
    .flatMap(/** @returns {Choosable[]} */ ({ external_id: id, name }) => [{ value: id, label: `${INDENT.repeat(depth)}${name}` }, ...below(id, depth + 1)]);
  return below(null, 0);
}

/** @param {Choosable[]} teams */
export const namesOfTeams = (teams) => new Map(teams.map(({ value, label }) => [value, label.trim()]));

/** What these people are called; a number says enough where who looks may read no names. @param {(string | null | undefined)[]} ids */
export async function namesOf(ids) {
  const wanted = may("people:read") ? [...new Set(ids)].flatMap((id) => (id ? [id] : [])) : [];
  const told = await Promise.all(wanted.map((id) => ask(`v1/people/${encodeURIComponent(id)}`)));
  const names = new Map(wanted.flatMap((id, n) => (told[n]?.isOk ? [[id, told[n]?.body.name]] : [])));
  return (/** @type {string | null | undefined} */ id) => (id && names.has(id) ? `${names.get(id)} (${id})` : id ?? "");
}

/** A file that the browser puts where downloads go. @param {string} name @param {string} kind @param {string} content */
export function save(name, kind, content) {
  const href = URL.createObjectURL(new Blob([content], { type: kind }));
  h("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
