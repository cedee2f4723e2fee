/** What one view of the page is made of: the answers, who looks, and how to say what they hold. */

import { h } from "../respond/dom.js";
import { lower, number, range } from "./numbers.js";

/**
 * @typedef {import("contract").components["schemas"]} Schemas
 * @typedef {import("../session.js").Told} Told
 * @typedef {import("../session.js").Query} Query
 * @typedef {import("./words.js").Words} Words
 * @typedef {import("./words.js").Language} Language
 * @typedef {Schemas["MetricsContext"]} Context
 * @typedef {Schemas["OverviewGroup"]} OverviewGroup
 * @typedef {Schemas["OverviewGroupOk"]} Shown
 * @typedef {{survey: string, team: string, by: string}} Choice   empty: the newest, everybody, by team
 * @typedef {{score: number, ci_low: number | null, ci_high: number | null}} Scored
 */

export class Seen {
  /**
   * @param {Context} context @param {Choice} choice @param {Language} language @param {Words} words
   * @param {Record<string, Told>} told   the answers, by name
   */
  constructor(context, choice, language, words, told) {
    this.context = context;
    this.choice = choice;
    this.language = language;
    this.words = words;
    this.told = told;
  }

  /** The answer of that name. @template {keyof Schemas} Name @param {string} name @param {Name} _ @returns {Schemas[Name] | null} */
  answer(name, _) {
    const told = this.told[name];
    return told?.isOk ? told.body : null;
  }

  get overview() { return /** @type {Schemas["Overview"]} */ (this.told.overview?.body); }

  /** The group that the page is about: the team, or all that is seen. */
  get whole() { return /** @type {OverviewGroup} */ (this.overview.groups[0]); }

  get zone() { return this.context.organization.time_zone; }

  get minimum() { return this.overview.survey.minimum_group_size; }

  /** What this view asks of every metric. @returns {Query} */
  get query() { return { survey_id: this.choice.survey, team: this.choice.team }; }

  /** What to send as `by` for the whole and its parts. */
  get groups() { return ["organization", this.choice.by || "team"]; }

  /** @param {keyof Schemas["Labels"]} family @param {string} code */
  label(family, code) { return this.context.labels[family]?.[code]?.[this.language] ?? code; }

  /** The first line of a table to take along: what each column holds, in words; `_low` and `_high` are the ends of its margin.
   * @param {...string} names @returns {string[]} */
  heads(...names) { return names.map((name) => this.#head(name)); }

  /** @param {string} name */
  #head(name) {
    const [, of = name, end = ""] = /^(.+)_(low|high)$/.exec(name) ?? [];
    const { columns, ends } = this.words;
    const title = columns[/** @type {keyof typeof columns} */ (of)];
    return end ? `${title}, ${ends[/** @type {keyof typeof ends} */ (end)]}` : title;
  }

  /** In a table to take along: whether it is shown, and if not why. @param {{status: string, reason?: string}} one */
  state({ status, reason }) { return [this.label("statuses", status), this.reason(reason)]; }

  /** @param {string | null | undefined} code */
  reason(code) { return code ? this.label("reasons", code) : ""; }

  /** In a row of a table. @param {string | null | undefined} code */
  hidden(code) { return h("span", { class: "why" }, `${this.words.not_shown}: ${lower(this.reason(code))}`); }

  /** @param {string} survey */
  wave(survey) { return this.context.waves.find((one) => one.survey.id === survey); }
}

/** A score with its margin. @param {Scored} part @param {number} [digits] */
export const scored = ({ score, ci_low: low, ci_high: high }, digits = 0) =>
  h("span", { class: "number" }, h("b", {}, number(score, digits)), " ", h("span", { class: "soft" }, range(low, high, digits)));
