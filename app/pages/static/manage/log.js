/** What was done, and by whom: a page at a time, newest first. */

import { h } from "../respond/dom.js";
import { ask, may } from "../session.js";
import { moment, whole, words } from "./page.js";
import { button, table } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["AuditEntry"]} Entry
 * @typedef {import("./page.js").Drawn} Drawn
 */

const PAGE = 50;

/** @returns {Promise<Drawn>} */
export async function drawLog() {
  const said = words();
  const [told, keys] = await Promise.all([ask("v1/audit", { limit: PAGE }), may("keys:manage") ? whole("v1/api-keys") : []]);
  if (!told.isOk) return told;
  const names = new Map(keys.map(({ id, name }) => [id, name]));
  const body = h("div", { id: "entries" });
  const place = h("div", {});
  append(body, place, told.body, names);
  return [h("h1", { tabindex: -1 }, said.sections.log), h("p", {}, said.log.lead), body, place];
}

/** @param {HTMLElement} body @param {HTMLElement} place @param {{items: Entry[], next_cursor: string | null}} page @param {Map<string, string>} names */
function append(body, place, { items, next_cursor: cursor }, names) {
  const said = words().log;
  const rows = items.map((one) => [moment(one.recorded_at), who(one.actor, names), done(one), about(one)]);
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

/** @param {Entry} entry */
function about({ target, person, details }) {
  const more = Object.entries(details ?? {}).map(([name, value]) => `${name}: ${[value].flat().map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one))).join(", ")}`);
  return [target ?? (person ? words().log.somebody : ""), ...more].filter(Boolean).join("; ");
}
