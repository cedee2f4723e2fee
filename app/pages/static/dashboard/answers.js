/** The first screen: where we stand, whether that is different, what first, and who is not in it and why. */

import { h } from "../respond/dom.js";
import { chart } from "./charts.js";
import { day, figure, lower, number, percent, range, shareFigure, signed } from "./numbers.js";
import { scored } from "./seen.js";
import { around, interval, strip } from "./strips.js";
import { download, table } from "./tables.js";
import { term } from "./terms.js";

/**
 * @typedef {import("./seen.js").Seen} Seen
 * @typedef {import("./seen.js").Schemas} Schemas
 * @typedef {Schemas["Change"]} Change
 * @typedef {import("./tables.js").Row} Row
 * @typedef {import("./tables.js").Line} Line
 */

/** @type {("satisfaction" | "engagement" | "enps")[]} */
const MEASURES = ["satisfaction", "engagement", "enps"];
const TERMS = { satisfaction: "satisfaction.score", engagement: "engagement.score", enps: "enps.score" };
const SURE = 0.99;

/** The finding, in the words of the verdicts. @param {Seen} seen */
export function finding(seen) {
  const { whole, words, overview } = seen;
  const who = seen.choice.team || whole.group.kind === "team" ? `${whole.group.name}: ` : "";
  if (whole.status !== "ok") return `${who}${lower(seen.reason(whole.reason))}`;
  const [satisfaction, engagement] = MEASURES.slice(0, 2).map((measure) => changeOf(seen, measure));
  if (satisfaction?.status !== "ok" || engagement?.status !== "ok") return `${who}${overview.survey.name}`;
  const before = seen.wave(satisfaction.from_survey)?.label ?? "";
  if (satisfaction.verdict === "inconclusive" && engagement.verdict === "inconclusive") return `${who}${who ? lower(words.no_verdict(before)) : words.no_verdict(before)}`;
  const verdict = (/** @type {string} */ code) => lower(seen.label("verdicts", code));
  const names = MEASURES.map((measure) => seen.label("scales", measure));
  const said = satisfaction.verdict === engagement.verdict
    ? `${names[0]} ${words.and} ${lower(names[1] ?? "")} ${verdict(engagement.verdict)}`
    : `${names[0]} ${verdict(satisfaction.verdict)}, ${lower(names[1] ?? "")} ${verdict(engagement.verdict)}`;
  return `${who}${who ? lower(said) : said} ${words.since(before)}`;
}

/** @param {Seen} seen */
export function about(seen) {
  const { overview: { survey, release, ci_level: level }, whole, words, zone } = seen;
  const { n, invited } = whole.status === "ok" ? whole : { n: null, invited: null };
  const people = n === null ? null : words.people(number(n), invited === null ? null : number(invited));
  return `${seen.context.organization.name} · ` + words.about(people ?? whole.group.name, survey.name, day(release.released_at, zone), number(100 * level)) + (release.final ? "" : ` · ${words.rolling}`);
}

/** @param {Seen} seen */
export const answers = (seen) => [
  answer("stand", seen, ...standing(seen)),
  answer("change", seen, ...changes(seen)),
  answer("first", seen, ...first(seen)),
  answer("hidden", seen, hidden(seen)),
];

/** @param {"stand" | "change" | "first" | "hidden"} name @param {Seen} seen @param {Node[]} content */
const answer = (name, { words }, ...content) =>
  h("section", { class: `answer ${name}`, "aria-labelledby": `answer-${name}` }, h("h2", { id: `answer-${name}` }, words.answers[name]), ...content);

// ---------------------------------------------------------------- where do we stand

/** @param {Seen} seen */
function standing(seen) {
  const { whole, words } = seen;
  if (whole.status !== "ok") return [h("p", {}, seen.hidden(whole.reason))];
  const one = (/** @type {"satisfaction" | "engagement"} */ measure) => h("div", { "data-measure": measure },
    h("dt", {}, term(TERMS[measure], seen.label("scales", measure))), h("dd", {}, scored(whole[measure]), " ", h("span", { class: "soft" }, term("n", `n ${number(whole.n)}`))));
  return [h("dl", { class: "scores" }, one("satisfaction"), one("engagement")), h("p", { id: "position" }, position(seen)),
    chart("quadrants", { ...seen.query, ...(seen.choice.by && { by: seen.groups }) }), h("p", { class: "soft" }, distinctness(seen)),
    ...(whole.precision === "banded" ? [h("p", { class: "soft" }, words.rounded)] : [])];
}

/** @param {Seen} seen */
function position(seen) {
  const { whole, words } = seen;
  if (whole.status !== "ok") return "";
  if (!whole.position) return words.no_place(lower(seen.reason(whole.reasons.position)));
  const { quadrant, probability, probabilities } = whole.position;
  const name = (/** @type {string} */ code) => seen.label("quadrants", code);
  if (quadrant !== "undetermined") return words.surely(name(quadrant), probability > SURE ? words.over : percent(probability));
  const [most, next] = Object.entries(probabilities).sort(([, one], [, other]) => other - one);
  return most && next ? words.unsure(name(most[0]), percent(most[1]), name(next[0]), percent(next[1])) : "";
}

/** @param {Seen} seen */
function distinctness(seen) {
  const { distinctness: found, reasons } = seen.overview;
  const said = found ? seen.label("verdicts", found.verdict) : seen.reason(reasons.distinctness);
  return h("span", {}, `${said}: `, term("distinctness.htmt", seen.words.apart));
}

// ---------------------------------------------------------------- is it different

/** @param {Seen} seen @param {string} measure @returns {Change | undefined} */
function changeOf({ whole }, measure) {
  return whole.status === "ok" ? whole.changes.find((one) => one.measure === measure) : undefined;
}

/** @param {Seen} seen */
function changes(seen) {
  const { words } = seen;
  const told = {
    name: "change", caption: words.answers.change, class: "verdicts", head: [words.measure, "", "", ""],
    rows: MEASURES.map((measure) => changed(seen, measure)), lines: [seen.heads("code", "measure", "status", "reason", "verdict", "difference", "difference_low", "difference_high", "q", "n_before", "n_after"), ...MEASURES.map((measure) => changeLine(seen, measure))],
  };
  return [table(told), h("details", { class: "aside" }, h("summary", {}, words.verdict), h("p", {}, words.verdict_meaning, " ", term("change.difference"), ", ", term("change.q"), ", ", term("smallest_change"), ". ",
      download(told, words.csv)))];
}

/** Why nothing is said of a change: the group itself is hidden, or was in the round before, or there was none. @param {Seen} seen */
function unsaid(seen) {
  const { whole, overview: { survey } } = seen;
  if (whole.status !== "ok") return whole;
  const points = seen.answer("trends", "Trends")?.groups.find((one) => one.group.id === whole.group.id)?.points ?? [];
  const earlier = points[points.findIndex((one) => one.survey === survey.id) - 1];
  return earlier && earlier.status !== "ok" ? earlier : { status: "undefined", reason: "no_earlier_wave" };
}

/** @param {{precision: string}} change */
const digitsOf = ({ precision }) => (precision === "exact" ? 1 : 0);

/** @param {Seen} seen @param {string} measure @returns {Line} */
function changeLine(seen, measure) {
  const found = changeOf(seen, measure) ?? unsaid(seen);
  const told = [measure, seen.label("scales", measure), ...seen.state(found)];
  if (!("measure" in found) || found.status !== "ok") return told;
  const digits = digitsOf(found);
  return [...told, seen.label("verdicts", found.verdict), figure(found.difference, digits), figure(found.ci_low, digits), figure(found.ci_high, digits), figure(found.q, 3), found.n_before, found.n_after];
}

/** @param {Seen} seen @param {"satisfaction" | "engagement" | "enps"} measure @returns {Row} */
function changed(seen, measure) {
  const found = changeOf(seen, measure);
  const title = term(TERMS[measure], seen.label("scales", measure));
  if (found?.status !== "ok") return { cells: [title, { content: [seen.hidden((found ?? unsaid(seen)).reason)], colspan: 3 }] };
  const digits = digitsOf(found);
  const points = [found.from_survey, found.to_survey].map((survey) => pointOf(seen, survey, measure));
  const [was, is] = points;
  const from = was && is ? `○ ${number(was.score)} → ● ${number(is.score)} · ` : "";
  const strips = was && is ? [pair(was, is)] : [];
  return { cells: [title, { class: "verdict", content: [h("b", {}, seen.label("verdicts", found.verdict))] },
    { content: [h("span", { class: "number" }, signed(found.difference, digits), " ", h("span", { class: "soft" }, range(found.ci_low, found.ci_high, digits, true))),
      h("span", { class: "soft line" }, `${from}n ${number(found.n_before)} → ${number(found.n_after)}`)] },
    { class: "strips", content: strips }] };
}

/** @param {import("./seen.js").Scored} was @param {import("./seen.js").Scored} is */
function pair(was, is) {
  const both = [interval(was, "was"), interval(is, "is")];
  const scale = around(both, 5);
  return h("span", { class: "ends" }, h("span", {}, number(scale[0])), strip(both, scale, null, 90), h("span", {}, number(scale[1])));
}

/** @param {Seen} seen @param {string} survey @param {"satisfaction" | "engagement" | "enps"} measure */
function pointOf(seen, survey, measure) {
  const group = seen.answer("trends", "Trends")?.groups.find((one) => one.group.id === seen.whole.group.id);
  const point = group?.points.find((one) => one.survey === survey);
  return point?.status === "ok" ? point[measure] : null;
}

// ---------------------------------------------------------------- what first

/** @param {Seen} seen */
export const leversOf = (seen) => seen.answer("levers", "Levers")?.groups[0] ?? null;

/** @param {Seen} seen */
function first(seen) {
  const { words } = seen;
  const found = leversOf(seen);
  if (!found) return [h("p", { class: "soft" }, words.failed)];
  if (found.status !== "ok") return [h("p", {}, `${words.not_here} ${lower(seen.reason(found.reason))}`)];
  const scale = around([...found.levers.flatMap((one) => (one.status === "ok" ? [interval(one, "is")] : [])), { low: found.target, score: found.target, high: found.target + 1, kind: "is" }], 5);
  const told = {
    name: "levers", caption: words.answers.first, class: "levers",
    head: [words.lever, term("levers.score", words.score), term("levers.importance", words.weight), { class: "strips", content: [h("span", { class: "soft line" }, "┊ ", term("levers.target", words.target(number(found.target)))), h("span", { class: "ends" }, h("span", {}, number(scale[0])), h("span", {}, number(scale[1])))] }],
    rows: found.levers.map((one) => leverRow(seen, one, found.target, scale)),
    lines: [seen.heads("code", "lever", "status", "reason", "n", "score", "score_low", "score_high", "importance", "rank_probability", "is_top"), ...found.levers.map((one) => leverLine(seen, one))],
  };
  return [h("p", { class: "sentence" }, found.text), ...certainty(seen, found), table(told), download(told, words.csv)];
}

/** How sure the first is, and what today's numbers alone would say. @param {Seen} seen @param {Extract<Schemas["LeversGroup"], {status: "ok"}>} found */
function certainty(seen, { top, levers }) {
  const { words } = seen;
  const ranked = levers.flatMap((one) => (one.status === "ok" && one.priority !== null ? [one] : []));
  const first = ranked.find((one) => one.lever === top);
  if (!first || first.rank_probability === null) return [];
  const highest = ranked.reduce((one, other) => ((other.priority ?? 0) > (one.priority ?? 0) ? other : one), first);
  return [h("p", { class: "soft" }, ...(highest === first ? [] : [words.higher_now(seen.label("levers", highest.lever)), " "]), term("levers.rank_probability"))];
}

/** @param {Seen} seen @param {Schemas["Lever"]} one @returns {Line} */
function leverLine(seen, one) {
  const told = [one.lever, seen.label("levers", one.lever), ...seen.state(one)];
  if (one.status !== "ok") return told;
  return [...told, one.n, figure(one.score), figure(one.ci_low), figure(one.ci_high), shareFigure(one.importance), shareFigure(one.rank_probability), one.is_top ? seen.words.yes : seen.words.no];
}

/** @param {Seen} seen @param {Schemas["Lever"]} one @param {number} target @param {[number, number]} scale @returns {Row} */
function leverRow(seen, one, target, scale) {
  const title = seen.label("levers", one.lever);
  if (one.status !== "ok") return { cells: [title, { content: [seen.hidden(one.reason)], colspan: 3 }] };
  return { cells: [h("span", { class: one.is_top ? "top" : "" }, title), scored(one), one.importance === null ? "" : percent(one.importance),
    { class: "strips", content: [strip([interval(one, one.is_top ? "is" : "was")], scale, target, 140)] }] };
}

/** A table that a chart takes the place of where there is one, and the numbers to take along.
 * @param {import("./tables.js").Table} told @param {import("./words.js").Words} words @returns {any} */
export const asTable = (told, words) =>
  h("details", { class: "as-table", open: true }, h("summary", {}, words.as_table), h("div", { class: "wide", role: "group", tabindex: 0, "aria-label": told.caption }, table(told)), download(told, words.csv));

/** One that stays folded until somebody wants it. @param {import("./tables.js").Table} told @param {import("./words.js").Words} words */
export function folded(told, words) {
  const shown = asTable(told, words);
  shown.open = false;
  shown.classList.add("folded");
  shown.querySelector("summary").textContent = told.caption;
  return shown;
}

// ---------------------------------------------------------------- who is not in it

/** By reason, the names: never a number, nor a gap. @param {Seen} seen */
function hidden(seen) {
  const { words } = seen;
  /** @type {Map<string, Set<string>>} */
  const held = new Map();
  const hide = (/** @type {{status: string, reason?: string}} */ one, /** @type {string} */ name) => {
    if (one.status === "ok" || !one.reason) return;
    held.set(one.reason, (held.get(one.reason) ?? new Set()).add(name));
  };
  for (const one of seen.overview.groups) hide(one, one.group.name);
  const facets = seen.answer("facets", "Facets")?.groups[0];
  if (facets) hide(facets, words.parts.topics);
  if (facets?.status === "ok") for (const one of facets.facets) hide(one, one.title);
  const levers = leversOf(seen);
  if (levers) hide(levers, words.parts.levers);
  if (levers?.status === "ok") for (const one of levers.levers) hide(one, seen.label("levers", one.lever));
  const comments = seen.answer("comments", "Comments")?.groups[0];
  if (comments) hide(comments, words.parts.comments);
  if (!held.size) return h("p", {}, facets && levers ? words.all_shown : words.failed);
  return h("dl", { class: "hidden-groups" }, ...[...held].map(([code, names]) =>
    h("div", { "data-reason": code }, h("dt", {}, [...names].join(", ")), h("dd", {}, `${seen.reason(code)}.`))));
}
