/** The cards that are to go: what each looks like to who gets it, and whether it goes. */

import { h } from "../respond/dom.js";
import { ask, may } from "../session.js";
import { moment, patch, redraw, tell, whole, words } from "../manage/page.js";
import { button, confirm, dialog, once, table } from "../manage/forms.js";
import { letter } from "./letter.js";
import { occasion } from "./days.js";

/**
 * @typedef {import("contract").components["schemas"]["Card"]} Card
 * @typedef {import("../manage/page.js").Drawn} Drawn
 */

/** Of what can still be done something about. @type {("held" | "planned" | "no_address")[]} */
const COMING = ["held", "planned", "no_address"];

/** @returns {Promise<Drawn>} */
export async function drawCards() {
  const said = words();
  const [told, ...lists] = await Promise.all([ask("v1/organization"), ...COMING.map((status) => whole("v1/cards", { status }))]);
  if (!told.isOk) return told;
  const found = /** @type {Card[]} */ (lists.flat());
  const coming = found.filter(({ send_at: at, status }) => status !== "no_address" || Date.parse(at) > Date.now());
  const inOrder = coming.sort((one, other) => one.send_at.localeCompare(other.send_at));
  const held = inOrder.filter(({ status }) => status === "held");
  return [
    h("h1", { tabindex: -1 }, said.feast.cards),
    h("p", {}, said.feast.cards_lead),
    ...(held.length ? [h("p", { class: "notice" }, said.feast.so_many_held(held.length))] : []),
    inOrder.length ? table(said.feast.cards, [said.person, said.feast.goes, said.state, said.feast.choice], inOrder.map(listed)) : h("p", {}, told.body.cards.enabled ? said.feast.no_cards : said.feast.cards_off),
  ];
}

/** @param {Card} card @returns {(Node | string)[]} */
function listed(card) {
  const said = words().feast;
  const who = `${card.person.name}: ${occasion(card)}`;
  const see = button(said.see, () => once(see, () => show(card, who)), "link", { "aria-label": `${said.see}: ${card.person.name}` });
  return [who, moment(card.send_at), said.standing[/** @type {keyof typeof said.standing} */ (card.status)], h("span", { class: "buttons" }, see, ...choices(card))];
}

/** @param {Card} card @returns {Node[]} */
function choices(card) {
  const said = words().feast;
  if (!may("calendar:write") || card.status === "no_address") return [];
  const change = (/** @type {string} */ status) => patch(`v1/cards/${card.id}`, { status });
  const approve = button(said.approve, () => once(approve, async () => {
    const answer = await change("planned");
    return answer.isOk ? redraw(said.approved) : tell(answer);
  }), "link", { "aria-label": `${said.approve}: ${card.person.name}` });
  const stop = () => confirm({ title: said.stop_question(card.person.name), text: [said.stop_text], label: said.stop, said: said.stopped, act: () => change("cancelled") });
  return [...(card.status === "held" ? [approve] : []), button(said.stop, stop, "link", { "aria-label": `${said.stop}: ${card.person.name}` })];
}

/** As it would go now, with the lines that colleagues wrote. @param {Card} card @param {string} who */
async function show(card, who) {
  const told = await ask(`v1/cards/${card.id}/preview`);
  if (!told.isOk) return tell(told);
  const said = words();
  const box = dialog(who, [h("p", { class: "soft" }, said.feast.as_received), letter(told.body), h("p", { class: "buttons" }, ...choices(card), button(said.close, () => box.close(), "primary"))], "roomy");
}
