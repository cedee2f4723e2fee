/** API keys: which there are, one more in words that say what it may do, and an end to one. */

import { h } from "../respond/dom.js";
import { may, me } from "../session.js";
import { go, moment, namesOf, namesOfTeams, post, remove, say, teamsToChoose, whole, words } from "./page.js";
import { button, choices, clearFaults, confirm, copyable, field, filled, form, input, once, part, personField, showFaults, table, ticked } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["ApiKey"]} Key
 * @typedef {import("./page.js").Drawn} Drawn
 */

const NARROWED = "metrics:read";

/** @param {string[]} path @returns {Promise<Drawn>} */
export async function drawKeys([task]) {
  if (task === "new") return drawNew();
  const said = words();
  const keys = /** @type {Key[]} */ (await whole("v1/api-keys"));
  const [nameOf, teams] = await Promise.all([namesOf(keys.map(({ person }) => person)), keys.some((one) => one.teams) ? teamsToChoose() : []]);
  const called = namesOfTeams(teams);
  const rows = keys.map((key) => listed(key, key.person ? said.keys.sees_person(nameOf(key.person)) : key.teams ? key.teams.map((id) => called.get(id) ?? id).join(", ") : said.keys.sees_all));
  return [
    h("div", { class: "title" }, h("h1", { tabindex: -1 }, said.sections.keys), h("a", { class: "primary", href: "#keys/new", id: "new-key" }, said.keys.make)),
    h("p", {}, said.keys.lead),
    table(said.sections.keys, [said.name, said.keys.may, said.keys.sees, said.keys.made, said.keys.end], rows),
  ];
}

/** @param {Key} key @param {string} sees @returns {(Node | string)[]} */
function listed(key, sees) {
  const said = words().keys;
  const isOwn = key.id === me()?.subject;
  const revoke = () => confirm({ title: said.revoke_question(key.name), text: [isOwn ? said.revoke_own : said.revoke_text], label: said.revoke, said: said.revoked, act: () => remove(`v1/api-keys/${key.id}`) });
  return [
    isOwn ? `${key.name} (${said.own})` : key.name, scopesOf(key), sees,
    moment(key.created_at), button(said.revoke, revoke, "link", { "aria-label": `${said.revoke}: ${key.name}` }),
  ];
}

/** @param {Key} key */
function scopesOf({ scopes }) {
  const said = words().keys;
  if (scopes.length === Object.keys(said.scopes).length) return said.everything;
  const told = scopes.map((scope) => said.scopes[scope]);
  return told.length < 3 ? told.join(". ") : h("details", {}, h("summary", {}, said.so_many(told.length)), h("ul", {}, ...told.map((one) => h("li", {}, one))));
}

// ---------------------------------------------------------------- one more

/** @returns {Promise<Drawn>} */
async function drawNew() {
  const said = words().keys;
  const teams = await teamsToChoose();
  const reaches = [{ value: "all", label: said.for_all, note: said.for_all_note },
    ...(may(NARROWED) ? [{ value: "person", label: said.for_person, note: said.for_person_note }] : []),
    ...(may(NARROWED) && teams.length ? [{ value: "teams", label: said.for_teams, note: said.for_teams_note }] : [])];
  const owned = Object.entries(said.scopes).filter(([scope]) => may(scope)).map(([value, label]) => ({ value, label, note: value }));
  const send = h("button", { class: "primary", id: "make-key" }, said.make);
  const body = form(() => once(send, () => make(body)),
    field("name", words().name, input({ required: true, maxlength: 200 }), said.name_note),
    choices("reach", said.sees, reaches, "all"),
    personField("person", said.person),
    choices("teams", words().teams, teams, []),
    choices("scopes", said.may, owned, [], said.scopes_note), h("p", { class: "buttons" }, send));
  body.id = "key-new";
  const settle = () => {
    const reach = filled(body, "reach");
    for (const [name, isShown] of /** @type {[string, boolean][]} */ ([["person", reach === "person"], ["teams", reach === "teams"], ["scopes", reach === "all"]])) /** @type {HTMLElement} */ (body.querySelector(`[data-field="${name}"]`)).hidden = !isShown;
  };
  body.addEventListener("input", settle);
  settle();
  return [h("p", {}, h("a", { href: "#keys" }, `‹ ${words().sections.keys}`)), h("h1", { tabindex: -1 }, said.make), body, h("div", { id: "made" })];
}

/** @param {HTMLFormElement} body */
async function make(body) {
  clearFaults();
  const reach = filled(body, "reach");
  const narrowed = reach === "person" ? { person: filled(body, "person") } : reach === "teams" ? { teams: ticked(body, "teams") } : {};
  const told = await post("v1/api-keys", { name: filled(body, "name"), scopes: reach === "all" ? ticked(body, "scopes") : [NARROWED], ...narrowed });
  if (!told.isOk) return showFaults(told, { unknown_team: "teams", unknown_person: "person" });
  const said = words().keys;
  const shown = part(said.made_title, h("p", {}, h("b", {}, said.once)), copyable(told.body.key, told.body.name), h("p", {}, said.keep), h("p", {}, button(said.done, () => go("keys"), "primary")));
  shown.id = "key-made";
  shown.tabIndex = -1;
  body.replaceWith(shown);
  shown.focus();
  return say("");
}
