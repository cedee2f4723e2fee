/** What a number means, one click from where it stands. */

import { at, h } from "../respond/dom.js";

/**
 * @typedef {import("contract").components["schemas"]["MetricDefinition"]} Definition
 * @typedef {import("./words.js").Words} Words
 */

/** @type {Map<string, Definition>} */
let known = new Map();
/** @type {Words} */
let words;
/** Those that the page has named, for the list at its end. @type {Set<string>} */
const named = new Set();

/** @param {Definition[]} definitions @param {Words} said */
export function learn(definitions, said) {
  known = new Map(definitions.map((one) => [one.name, one]));
  words = said;
  named.clear();
}

/** A label that tells what it means; plain where nobody has said. @param {string} name @param {string} [label] */
export function term(name, label) {
  const found = known.get(name);
  const text = label ?? found?.title ?? name;
  if (!found) return h("span", {}, text);
  named.add(name);
  return h("button", { type: "button", class: "term", "aria-haspopup": "dialog", title: words.means(found.title), click: () => explain(found) }, text);
}

/** @param {Definition} found */
function explain(found) {
  at("definition-title").textContent = found.title;
  at("definition-text").replaceChildren(meaning(found));
  at("definition").showModal();
}

/** @param {Definition} found */
function meaning({ name, meaning: said, next_step: next, formula, unit, source }) {
  const fact = (/** @type {string} */ label, /** @type {string} */ text) => h("div", {}, h("dt", {}, label), h("dd", {}, text));
  return h("div", {}, h("p", {}, said), h("dl", { class: "facts" },
    fact(words.next_step, next), fact(words.formula, formula), fact(words.unit, unit), fact(words.source, source)), h("p", {}, h("code", {}, name)));
}

/** Of every number on the page, in the order of the definitions. */
export const glossary = () =>
  h("div", { class: "glossary" }, ...[...known.values()].filter(({ name }) => named.has(name)).map((one) => h("section", {}, h("h3", {}, one.title), meaning(one))));
