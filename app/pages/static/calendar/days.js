/** Who has something to celebrate, a month at a time. */

import { h } from "../respond/dom.js";
import { ask } from "../session.js";
import { fieldOf } from "../manage/moments.js";
import { dayOf, locale, words } from "../manage/page.js";
import { table } from "../manage/forms.js";

/**
 * @typedef {import("contract").components["schemas"]["Occurrence"]} Occurrence
 * @typedef {import("contract").components["schemas"]["Card"]} Card
 * @typedef {import("../manage/page.js").Drawn} Drawn
 */

const MOST_DAYS = 500;
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
const inMonths = (/** @type {string} */ month, /** @type {number} */ ahead, day = 1) => new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1 + ahead, day)).toISOString().slice(0, 10);

/** The browser's month, where none is asked for. @param {string[]} path @returns {Promise<Drawn>} */
export async function drawDays([asked = ""]) {
  const said = words();
  const month = MONTH.test(asked) ? asked : fieldOf(new Date().toISOString()).slice(0, 7);
  const told = await monthOf(month);
  if (!told.isOk) return told;
  const found = /** @type {Occurrence[]} */ (told.body.items);
  const rows = found.map((one) => [when(one), one.person.name, occasion(one), one.team_name ?? ""]);
  return [
    h("h1", { tabindex: -1 }, said.feast.in_month(named(month))),
    h("nav", { class: "buttons", "aria-label": said.feast.months }, ...[-1, 1].map((ahead) => turning(month, ahead))),
    rows.length ? table(said.feast.in_month(named(month)), [said.feast.day, said.person, said.feast.what, said.feast.team], rows) : h("p", {}, said.feast.nobody),
    ...(told.body.next_cursor ? [h("p", { class: "soft" }, said.feast.more_days(rows.length))] : []),
    h("p", { class: "soft" }, said.feast.who_is_not),
  ];
}

/** Enough for a month of a large organisation. @param {string} month @returns {Promise<import("../session.js").Told>} */
async function monthOf(month) {
  const range = { from: inMonths(month, 0), to: inMonths(month, 1, 0), limit: 200 };
  const told = await ask("v1/calendar", range);
  while (told.isOk && told.body.next_cursor && told.body.items.length < MOST_DAYS) {
    const more = await ask("v1/calendar", { ...range, cursor: told.body.next_cursor });
    if (!more.isOk) return more;
    told.body = { ...more.body, items: [...told.body.items, ...more.body.items] };
  }
  return told;
}

/** @param {string} month */
const named = (month) => new Intl.DateTimeFormat(locale(), { month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(`${month}-01`));

/** @param {string} month @param {number} ahead */
function turning(month, ahead) {
  const other = inMonths(month, ahead).slice(0, 7);
  return h("a", { class: "secondary", href: `#days/${other}`, rel: ahead < 0 ? "prev" : "next" }, ahead < 0 ? `‹ ${named(other)}` : `${named(other)} ›`);
}

/** A day off is celebrated on another. @param {Occurrence} one */
const when = ({ date, celebrated_on: kept }) => (date === kept ? dayOf(date) : words().feast.kept_on(dayOf(date), dayOf(kept)));

/** @param {Pick<Occurrence | Card, "kind" | "label" | "relation" | "years">} one */
export function occasion({ kind, label, relation, years }) {
  const said = words().feast;
  if (kind === "work_anniversary" && years) return said.served(years);
  if (kind === "family_birthday" && label) return said.birthday_of(label, relation ?? "");
  return [label ?? said.kinds[kind], relation, years ? said.years(years) : ""].filter(Boolean).join(", ");
}
