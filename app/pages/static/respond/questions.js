/** How a question is drawn, read and told: functions of the question, its answer and the page's words. */

import { h } from "./dom.js";

/**
 * @typedef {import("./words.js").Words} Words
 * @typedef {import("contract").components["schemas"]["FormQuestion"]} Question
 * @typedef {number | string | string[] | null | undefined} Answer   null is "don't know", undefined is skipped; a text of before that is null is taken back
 * @typedef {Pick<Question, "key" | "kind" | "required">} Asked
 * @typedef {{value: string, checked: boolean, type: string} & HTMLElement} Field
 */

const MOST_BOXES = 11;
const MOST_WORDS = 7;
const MOST_LETTERS = 4000;
const TELL_LEFT = 500;
const SKIPPED = "skipped";
const UNKNOWN = "";
const UNSEEN = /^[\p{Cc}\p{Cf}\p{Mn}\p{Z}\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\ufff8\u{1d159}\u{e0000}-\u{e0fff}]*$/u;

/** Nothing where nothing of it can be seen: the service takes that for no answer too. @param {string} text */
export const said = (text) => (UNSEEN.test(text) ? "" : text.trim());

/** @param {Question} question @param {Answer} answer @param {Words} words @param {() => void} clear @param {boolean} mayChange */
export function drawQuestion(question, answer, words, clear, mayChange) {
  const { key, kind, text, required } = question;
  const aside = [required && words.required, kind === "choices" && words.several].filter(Boolean).join(", ");
  const title = aside ? [text, " ", h("span", { class: "aside" }, `(${aside})`)] : [text];
  if (kind === "text") return drawWritten(question, title, answer, words, mayChange);
  const wipe = h("button", { type: "button", class: "clear", "aria-label": words.clear_of(text), click: clear }, words.clear);
  const points = kind === "scale" ? drawScale(question, answer, words) : drawOptions(question, answer, words);
  if (points.matches(".scale, .options")) points.append(wipe);
  return h("fieldset", { class: "question", id: `q-${key}` }, h("legend", {}, ...title), points);
}

/** Who need not answer leaves it empty; where answers may be changed, whoever wrote before takes it back.
 * @param {Asked} question @param {(string | Node)[]} title @param {Answer} answer @param {Words} words @param {boolean} mayChange */
export function drawWritten(question, title, answer, words, mayChange, rows = 5) {
  const drawn = drawText(question.key, title, String(answer ?? ""), words, rows);
  const word = question.required ? words.unknown : words.take_back;
  if (question.required || mayChange) drawn.append(h("div", { class: "options" }, drawUnknown(question, answer, words, word)));
  return drawn;
}

/** Words under every box where there are few and all have one; else the words of the ends.
 * @param {Question} question @param {Answer} answer @param {Words} words */
function drawScale(question, answer, words) {
  const { labels } = question;
  const points = pointsOf(question);
  if (points.length > MOST_BOXES) return drawSelect(question, answer, points, words);
  const isNamed = points.length <= MOST_WORDS && points.every((n) => labels[n]);
  const look = isNamed ? "word" : "hidden";
  return h("div", { class: isNamed ? "scale named" : "scale", "data-points": points.length },
    ...(isNamed ? [] : drawEnds(points, labels, words)),
    ...points.map((n) => drawPoint(question, answer, n, String(n), labels[n], look)),
    drawUnknown(question, answer, words));
}

/** @param {Question} question */
function pointsOf({ scale }) {
  const { low, high } = scale ?? { low: 0, high: 0 };
  return Array.from({ length: high - low + 1 }, (_, n) => low + n);
}

/** For the eye: whoever listens hears the word with its point. @param {number[]} points @param {Record<string, string>} labels @param {Words} words */
function drawEnds(points, labels, words) {
  const ends = [points[0], points.at(-1)].filter((n) => n !== undefined && labels[n]);
  const told = ends.map((n) => h("span", {}, words.end(Number(n), String(labels[Number(n)]))));
  return told.length ? [h("p", { class: "ends", "aria-hidden": "true" }, ...told)] : [];
}

/** @param {Question} question @param {Answer} answer @param {Words} words */
function drawOptions(question, answer, words) {
  const options = question.options.map(({ key, text }) => drawPoint(question, answer, key, "", text));
  return h("div", { class: "options" }, ...options, drawUnknown(question, answer, words));
}

/** @param {Question} question @param {Answer} answer @param {number[]} points @param {Words} words */
function drawSelect({ key, text, labels }, answer, points, words) {
  const told = points.map((n) => ({ value: String(n), word: labels[n] ? words.end(n, labels[n]) : String(n) }));
  const lines = [{ value: SKIPPED, word: words.choose }, ...told, { value: UNKNOWN, word: words.unknown }];
  const chosen = answer === undefined ? SKIPPED : String(answer ?? UNKNOWN);
  const options = lines.map(({ value, word }) => h("option", { value, selected: value === chosen }, word));
  return h("select", { name: key, "aria-label": text }, ...options);
}

/** @param {Asked} question @param {Answer} answer @param {Words} words */
const drawUnknown = (question, answer, words, word = words.unknown) => drawPoint(question, answer, UNKNOWN, "", word, "word", "point unknown");

/** @param {Asked} question @param {Answer} answer @param {number | string} value @param {string} box @param {string} [word] @param {string} [look] @param {string} [kind] */
function drawPoint({ key, kind: of }, answer, value, box, word, look = "word", kind = "point") {
  const type = of === "choices" || of === "text" ? "checkbox" : "radio";
  const input = h("input", { type, name: key, value, checked: isChosen(answer, String(value)) });
  return h("label", { class: kind }, input, h("span", { class: "box" }, box), ...(word ? [" ", h("span", { class: look }, word)] : []));
}

/** @param {Answer} answer @param {string} value */
const isChosen = (answer, value) =>
  Array.isArray(answer) ? answer.includes(value) : answer !== undefined && String(answer ?? UNKNOWN) === value;

/** @param {string} key @param {(string | Node)[]} title @param {string} text @param {Words} words @param {number} rows */
function drawText(key, title, text, words, rows) {
  const left = h("p", { class: "soft", role: "status" });
  const area = /** @type {HTMLTextAreaElement} */ (h("textarea", { id: `q-${key}`, name: key, rows, maxlength: MOST_LETTERS, "aria-describedby": `w-${key}` }));
  area.value = text;
  area.addEventListener("input", () => {
    const room = MOST_LETTERS - area.value.length;
    left.textContent = room < TELL_LEFT ? words.left(room) : "";
  });
  return h("div", { class: "question" }, h("label", { class: "legend", for: `q-${key}` }, ...title),
    h("p", { class: "warning", id: `w-${key}` }, words.comment_warning), area, left);
}

/** What is answered now that this field changed; "don't know" and the options of `choices` rule each other out.
 * @param {Question} question @param {Field} field @returns {Answer} */
export function readAnswer({ kind, key }, field) {
  const { value } = field;
  if (kind === "choices") return readChoices(key, field);
  if (field.type === "checkbox") return field.checked ? null : undefined;
  if (kind === "text") return said(value) || undefined;
  if (value === UNKNOWN) return null;
  if (value === SKIPPED) return undefined;
  return kind === "scale" ? Number(value) : value;
}

/** @param {string} key @param {Field} field @returns {Answer} */
function readChoices(key, field) {
  if (field.value === UNKNOWN) return field.checked ? null : undefined;
  const ticked = fieldsOf(key).filter((box) => box.checked && box.value !== UNKNOWN).map((box) => box.value);
  return ticked.length ? ticked : undefined;
}

/** @param {string} key @param {Answer} answer */
export function showAnswer(key, answer) {
  for (const field of fieldsOf(key)) field.checked = isChosen(answer, field.value);
  const area = /** @type {HTMLTextAreaElement | null} */ (document.querySelector(`textarea[name="${CSS.escape(key)}"]`));
  if (area && answer === null) area.value = "";
}

/** @param {string} key @returns {Field[]} */
export const fieldsOf = (key) => [.../** @type {NodeListOf<Field>} */ (document.querySelectorAll(`input[name="${CSS.escape(key)}"]`))];

/** The answer in words. @param {Question} question @param {Answer} answer @param {Words} words @param {string} none */
export function tellAnswer({ kind, required, labels, options }, answer, words, none) {
  if (answer === undefined) return none;
  if (answer === null) return kind === "text" && !required ? words.taken_back : words.unknown;
  if (options.length) return [answer].flat().map((chosen) => options.find(({ key }) => key === chosen)?.text).join(", ");
  const label = labels[String(answer)];
  return label ? `${answer} – ${label}` : String(answer);
}
