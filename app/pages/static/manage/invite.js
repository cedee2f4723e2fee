/** How people come to a survey: by a mail, a code on paper, or one address for everybody. */

import { h } from "../respond/dom.js";
import { ask, may } from "../session.js";
import { instantOf, zoneNow } from "./moments.js";
import { moment, post, redraw, save, say, teamsToChoose, tell, wasPosted, words } from "./page.js";
import { BY_HAND, forgetWords, inOneLanguage, keepByHand, keepInviting, ownWords, ownWordsOf, seeMail, seeReminder, wordsIn, wordsOf } from "./mails.js";
import { button, choices, clearFaults, confirm, copyable, field, filled, form, input, once, part, select, showFaults, table, ticked } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["Survey"]} Survey
 * @typedef {import("contract").components["schemas"]["InvitationsStatus"]} Status
 * @typedef {import("../session.js").Told} Told
 * @typedef {import("contract").components["schemas"]["NotIssued"]} NotIssued
 */

const LOOK_AGAIN_MS = 3000;

/** @param {Survey} survey @returns {Promise<Node[]>} */
export async function inviting(survey) {
  if (survey.status !== "open") return [];
  const mayWrite = may("surveys:write");
  if (survey.access === "open") return mayWrite ? [publicAddress(survey)] : [];
  const told = await ask(`v1/surveys/${survey.id}/invitations`);
  const canMail = !told.isOk || told.body.is_mail_set_up;
  return [...(told.isOk ? [mails(survey, told.body)] : []), ...(mayWrite ? [await asking(survey, canMail)] : [])];
}

/** @param {Survey} survey */
function publicAddress({ id }) {
  const said = words();
  const shown = h("div", {});
  const show = button(said.show_address, () => once(show, async () => {
    const told = await ask(`v1/surveys/${id}/address`, {}, { method: "POST" });
    if (!told.isOk) return tell(told);
    shown.replaceChildren(copyable(told.body.url ?? told.body.token, said.public_address), h("p", { class: "soft" }, told.body.notice));
  }), "primary", { id: "show-address" });
  const print = button(said.poster, () => once(print, async () => {
    const told = await ask(`v1/surveys/${id}/address`, {}, { method: "POST", headers: { Accept: "text/html" } });
    if (!told.isOk) return tell(told);
    save("poster.html", "text/html", told.body);
  }));
  return part(said.public_address, h("p", {}, said.public_address_note), h("p", { class: "buttons" }, show, print), shown);
}

// ---------------------------------------------------------------- mails that went

/** @param {Survey} survey @param {Status} status */
function mails(survey, { counts, next_mailing_at: next, reminders, failed }) {
  const said = words();
  const any = Object.values(counts).some(Boolean);
  if (counts.planned && !next) countAgain(survey);
  const lines = reminders.map(({ send_at: at, status }) => h("li", {}, said.reminder_line(moment(at), status === "sent")));
  const mayWrite = may("surveys:write");
  const rows = (failed ?? []).map((one) => [one.address ? `${one.person}, ${one.address}` : one.person, said.failed_mail[one.failure]]);
  return part(said.mails,
    h("p", { id: "mail-counts" }, any ? said.mail_counts(counts) : said.no_mails, next ? ` ${said.next_mailing(moment(next))}` : ""),
    ...(lines.length ? [h("ul", {}, ...lines)] : []), ...(rows.length ? [table(said.mails, [said.person, said.why], rows)] : []),
    h("p", { class: "buttons" }, ...(counts.mailed && mayWrite ? [button(said.remind, () => reminding(survey, counts.mailed), "secondary", { id: "remind" })] : []), ...(mayWrite ? [] : [seeMail(survey)])));
}

/** While they go out, as long as somebody looks at it; what is filled in beside it stays. @param {Survey} survey */
function countAgain({ id }) {
  setTimeout(async () => {
    const place = document.getElementById("mail-counts");
    if (!place || !location.hash.startsWith(`#surveys/${id}`)) return;
    const told = await ask(`v1/surveys/${id}/invitations`);
    if (!told.isOk || !place.isConnected) return;
    place.textContent = words().mail_counts(told.body.counts);
    if (told.body.counts.planned) countAgain(/** @type {Survey} */ ({ id }));
  }, LOOK_AGAIN_MS);
}

/** How many have not answered is told to nobody: so it is said how many get one at most. @param {Survey} survey @param {number} mailed */
function reminding(survey, mailed) {
  const said = words();
  const body = form(() => {}, h("div", { class: "own-words" }, ownWordsOf("by_hand", survey)));
  body.append(seeReminder(survey, body));
  keepByHand(survey, body);
  const act = () => post(`v1/surveys/${survey.id}/invitations/remind`, wordsOf(body, "by_hand"));
  return confirm({ title: said.remind_question, text: [...said.remind_text[survey.mode], said.remind_most(mailed)], label: said.remind, said: said.reminded_said, parts: [body], within: BY_HAND, look: "roomy", act, then: () => {
    forgetWords(survey.id, "by_hand");
    return redraw(said.reminded_said);
  } });
}

// ---------------------------------------------------------------- inviting

/** @param {Survey} survey @param {boolean} canMail */
async function asking(survey, canMail) {
  const said = words();
  const teams = await teamsToChoose();
  const options = [{ value: "", label: said.whole_audience }, ...teams];
  const ways = [{ value: "mail", label: said.invite_mail, note: canMail ? said.invite_mail_note : said.invite_no_mail, disabled: !canMail }, { value: "codes", label: said.invite_codes, note: said.invite_codes_note }];
  const later = h("div", { class: "pair" },
    field("send_at", said.send_at, input({ type: "datetime-local" }), said.send_at_note(zoneNow())),
    ...(survey.closes_at ? [field("reminders", said.remind_before, input({ type: "number", min: 0, max: 365 }), said.remind_before_note)] : []));
  const isNamed = survey.mode !== "anonymous";
  const mailed = h("div", { class: "own-words" }, ...(isNamed ? [choices("with_codes", said.with_codes, [{ value: "yes", label: said.with_codes_label, note: said.with_codes_note }], [])] : []), later, ...ownWords(survey), h("p", {}, seeMail(survey, () => body)));
  const send = h("button", { class: "primary", id: "invite" }, said.do_invite);
  const body = form(() => once(send, () => (filled(body, "how") === "codes" ? giveCodes(survey, body) : askFirst(survey, body))),
    choices("how", said.invite_how, ways, canMail ? "mail" : "codes"), mailed, ...(teams.length ? [field("team", said.invite_team, select(options, ""))] : []),
    ...(isNamed ? [field("people", said.lost_codes, input(), said.lost_codes_note)] : []), h("p", {}, send));
  body.id = "inviting";
  keepInviting(survey, body);
  const lost = /** @type {HTMLElement | null} */ (body.querySelector('[data-field="people"]'));
  const settle = () => {
    const isPaper = filled(body, "how") === "codes";
    mailed.hidden = isPaper;
    if (lost) lost.hidden = !isPaper;
  };
  body.addEventListener("input", settle);
  settle();
  return part(said.invite, h("p", {}, said.invite_lead), body, h("div", { id: "not-issued" }));
}

const ALIASES = { mail_not_set_up: "how", not_mailed: "how", too_few_at_once: "how", send: "how", form: "how" };

/** Codes are shown once: so it is said first how many are made. @param {Survey} survey @param {HTMLFormElement} body */
async function giveCodes({ id }, body) {
  clearFaults();
  const said = words();
  const people = filled(body, "people").split(/[\s,;]+/).filter(Boolean);
  const wanted = { team: filled(body, "team") || null, form: "codes", send: false, ...(people.length && { people }) };
  const address = `v1/surveys/${id}/invitations`;
  const act = () => post(address, wanted, {}, { Accept: "text/html" });
  if (wasPosted(address, wanted)) return takeSheet(await act());
  const would = await post(address, { ...wanted, dry_run: true });
  if (!would.isOk) return showFaults(would, ALIASES);
  const { issued, not_issued: without } = would.body;
  if (!issued) return showInvited(would.body);
  const text = [said.codes_text(issued), ...(people.length ? [said.codes_replace] : [])];
  confirm({ title: said.codes_question, text, label: said.codes_go(issued), said: "", act, then: async (told) => takeSheet(told, without) });
}

/** @param {Told} told @param {NotIssued[]} [without] */
function takeSheet(told, without = []) {
  if (!told.isOk) return showFaults(told, ALIASES);
  save("codes.html", "text/html", told.body);
  document.getElementById("not-issued")?.replaceChildren(...(without.length ? [withoutOne(without)] : []));
  return say(words().codes_said);
}

/** A mail cannot be taken back: so it is said first how many go out, and to whom none. @param {Survey} survey @param {HTMLFormElement} body */
async function askFirst({ id }, body) {
  clearFaults();
  const said = words();
  const days = filled(body, "reminders");
  const at = filled(body, "send_at");
  const own = wordsIn(body);
  const isTicked = ticked(body, "with_codes").length > 0;
  const wanted = { team: filled(body, "team") || null, send: true, ...(isTicked && { with_codes: true }), ...(at && { send_at: instantOf(at) }), ...(days && { reminders: [{ days_before_close: Number(days) }] }), ...own };
  const would = await post(`v1/surveys/${id}/invitations`, { ...wanted, dry_run: true });
  if (!would.isOk) return showFaults(would, ALIASES);
  const { mailed, not_issued: without } = would.body;
  if (!mailed) return showInvited(would.body);
  const left = /** @type {NotIssued[]} */ (without).filter(({ reason }) => reason === "no_address").length;
  const text = [said.invite_text(mailed, at ? moment(wanted.send_at ?? "") : ""), ...(left ? [said.invite_without(left)] : []), ...(isTicked ? [said.with_codes_note] : []), ...inOneLanguage(own)];
  confirm({ title: said.invite_question, text, label: said.invite_go(mailed), said: "", act: () => post(`v1/surveys/${id}/invitations`, wanted), then: async ({ body: told }) => {
    forgetWords(id, "inviting");
    await redraw();
    showInvited(told);
  } });
}

/** @param {{issued: number, mailed: number, not_issued: NotIssued[]}} told */
function showInvited({ issued, mailed, not_issued: without }) {
  say(words().invited_said(issued, mailed));
  if (without.length) document.getElementById("not-issued")?.replaceChildren(withoutOne(without));
}

/** @param {NotIssued[]} without */
const withoutOne = (without) =>
  h("div", {}, h("h3", {}, words().not_issued), tableOf(without));

/** @param {NotIssued[]} without */
const tableOf = (without) =>
  table(words().not_issued, [words().person, words().why], without.map(({ respondent, reason }) => [respondent, words().not_issued_why[reason]]));
