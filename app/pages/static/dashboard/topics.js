/** What people answered: topics with their questions, who differs where, choices, and what they wrote. */

import { h } from "../respond/dom.js";
import { asTable } from "./answers.js";
import { chart } from "./charts.js";
import { figure, lower, number, percent, shareFigure, signed } from "./numbers.js";
import { scored } from "./seen.js";
import { download } from "./tables.js";
import { term } from "./terms.js";

/**
 * @typedef {import("./seen.js").Seen} Seen
 * @typedef {import("./seen.js").Schemas} Schemas
 * @typedef {import("./tables.js").Row} Row
 * @typedef {import("./tables.js").Line} Line
 * @typedef {Extract<Schemas["FacetsGroup"], {status: "ok"}>} Told
 * @typedef {Told["facets"][number]} Facet
 * @typedef {Told["questions"][number]} Question
 */

const HEAD = ["code", "kind", "title", "dimension", "facet", "status", "reason", "n", "score", "score_low", "score_high", "favourable", "neutral", "unfavourable", "dont_know"];

/** @param {Seen} seen */
export function topics(seen) {
  const { words } = seen;
  const found = seen.answer("facets", "Facets")?.groups[0];
  if (!found) return [h("p", { class: "soft" }, words.failed)];
  if (found.status !== "ok") return [h("p", {}, `${words.not_here} ${lower(seen.reason(found.reason))}`)];
  const head = [words.topic, { class: "n", content: [term("part.n", words.n)] }, term("facet.score", words.score), term("favourable", words.favourable), term("neutral", words.neutral), term("unfavourable", words.unfavourable)];
  const lines = [seen.heads(...HEAD), ...found.facets.map((one) => topicLine(seen, one, words.topic, "")), ...found.questions.map((one) => topicLine(seen, one, words.columns.question, one.facet))];
  const told = { name: "topics", caption: words.parts.topics, class: "answers-given", head, rows: found.facets.map((one) => facetRow(seen, one)), lines };
  const instead = asTable(told, words);
  return [chart("facets", seen.query, instead), instead, h("h3", {}, term("question.score", words.questions)), ...questions(seen, found)];
}

/** @param {Seen} seen @param {Facet | Question} one @param {string} kind @param {string | null} facet @returns {Line} */
function topicLine(seen, one, kind, facet) {
  const told = [one.key, kind, one.title, one.dimension ? seen.label("dimensions", one.dimension) : "", facet, ...seen.state(one)];
  if (one.status !== "ok") return told;
  return [...told, one.n, figure(one.score), figure(one.ci_low), figure(one.ci_high), ...[one.favourable, one.neutral, one.unfavourable].map(shareFigure), "dont_know" in one ? one.dont_know : ""];
}

/** @param {Seen} seen @param {Facet} one @returns {Row} */
function facetRow(seen, one) {
  if (one.status !== "ok") return { cells: [one.title, { colspan: 5, class: "why", content: [seen.hidden(one.reason)] }] };
  return { data: { key: one.key }, cells: [one.title, { class: "n", content: [number(one.n)] }, scored(one), ...[one.favourable, one.neutral, one.unfavourable].map((share) => (share === null ? "" : percent(share)))] };
}

/** Under their topics, opened one by one. @param {Seen} seen @param {Told} found */
function questions(seen, found) {
  const known = new Set(found.facets.map(({ key }) => key));
  const parts = found.facets.map((one) => ({ title: one.title, score: one.status === "ok" ? [scored(one)] : [seen.hidden(one.reason)], asked: found.questions.filter(({ facet }) => facet === one.key) }));
  const rest = { title: seen.words.rest, score: [], asked: found.questions.filter(({ facet }) => !known.has(facet ?? "")) };
  return [h("div", { class: "questions" }, ...[...parts, rest].filter(({ asked }) => asked.length).map(({ title, score, asked }) =>
    h("details", {}, h("summary", {}, h("span", {}, title), " ", ...score), h("ul", {}, ...asked.map((one) => h("li", {}, one.title, " ", said(seen, one)))))))];
}

/** @param {Seen} seen @param {Question} one */
function said(seen, one) {
  if (one.status !== "ok") return seen.hidden(one.reason);
  const { favourable, neutral, unfavourable, dont_know: unknown } = one;
  const { words } = seen;
  const shares = favourable === null || neutral === null || unfavourable === null ? [] :
    [`${percent(favourable)} ${lower(words.favourable)}`, `${percent(neutral)} ${lower(words.neutral)}`, `${percent(unfavourable)} ${lower(words.unfavourable)}`];
  const rest = [...shares, `n ${number(one.n)}`, ...(unknown === null ? [] : [`${lower(words.dont_know)} ${number(unknown)}`])];
  return h("span", {}, scored(one), " ", h("span", { class: "soft" }, rest.join(", ")));
}

// ---------------------------------------------------------------- who differs where

const MARKS = { higher: "higher", slightly_higher: "higher", lower: "lower", slightly_lower: "lower", practically_equal: "equal", inconclusive: "equal" };

/** @param {Seen} seen */
export function heatmap(seen) {
  const { words } = seen;
  const found = seen.answer("heatmap", "Heatmap");
  const rows = found?.groups.filter((one) => one !== found.groups[0] || one.group.kind !== "organization") ?? [];
  const top = Math.min(...rows.map(({ group }) => group.depth));
  const near = rows.filter(({ group }) => group.depth <= top + (seen.choice.team ? 1 : 0));
  if (!found || !near.length) return null;
  const told = {
    name: "heatmap", caption: words.parts.heatmap, class: "heat",
    head: [words.group, ...found.columns.map(({ title }) => ({ class: "tall", content: [h("span", {}, title)] }))],
    rows: near.map((one) => heatRow(seen, one, found.columns.length)), lines: heatLines(seen, found),
  };
  const instead = asTable(told, words);
  return [h("p", { class: "soft" }, words.heatmap_note, " ", term("heatmap.difference"), ", ", term("heatmap.q")), chart("heatmap", { ...seen.query, ...(seen.choice.by && { by: seen.groups }) }, instead), instead];
}

/** @param {Seen} seen @param {Schemas["Heatmap"]} found @returns {Line[]} */
function heatLines(seen, { groups, columns }) {
  const lines = groups.flatMap((one) => one.status !== "ok" ? [[one.group.id, one.group.name, "", "", ...seen.state(one)]] :
    one.cells.map((cell, n) => [one.group.id, one.group.name, columns[n]?.key, columns[n]?.title, ...seen.state(cell),
      ...(cell.status === "ok" ? [seen.label("verdicts", cell.state), figure(cell.difference), figure(cell.ci_low), figure(cell.ci_high), figure(cell.q, 3)] : [])]));
  return [seen.heads("code", "name", "column_code", "column", "status", "reason", "verdict", "difference", "difference_low", "difference_high", "q"), ...lines];
}

/** @param {Seen} seen @param {Schemas["HeatmapGroup"]} one @param {number} width @returns {Row} */
function heatRow(seen, one, width) {
  if (one.status !== "ok") return { cells: [one.group.name, { colspan: width, class: "why", content: [seen.hidden(one.reason)] }] };
  return { cells: [one.group.name, ...one.cells.map((cell) => cell.status === "ok"
    ? { class: MARKS[cell.state], content: [h("span", { title: seen.label("verdicts", cell.state) }, signed(cell.difference))] }
    : { class: "equal", content: [h("span", { title: seen.reason(cell.reason) }, h("span", { "aria-hidden": "true" }, "·"), h("span", { class: "unseen" }, seen.reason(cell.reason)))] })] };
}

// ---------------------------------------------------------------- choices and comments

/** @param {Seen} seen */
export function choices(seen) {
  const found = seen.answer("choices", "Choices")?.groups[0];
  if (found?.status !== "ok") return null;
  return found.questions.map((one) => one.status !== "ok"
    ? h("div", {}, h("h3", {}, one.title), h("p", {}, seen.hidden(one.reason)))
    : h("div", {}, h("h3", {}, one.title), asTable({
      name: `choices-${one.key}`, caption: one.title, class: "answers-given", head: [seen.words.option, term("choice.share", seen.words.share)],
      rows: one.options.map((option) => ({ cells: [option.title, share(seen, option)] })),
      lines: [seen.heads("question_code", "code", "title", "share", "share_low", "share_high"), ...one.options.map((/** @type {any} */ option) => [one.key, option.key, option.title, ...[option.share, option.ci_low, option.ci_high].map(shareFigure)])],
    }, seen.words)));
}

/** @param {Seen} seen @param {any} option */
const share = (seen, option) => (option.share === null || option.share === undefined ? seen.hidden(option.reason ?? "few") : percent(option.share));

/** In whatever language they were written, which is not kept. @param {Seen} seen */
export function comments(seen) {
  const found = seen.answer("comments", "Comments")?.groups[0];
  if (!found) return null;
  if (found.status !== "ok") return [h("p", {}, seen.hidden(found.reason))];
  const told = { name: "comments", caption: seen.words.parts.comments, lines: [seen.heads("comment"), ...found.comments.map((text) => [text])] };
  return [h("p", { class: "soft" }, seen.words.comments_note), h("p", { class: "tools" }, download(told, seen.words.csv)), h("ul", { class: "comments", tabindex: 0, "aria-label": seen.words.parts.comments }, ...found.comments.map((text) => h("li", { lang: "" }, text)))];
}
