/** Fields with their hints and what is wrong with them, and dialogs that ask once more. */

import { all, at, h } from "../respond/dom.js";
import { may } from "../session.js";
import { INDENT, languageNow, redraw, say, whole, words } from "./page.js";
import { sentence } from "./problems.js";

/**
 * @typedef {import("../session.js").Told} Told
 * @typedef {{value: string, label: string, note?: string, disabled?: boolean}} Choice
 */

/** @param {string} name @param {string} label @param {HTMLElement} control @param {string} [hint] */
export function field(name, label, control, hint = "") {
  control.id = name;
  control.setAttribute("name", name);
  control.setAttribute("aria-describedby", `${name}-hint ${name}-fault`);
  return h("div", { class: "field", "data-field": name },
    h("label", { for: name }, label), h("p", { class: "soft", id: `${name}-hint` }, hint), control, h("p", { class: "fault", id: `${name}-fault` }));
}

/** @param {Record<string, unknown>} [props] @param {string} [value] */
export function input(props = {}, value = "") {
  const node = /** @type {HTMLInputElement} */ (h("input", { type: "text", autocomplete: "off", ...props }));
  node.value = value;
  return node;
}

/** One of several, or some of them, each with what it means.
 * @param {string} name @param {string} legend @param {Choice[]} options @param {string | string[]} chosen @param {string} [hint] */
export function choices(name, legend, options, chosen, hint = "") {
  const type = Array.isArray(chosen) ? "checkbox" : "radio";
  const isTree = options.some(({ label }) => label.startsWith(INDENT));
  return h("fieldset", { class: "field", "data-field": name, id: `${name}-set` },
    h("legend", {}, legend), h("p", { class: "soft" }, hint), h("p", { class: "fault", id: `${name}-fault` }),
    h("div", { class: `choices${options.length > 8 ? " many" : ""}${isTree ? " tree" : ""}` }, ...options.map((one) => choice(name, type, one, [chosen].flat().includes(one.value)))));
}

/** @param {string} name @param {string} type @param {Choice} option @param {boolean} checked */
function choice(name, type, { value, label, note = "", disabled = false }, checked) {
  return h("label", { class: "choice" }, h("input", { type, name, value, checked, disabled }),
    h("span", {}, h("span", { class: "choice-name" }, label), ...(note ? [h("span", { class: "choice-note" }, note)] : [])));
}

/** @param {Choice[]} options @param {string} chosen */
export const select = (options, chosen) => h("select", {}, ...options.map(({ value, label }) => h("option", { value, selected: value === chosen }, label)));

/** Whoever is meant, by number; who may read people finds them by name. @param {string} name @param {string} label @param {string} [value] */
export function personField(name, label, value = "") {
  const known = h("datalist", { id: `${name}-known` });
  const box = input({ maxlength: 128, ...(may("people:read") && { list: known.id }) }, value);
  const found = field(name, label, box, may("people:read") ? words().person_hint : words().keys.person_note);
  found.append(known);
  if (may("people:read")) box.addEventListener("focus", () => offerPeople(known), { once: true });
  return found;
}

/** @param {HTMLElement} known */
async function offerPeople(known) {
  const people = await whole("v1/people").catch(() => []);
  known.replaceChildren(...people.map(({ external_id: value, name }) => h("option", { value }, name)));
}

/** What is filled in under a name: text, or all that is ticked. @param {HTMLFormElement} form @param {string} name */
export const filled = (form, name) => String(new FormData(form).get(name) ?? "").trim();

/** @param {HTMLFormElement} form @param {string} name */
export const ticked = (form, name) => new FormData(form).getAll(name).map(String);

/** @param {(event: Event) => unknown} submit @param {...Node} parts */
export const form = (submit, ...parts) =>
  /** @type {HTMLFormElement} */ (h("form", { submit: (/** @type {Event} */ event) => { event.preventDefault(); return submit(event); } }, ...parts));

/** @param {string} label @param {() => unknown} click @param {string} [look] @param {Record<string, unknown>} [props] */
export const button = (label, click, look = "secondary", props = {}) => h("button", { type: "button", class: look, click, ...props }, label);

/** Nothing is sent twice by two clicks. @param {HTMLElement} pressed @param {() => Promise<unknown>} work */
export async function once(pressed, work) {
  if (pressed.ariaDisabled === "true") return;
  pressed.ariaDisabled = "true";
  try {
    await work();
  } finally {
    pressed.ariaDisabled = "false";
  }
}

/** The member of a body that a fault is at. @param {{pointer?: string | null, parameter?: string | null}} one */
export const memberOf = (one) => (one.pointer ?? "").replace("#/", "").split("/")[0] || one.parameter || "";

/** The field of a fault: that of its place, or of the member it is in; in a dialog, that of the dialog.
 * @param {{pointer?: string | null, parameter?: string | null}} one @param {Record<string, string>} aliases @param {string} within */
function fieldOf(one, aliases, within) {
  const place = (one.pointer ?? "").replace("#/", "").replaceAll("/", "-");
  if (within) return `${within}-${place.replace(/^reminder-/, "")}`;
  return place && at(`${place}-fault`) ? place : (aliases[memberOf(one)] ?? memberOf(one));
}

/** Each fault at its field; what has none above them. @param {Told} told @param {Record<string, string>} [aliases] */
export function showFaults(told, aliases = {}) {
  at("wrong").textContent = placeFaults(told, aliases);
  focusFault();
}

/** What has no field is left. @param {Told} told @param {Record<string, string>} aliases @param {string} [within] */
function placeFaults(told, aliases, within = "") {
  clearFaults();
  const faults = /** @type {any[]} */ (told.body.errors ?? []).map((one) => ({ name: fieldOf(one, aliases, within), text: sentence(one, one.code, languageNow()) }));
  if (!faults.length && aliases[told.code]) faults.push({ name: aliases[told.code] ?? "", text: sentence(told.body, told.code, languageNow()) });
  const lost = faults.filter(({ name, text }) => !showFault(name, text)).map(({ text }) => text);
  if (!faults.length) lost.push(sentence(told.body, told.code, languageNow()));
  return [...new Set(lost)].join(" ");
}

/** In a dialog whose fields have its name before theirs. @param {Told} told @param {string} within @param {HTMLElement} wrong */
export function showFaultsWithin(told, within, wrong) {
  wrong.textContent = placeFaults(told, {}, within);
  focusFault();
}

export function clearFaults() {
  say("");
  for (const one of all(".fault")) one.textContent = "";
  for (const one of all("[aria-invalid]")) one.removeAttribute("aria-invalid");
}

/** @param {string} name @param {string} text */
function showFault(name, text) {
  const place = name && at(`${name}-fault`);
  if (!place) return false;
  if (!place.textContent?.includes(text)) place.textContent = `${place.textContent} ${text}`.trim();
  const folded = place.closest("details");
  if (folded) folded.open = true;
  at(name)?.setAttribute("aria-invalid", "true");
  return true;
}

function focusFault() {
  const [first] = all(".fault:not(:empty)");
  const group = first?.closest(".field");
  if (group) /** @type {HTMLElement | null} */ (group.querySelector("input, select, textarea"))?.focus();
  else at("wrong").scrollIntoView({ block: "center" });
}

/** Asks whether it is meant; what goes wrong is said there.
 * @param {{title: string, text: string[], label: string, act: () => Promise<Told>, said: string, parts?: Node[], within?: string, look?: string, then?: (told: Told) => unknown}} question */
export function confirm({ title, text, label, act, said, parts = [], within = "", look = "", then }) {
  const wrong = h("p", { role: "alert", class: "fault" });
  const yes = button(label, () => once(yes, async () => {
    const told = await act();
    if (!told.isOk && within) return showFaultsWithin(told, within, wrong);
    if (!told.isOk) {
      wrong.textContent = sentence(told.body.errors?.[0] ?? told.body, told.body.errors?.[0]?.code ?? told.code, languageNow());
      return;
    }
    box.close();
    await (then ? then(told) : redraw(said));
  }), "primary");
  const box = dialog(title, [...text.map((one) => h("p", {}, one)), ...parts, wrong, h("p", { class: "buttons" }, yes, button(words().no, () => box.close()))], look);
  return box;
}

/** Gone from the page once it closes. @param {string} title @param {Node[]} parts @param {string} [look] */
export function dialog(title, parts, look = "") {
  const box = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-labelledby": "dialog-title", class: look, close: () => box.remove() }, h("h2", { id: "dialog-title", tabindex: -1 }, title), ...parts));
  document.body.append(box);
  box.showModal();
  at("dialog-title").focus();
  return box;
}

/** A text to take along, which the clipboard may refuse. @param {string} text @param {string} label */
export function copyable(text, label) {
  const said = h("span", { role: "status", class: "soft" });
  const box = input({ readonly: true, "aria-label": label, class: "secret", focus: () => box.select() }, text);
  const copy = button(words().copy, async () => {
    said.textContent = (await isCopied(box)) ? words().copied : words().select_to_copy;
  });
  return h("p", { class: "copyable" }, box, copy, said);
}

/** Where it is not, it is selected. @param {HTMLInputElement} box */
async function isCopied(box) {
  try {
    await navigator.clipboard.writeText(box.value);
    return true;
  } catch {
    box.select();
    return document.execCommand("copy");
  }
}

/** Pairs of a name and what it is. @param {([string, string | Node | null])[]} pairs */
export const facts = (pairs) =>
  h("dl", { class: "pairs" }, ...pairs.flatMap(([name, told]) => (told === null || told === "" ? [] : [h("div", {}, h("dt", {}, name), h("dd", {}, told))])));

/** @param {string} title @param {...(Node | string)} parts */
export const part = (title, ...parts) => h("section", { class: "part" }, h("h2", {}, title), ...parts);

/** Rows that are cards on a phone. @param {string} caption @param {string[]} head @param {(Node | string)[][]} rows */
export function table(caption, head, rows) {
  const cells = (/** @type {(Node | string)[]} */ row) => row.map((one, n) => (n ? h("td", { role: "cell", "data-head": head[n] }, one) : h("th", { role: "rowheader", scope: "row" }, one)));
  return h("table", { role: "table", class: "rows" }, h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...head.map((one) => h("th", { role: "columnheader", scope: "col" }, one)))),
    h("tbody", { role: "rowgroup" }, ...rows.map((row) => h("tr", { role: "row" }, ...cells(row)))));
}
