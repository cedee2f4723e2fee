/** Who has something to celebrate in the month to come, and the cards that go to them. */

import { h } from "../respond/dom.js";
import { ask, may } from "../session.js";
import { dayOf, moment, patch, redraw, tell, whole, words } from "./page.js";
import { button, once, part, table } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["Occurrence"]} Occurrence
 * @typedef {import("contract").components["schemas"]["Card"]} Card
 * @typedef {import("./page.js").Drawn} Drawn
 */

const DAYS = 31;
const day = (/** @type {number} */ ahead) => new Intl.DateTimeFormat("sv-SE").format(new Date(Date.now() + ahead * 86_400_000));

/** @returns {Promise<Drawn>} */
export async function drawCelebrations() {
  const said = words();
  const [told, cards] = await Promise.all([ask("v1/calendar", { from: day(0), to: day(DAYS), limit: 200 }), whole("v1/cards")]);
  if (!told.isOk) return told;
  const rows = /** @type {Occurrence[]} */ (told.body.items).map((one) => [dayOf(one.celebrated_on), one.person.name, occasion(one)]);
  const coming = /** @type {Card[]} */ (cards).filter(({ status }) => status === "planned" || status === "held");
  return [
    h("h1", { tabindex: -1 }, said.sections.celebrations),
    part(said.feast.month, rows.length ? table(said.feast.month, [said.feast.day, said.person, said.feast.what], rows) : h("p", {}, said.feast.nobody)),
    part(said.feast.cards, coming.length ? table(said.feast.cards, [said.person, said.feast.goes, said.state, said.feast.choice], coming.map(listed)) : h("p", {}, said.feast.no_cards)),
  ];
}

/** @param {Occurrence | Card} one */
function occasion({ kind, label, relation, years }) {
  const said = words().feast;
  if (kind === "work_anniversary" && years) return said.served(years);
  if (kind === "family_birthday" && label) return said.birthday_of(label, relation ?? "");
  return [label ?? said.kinds[kind], relation, years ? said.years(years) : ""].filter(Boolean).join(", ");
}

/** @param {Card} card @returns {(Node | string)[]} */
function listed(card) {
  const said = words().feast;
  const change = (/** @type {string} */ status, /** @type {string} */ label, /** @type {string} */ told) => {
    const pressed = button(label, () => once(pressed, async () => {
      const answer = await patch(`v1/cards/${card.id}`, { status });
      return answer.isOk ? redraw(told) : tell(answer);
    }), "link", { "aria-label": `${label}: ${card.person.name}` });
    return pressed;
  };
  const choice = may("calendar:write") ? h("span", { class: "buttons" }, ...(card.status === "held" ? [change("planned", said.approve, said.approved)] : []), change("cancelled", said.stop, said.stopped)) : "";
  return [`${card.person.name}: ${occasion(card)}`, moment(card.send_at), card.status === "held" ? said.held : said.planned, choice];
}
