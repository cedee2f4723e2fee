/** What the mails of a survey say: the words that come along, or the organisation's own, and how they look to who gets them. */

import { at, h } from "../respond/dom.js";
import { keepWork, keptWork } from "../session.js";
import { languageNow, post, tell, words } from "./page.js";
import { button, clearFaults, dialog, field, filled, input, once, showFaults, showFaultsWithin } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["Survey"]} Survey
 * @typedef {import("contract").components["schemas"]["MailPreview"]} Mail
 * @typedef {import("contract").components["schemas"]["MailWords"]} MailWords
 * @typedef {import("contract").components["schemas"]["ReminderWords"]} ReminderWords
 * @typedef {import("./words.js").Language} Language
 * @typedef {"invitation" | "reminder" | "by_hand"} Kind
 */

/** @type {Language[]} */
const LANGUAGES = ["nl", "en"];
const MEMBERS = /** @type {const} */ (["subject", "text"]);
/** In a dialog, before the names of its fields. */
export const BY_HAND = "remind";

/** Before the name of each field: a fault says where it is by the same names. @type {Record<Kind, string>} */
const PLACES = { invitation: "", reminder: "reminder-", by_hand: `${BY_HAND}-` };

/** Fields for own words, closed until they are wanted. @param {Survey} survey @returns {Node[]} */
export const ownWords = (survey) => [ownWordsOf("invitation", survey), ownWordsOf("reminder", survey)];

/** @param {Kind} kind @param {Survey} survey */
export function ownWordsOf(kind, { mode, closes_at: closes }) {
  const said = words().own_words;
  const hasLink = kind === "invitation" || mode !== "anonymous";
  const added = kind === "invitation" ? [] : [said.added[mode], ...(kind === "reminder" ? [said.by_hand_too] : [])];
  const notes = [said.lead[kind], said.languages, said.places(hasLink, Boolean(closes)), ...added];
  return h("details", { id: `own-${kind}` }, h("summary", {}, said[kind]), h("p", { class: "soft" }, notes.join(" ")),
    ...inOrder().flatMap((language) => [subjectField(kind, language), textField(kind, language)]));
}

/** The reader's own first. */
const inOrder = () => [languageNow(), ...LANGUAGES.filter((one) => one !== languageNow())];

/** @param {Kind} kind @param {Language} language */
const subjectField = (kind, language) =>
  field(`${PLACES[kind]}subject-${language}`, `${words().own_words.subject}, ${words().languages[language]}`, input({ lang: language, maxlength: 200 }));

/** @param {Kind} kind @param {Language} language */
const textField = (kind, language) =>
  field(`${PLACES[kind]}text-${language}`, `${words().own_words.text}, ${words().languages[language]}`, h("textarea", { lang: language, rows: 7, maxlength: 10_000 }));

/** What is filled in, as the service takes it; nothing where that is nothing. @param {HTMLFormElement | null} form @returns {MailWords} */
export function wordsIn(form) {
  if (!form) return {};
  const reminder = wordsOf(form, "reminder");
  return { ...wordsOf(form, "invitation"), ...(Object.keys(reminder).length && { reminder }) };
}

/** @param {HTMLFormElement} form @param {Kind} kind @returns {ReminderWords} */
export function wordsOf(form, kind) {
  const found = (/** @type {"subject" | "text"} */ member) =>
    Object.fromEntries(LANGUAGES.map((language) => [language, filled(form, `${PLACES[kind]}${member}-${language}`)]).filter(([, text]) => text));
  const given = Object.entries({ subject: found("subject"), text: found("text") }).filter(([, texts]) => Object.keys(texts).length);
  return Object.fromEntries(given);
}

// ---------------------------------------------------------------- kept in the tab until they are sent

/** @param {string} id @param {"inviting" | "by_hand"} form */
const placeOf = (id, form) => `betrokken.words.${id}.${form}`;

/** @param {Kind} kind */
const namesOf = (kind) => MEMBERS.flatMap((member) => LANGUAGES.map((language) => `${PLACES[kind]}${member}-${language}`));

/** What was typed is there again after a reload. @param {Survey} survey @param {HTMLFormElement} form */
export const keepInviting = ({ id }, form) => keepFields(placeOf(id, "inviting"), form, [...namesOf("invitation"), ...namesOf("reminder"), "send_at", "reminders", "team"]);

/** @param {Survey} survey @param {HTMLFormElement} form */
export const keepByHand = ({ id }, form) => keepFields(placeOf(id, "by_hand"), form, namesOf("by_hand"));

/** @param {string} place @param {HTMLFormElement} form @param {string[]} names */
function keepFields(place, form, names) {
  const left = /** @type {Record<string, string>} */ (JSON.parse(keptWork(place) || "{}"));
  for (const name of names.filter((one) => left[one])) {
    const box = /** @type {HTMLTextAreaElement | null} */ (form.elements.namedItem(name));
    if (!box) continue;
    box.value = left[name] ?? "";
    const folded = box.closest("details");
    if (folded) folded.open = true;
  }
  form.addEventListener("input", () => {
    const now = Object.fromEntries(names.map((name) => [name, filled(form, name)]).filter(([, text]) => text));
    keepWork(place, Object.keys(now).length ? JSON.stringify(now) : "");
  });
}

/** They were sent. @param {string} id @param {"inviting" | "by_hand"} form */
export const forgetWords = (id, form) => keepWork(placeOf(id, form), "");

// ---------------------------------------------------------------- as they are read

/** Nothing is sent by it. @param {Survey} survey @param {() => HTMLFormElement | null} [form] */
export function seeMail({ id }, form = () => null) {
  const said = words();
  const see = button(said.see_mail, () => once(see, async () => {
    clearFaults();
    const own = wordsIn(form());
    const told = await post(`v1/surveys/${id}/invitations/preview`, own);
    if (!told.isOk) return form() ? showFaults(told) : tell(told);
    const shown = readersFirst(told.body.mails).map((/** @type {Mail} */ mail) => drawMail(mail, (mail.kind === "reminder" ? own.reminder : own)?.text));
    const box = dialog(said.mail_preview, [...shown, h("p", {}, button(said.close, () => box.close(), "primary"))], "roomy");
  }), "link", { id: "see-mail" });
  return see;
}

/** The reminder alone, below its words in their dialog. @param {Survey} survey @param {HTMLFormElement} form */
export function seeReminder({ id }, form) {
  const shown = h("div", { class: "own-words" });
  const see = button(words().see_mail, () => once(see, async () => {
    const own = wordsOf(form, "by_hand");
    const told = await post(`v1/surveys/${id}/invitations/preview`, { reminder: own });
    if (!told.isOk) return showFaultsWithin(told, BY_HAND, at("reminder-wrong"));
    clearFaults();
    const mails = readersFirst(told.body.mails).filter(({ kind }) => kind === "reminder");
    shown.replaceChildren(...mails.map((mail) => drawMail(mail, own.text)));
  }), "link", { id: "see-reminder" });
  return h("div", { class: "own-words" }, h("p", {}, see), h("p", { role: "alert", class: "fault", id: "reminder-wrong" }), shown);
}

/** Of each kind, that in the reader's own language. @param {Mail[]} mails */
const readersFirst = (mails) =>
  [...mails].sort((one, other) => Number(one.kind === "reminder") - Number(other.kind === "reminder") || Number(other.language === languageNow()) - Number(one.language === languageNow()));

/** Of whoever reads the one language, though it be written in the other alone. @param {Mail} mail @param {ReminderWords["text"]} [own] */
function drawMail({ kind, language, subject, text }, own) {
  const said = words();
  const written = own && !own[language] ? /** @type {Language} */ (Object.keys(own)[0]) : language;
  const note = written === language ? "" : ` (${said.written_in(said.languages[written])})`;
  return h("details", {}, h("summary", {}, `${said.mail_kinds[kind]}, ${said.languages[language]}${note}`), h("p", { lang: written }, h("b", {}, subject)), h("p", { class: "letter", lang: written }, text));
}

/** What somebody should know before it goes to all: whose language it does not have. @param {MailWords} own @returns {string[]} */
export const inOneLanguage = (own) =>
  [own.text, own.reminder?.text].some((one) => one && Object.keys(one).length === 1) ? [words().one_language] : [];
