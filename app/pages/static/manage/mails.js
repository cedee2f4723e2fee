/** What the mails of a survey say: the words that come along, or the organisation's own, and how they look to who gets them. */

import { h } from "../respond/dom.js";
import { languageNow, post, tell, words } from "./page.js";
import { button, clearFaults, dialog, field, filled, input, once, showFaults } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["Survey"]} Survey
 * @typedef {import("contract").components["schemas"]["MailPreview"]} Mail
 * @typedef {import("contract").components["schemas"]["MailWords"]} MailWords
 * @typedef {import("contract").components["schemas"]["ReminderWords"]} ReminderWords
 * @typedef {import("./words.js").Language} Language
 */

/** @type {Language[]} */
const LANGUAGES = ["nl", "en"];
const KINDS = /** @type {const} */ (["invitation", "reminder"]);

/** Before the name of each field: a fault says where it is by the same names. */
const PLACES = { invitation: "", reminder: "reminder-" };

/** Fields for own words, closed until they are wanted. @param {Survey} survey @returns {Node[]} */
export const ownWords = (survey) => KINDS.map((kind) => ownWordsOf(kind, survey));

/** @param {"invitation" | "reminder"} kind @param {Survey} survey */
function ownWordsOf(kind, { mode, closes_at: closes }) {
  const said = words().own_words;
  const hasLink = kind === "invitation" || mode !== "anonymous";
  const notes = [said.lead, said.places(hasLink, Boolean(closes)), ...(kind === "reminder" ? [said.added[mode]] : [])];
  return h("details", { id: `own-${kind}` }, h("summary", {}, said[kind]), h("p", { class: "soft" }, notes.join(" ")),
    ...inOrder().flatMap((language) => [subjectField(kind, language), textField(kind, language)]));
}

/** The reader's own first. */
const inOrder = () => [languageNow(), ...LANGUAGES.filter((one) => one !== languageNow())];

/** @param {"invitation" | "reminder"} kind @param {Language} language */
const subjectField = (kind, language) =>
  field(`${PLACES[kind]}subject-${language}`, `${words().own_words.subject}, ${words().languages[language]}`, input({ lang: language, maxlength: 200 }));

/** @param {"invitation" | "reminder"} kind @param {Language} language */
const textField = (kind, language) =>
  field(`${PLACES[kind]}text-${language}`, `${words().own_words.text}, ${words().languages[language]}`, h("textarea", { lang: language, rows: 7, maxlength: 10_000 }));

/** What is filled in, as the service takes it; nothing where that is nothing. @param {HTMLFormElement | null} form @returns {MailWords} */
export function wordsIn(form) {
  if (!form) return {};
  const reminder = wordsOf(form, "reminder");
  return { ...wordsOf(form, "invitation"), ...(Object.keys(reminder).length && { reminder }) };
}

/** @param {HTMLFormElement} form @param {"invitation" | "reminder"} kind @returns {ReminderWords} */
function wordsOf(form, kind) {
  const found = (/** @type {"subject" | "text"} */ member) =>
    Object.fromEntries(LANGUAGES.map((language) => [language, filled(form, `${PLACES[kind]}${member}-${language}`)]).filter(([, text]) => text));
  const given = Object.entries({ subject: found("subject"), text: found("text") }).filter(([, texts]) => Object.keys(texts).length);
  return Object.fromEntries(given);
}

/** Nothing is sent by it. @param {Survey} survey @param {() => HTMLFormElement | null} [form] */
export function seeMail({ id }, form = () => null) {
  const said = words();
  const see = button(said.see_mail, () => once(see, async () => {
    clearFaults();
    const told = await post(`v1/surveys/${id}/invitations/preview`, wordsIn(form()));
    if (!told.isOk) return form() ? showFaults(told) : tell(told);
    const shown = told.body.mails.map(drawMail);
    const box = dialog(said.mail_preview, [...shown, h("p", {}, button(said.close, () => box.close(), "primary"))], "roomy");
  }), "link", { id: "see-mail" });
  return see;
}

/** @param {Mail} mail */
const drawMail = ({ kind, language, subject, text }) =>
  h("details", {}, h("summary", {}, `${words().mail_kinds[kind]}, ${words().languages[language]}`), h("p", { lang: language }, h("b", {}, subject)), h("p", { class: "letter", lang: language }, text));
