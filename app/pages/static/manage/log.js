/** What was done, and by whom: a page at a time, newest first. */

import { h } from "../respond/dom.js";
import { ask, may, me } from "../session.js";
import { moment, whole, words } from "./page.js";
import { button, table } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["AuditEntry"]} Entry
 * @typedef {import("./page.js").Drawn} Drawn
 */

const PAGE = 50;
/** What the service named itself says nothing to people. */
const MADE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @returns {Promise<Drawn>} */
export async function drawLog() {
  const said = words();
  const [told, keys, surveys] = await Promise.all([ask("v1/audit", { limit: PAGE }), may("keys:manage") ? whole("v1/api-keys") : [], may("surveys:read") ? whole("v1/surveys") : []]);
  if (!told.isOk) return told;
  const names = new Map([...keys, ...surveys, me()?.organization ?? {}].map(({ id, name }) => [id, name]));
  const body = h("div", { id: "entries" });
  const place = h("div", {});
  append(body, place, told.body, names);
  return [h("h1", { tabindex: -1 }, said.sections.log), h("p", {}, said.log.lead), body, place];
}

/** @param {HTMLElement} body @param {HTMLElement} place @param {{items: Entry[], next_cursor: string | null}} page @param {Map<string, string>} names */
function append(body, place, { items, next_cursor: cursor }, names) {
  const said = words().log;
  const rows = items.map((one) => [moment(one.recorded_at), who(one.actor, names), done(one), about(one, names)]);
  body.append(rows.length ? table(words().sections.log, [said.when, said.who, said.what, said.about], rows) : h("p", {}, said.nothing));
  const older = button(words().more, async () => {
    const told = await ask("v1/audit", { limit: PAGE, cursor });
    if (told.isOk) append(body, place, told.body, names);
  }, "secondary", { id: "older" });
  place.replaceChildren(...(cursor ? [older] : []));
}

/** @param {string} actor @param {Map<string, string>} names */
function who(actor, names) {
  const { actors, key } = words().log;
  return actors[/** @type {keyof typeof actors} */ (actor)] ?? names.get(actor) ?? `${key} ${actor.slice(0, 8)}…`;
}

/** @param {Entry} entry */
function done({ action }) {
  const { actions } = words().log;
  return actions[/** @type {keyof typeof actions} */ (action)] ?? action.replaceAll("_", " ");
}

/** @param {Entry} entry @param {Map<string, string>} names */
function about({ target, person, details }, names) {
  const thing = target ? names.get(target) ?? (MADE.test(target) ? "" : target) : person ? words().log.somebody : "";
  return [thing, ...Object.entries(details ?? {}).map(detail)].filter(Boolean).join("; ");
}

/** @param {[string, any]} detail */
function detail([name, value]) {
  const { details, nobody_before: first } = words().log;
  const label = details[/** @type {keyof typeof details} */ (name)] ?? named(name);
  if (name === "members") return value.length ? `${label}: ${value.map(named).join(", ")}` : "";
  if (name === "changed") return Object.entries(value).map(([one, [was, is]]) => `${named(one)}: ${plain(was)} → ${plain(is)}`).join("; ");
  if (value === null) return name === "differs_by" ? first : "";
  return `${label}: ${plain(value)}`;
}

/** @param {string} member */
function named(member) {
  const { members } = words().log;
  return members[/** @type {keyof typeof members} */ (member)] ?? member.replaceAll("_", " ");
}

/** A value as people say it. @param {any} value @returns {string} */
function plain(value) {
  const { keys, states, log } = words();
  const known = /** @type {Record<string, string>} */ ({ ...keys.scopes, ...states, true: log.on, false: log.off, null: log.none });
  if (Array.isArray(value)) return value.map(plain).join(", ") || log.none;
  if (value && typeof value === "object") return Object.entries(value).map(([name, one]) => `${named(name)}: ${plain(one)}`).join(", ");
  return known[String(value)] ?? String(value);
}
