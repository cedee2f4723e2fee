/** Addresses with which somebody's own calendar keeps up, shown once. */

import { h } from "../respond/dom.js";
import { may } from "../session.js";
import { moment, namesOf, namesOfTeams, post, redraw, remove, say, teamsToChoose, whole, words } from "../manage/page.js";
import { button, choices, clearFaults, confirm, copyable, field, filled, form, input, part, personField, select, showFaults, table, once } from "../manage/forms.js";

/**
 * @typedef {import("contract").components["schemas"]["CalendarFeed"]} Feed
 * @typedef {import("../manage/page.js").Drawn} Drawn
 */

/** @returns {Promise<Drawn>} */
export async function drawFeeds() {
  const said = words().feeds;
  const [found, teams] = await Promise.all([/** @type {Promise<Feed[]>} */ (whole("v1/calendar/feeds")), teamsToChoose()]);
  const nameOf = await namesOf(found.map(({ manager }) => manager));
  const called = namesOfTeams(teams);
  const rows = found.map((one) => listed(one, called, nameOf));
  return [
    h("h1", { tabindex: -1 }, said.title), h("p", {}, said.lead),
    rows.length ? table(said.title, [said.shows, said.language, words().keys.made, words().feast.choice], rows) : h("p", {}, said.none),
    ...(may("calendar:write") ? [part(said.make, making(teams))] : []),
  ];
}

/** @param {Feed} feed @param {Map<string, string>} names @param {(id: string | null) => string} nameOf @returns {(Node | string)[]} */
function listed(feed, names, nameOf) {
  const said = words().feeds;
  const shows = feed.scope === "team" ? said.of_team(names.get(feed.team ?? "") ?? feed.team ?? "") : feed.scope === "manager" ? said.of_manager(nameOf(feed.manager)) : said.of_all;
  const renew = () => confirm({ title: said.renew_question, text: [said.renew_text], label: said.renew, said: "", act: () => post(`v1/calendar/feeds/${feed.id}/token`), then: (told) => show(told.body.url) });
  const end = () => confirm({ title: said.end_question, text: [said.end_text], label: said.end, said: said.ended, act: () => remove(`v1/calendar/feeds/${feed.id}`) });
  const choice = may("calendar:write") ? h("span", { class: "buttons" }, button(said.renew, renew, "link", { "aria-label": `${said.renew}: ${shows}` }), button(said.end, end, "link", { "aria-label": `${said.end}: ${shows}` })) : "";
  return [shows, words().languages[feed.language], moment(feed.created_at), choice];
}

/** @param {import("../manage/page.js").Choosable[]} teams */
function making(teams) {
  const said = words().feeds;
  const scopes = [{ value: "organization", label: said.of_all, note: said.of_all_note }, ...(teams.length ? [{ value: "team", label: said.of_one_team, note: said.of_team_note }] : []), { value: "manager", label: said.of_one_manager, note: said.of_team_note }];
  const send = h("button", { class: "primary", id: "make-feed" }, said.make);
  const body = form(() => once(send, () => make(body)),
    choices("scope", said.shows, scopes, "organization"),
    field("team", words().feast.team, select(teams, "")),
    personField("manager", words().keys.person),
    h("div", { class: "pair" }, field("feed_language", said.language, select(Object.entries(words().languages).map(([value, label]) => ({ value, label })), document.documentElement.lang)),
      field("alarm_days", said.alarm, input({ type: "number", min: 0, max: 60 }), said.alarm_note)),
    h("p", { class: "buttons" }, send));
  const settle = () => {
    for (const name of ["team", "manager"]) /** @type {HTMLElement} */ (body.querySelector(`[data-field="${name}"]`)).hidden = filled(body, "scope") !== name;
  };
  body.addEventListener("input", settle);
  settle();
  return body;
}

/** @param {HTMLFormElement} body */
async function make(body) {
  clearFaults();
  const scope = filled(body, "scope");
  const alarm = filled(body, "alarm_days");
  const told = await post("v1/calendar/feeds", { scope, language: filled(body, "feed_language"), ...(scope === "organization" ? {} : { [scope]: filled(body, scope) || null }), ...(alarm && { alarm_days: Number(alarm) }) });
  return told.isOk ? show(told.body.url) : showFaults(told, { unknown_team: "team", unknown_manager: "manager", scope_not_named: "manager" });
}

/** Who closes this without copying makes another. @param {string} address */
async function show(address) {
  const said = words().feeds;
  await redraw();
  const shown = part(said.made, h("p", {}, h("b", {}, said.once)), copyable(address, said.made), h("p", {}, said.how));
  shown.id = "feed-made";
  shown.tabIndex = -1;
  document.querySelector("#view h1")?.after(shown);
  shown.focus();
  say("");
}
