/** What came after a round: who left, and how teams did; and the figures with noise to show to others. */

import { h } from "../respond/dom.js";
import { folded } from "./answers.js";
import { day, figure, lower, number, percent, range, shareFigure, signed } from "./numbers.js";
import { scored } from "./seen.js";
import { download, table } from "./tables.js";
import { term } from "./terms.js";

/**
 * @typedef {import("./seen.js").Seen} Seen
 * @typedef {import("./seen.js").Schemas} Schemas
 * @typedef {import("./tables.js").Row} Row
 * @typedef {import("./tables.js").Line} Line
 * @typedef {Schemas["KpiOutcome"]} Outcome
 */

const BOTH = /** @type {const} */ (["satisfaction", "engagement"]);

/** @param {Seen} seen */
export function outcomes(seen) {
  const found = seen.answer("outcomes", "Outcomes");
  if (!found) return null;
  const note = (/** @type {string} */ about) => found.notes.filter((one) => one.about === about).map(({ text }) => h("p", { class: "soft" }, text));
  return [...left(seen, found.turnover), ...note("turnover"), ...(found.kpis.length ? [...kpis(seen, found.kpis), ...note("kpis")] : [])];
}

// ---------------------------------------------------------------- who left

/** @param {Seen} seen @param {Schemas["Turnover"]} told */
function left(seen, told) {
  const { words } = seen;
  const title = h("h3", {}, term("turnover.rate"));
  if (told.status !== "ok") return [title, h("p", {}, seen.hidden(told.reason))];
  const shown = {
    name: "turnover", caption: words.turnover, head: [words.group, term("turnover.leavers", words.leavers), term("turnover.headcount", words.headcount), term("turnover.rate", words.per_year)],
    rows: told.groups.map((one) => leftRow(seen, one)), lines: [seen.heads("code", "name", "status", "reason", "leavers", "headcount", "turnover"), ...told.groups.map((one) => leftLine(seen, one))],
  };
  return [title, h("p", {}, words.left_between(day(told.starts_on), day(told.ends_on))), table(shown), download(shown, words.csv), ...associated(seen, told.association)];
}

/** @param {Seen} seen @param {Schemas["TurnoverGroup"]} one @returns {Row} */
const leftRow = (seen, one) => one.status === "ok"
  ? { cells: [one.group.name, number(one.leavers), number(one.headcount), percent(one.rate)] }
  : { cells: [one.group.name, { colspan: 3, class: "why", content: [seen.hidden(one.reason)] }] };

/** @param {Seen} seen @param {Schemas["TurnoverGroup"]} one @returns {Line} */
const leftLine = (seen, one) => [one.group.id, one.group.name, ...seen.state(one), ...(one.status === "ok" ? [one.leavers, figure(one.headcount), shareFigure(one.rate)] : [])];

/** @param {Seen} seen @param {Schemas["Leaving"]} found */
function associated(seen, found) {
  const { words } = seen;
  if (found.status !== "ok") return [h("p", {}, term("turnover.hazard_ratio"), ": ", seen.hidden(found.reason))];
  const ratioOf = (/** @type {"satisfaction" | "engagement"} */ measure) => found[measure].hazard_ratio;
  const shown = {
    name: "leaving", caption: words.leaving, head: [words.measure, term("turnover.hazard_ratio")],
    rows: BOTH.map((measure) => ({ cells: [seen.label("scales", measure), ratioCell(seen, ratioOf(measure), found.reasons[`${measure}.hazard_ratio`])] })),
    lines: [seen.heads("code", "measure", "ratio", "ratio_low", "ratio_high"), ...BOTH.map((measure) => { const one = ratioOf(measure); return [measure, seen.label("scales", measure), ...[one?.ratio, one?.ci_low, one?.ci_high].map((value) => figure(value, 2))]; })],
  };
  return [table(shown), download(shown, words.csv)];
}

/** @param {Seen} seen @param {Schemas["Ratio"] | null} found @param {string} [reason] */
const ratioCell = (seen, found, reason) => (found ? scored({ score: found.ratio, ci_low: found.ci_low, ci_high: found.ci_high }, 2) : seen.hidden(reason));

// ---------------------------------------------------------------- how teams did

/** @param {Seen} seen @param {Outcome[]} found */
function kpis(seen, found) {
  const { words } = seen;
  const told = {
    name: "kpis", caption: words.kpis, head: [words.kpi, words.period, { class: "n", content: [words.teams_compared] }, ...BOTH.map((measure) => term("kpis.wave.r", words.with(lower(seen.label("scales", measure)))))],
    rows: found.map((one) => kpiRow(seen, one)), lines: [seen.heads("code", "kpi", "unit", "better", "period", "status", "reason", "teams", ...BOTH.flatMap((one) => [`r_${one}`, `r_${one}_low`, `r_${one}_high`])), ...found.map((one) => kpiLine(seen, one))],
  };
  const teams = { name: "kpis-teams", caption: words.kpis_by_team, head: [words.team, words.kpi, { class: "n", content: [words.value] }, ...BOTH.map((measure) => ({ class: "n", content: [seen.label("scales", measure)] }))], ...points(seen, found) };
  return [h("h3", {}, words.kpis), h("div", { class: "wide", role: "group", tabindex: 0, "aria-label": told.caption }, table(told)), download(told, words.csv), ...(teams.rows.length ? [folded(teams, words)] : [])];
}

/** @param {Seen} seen @param {Outcome} one @returns {Row} */
function kpiRow(seen, { kpi, wave }) {
  const title = kpi.unit ? `${titleOf(seen, kpi)} (${kpi.unit})` : titleOf(seen, kpi);
  if (wave.status === "undefined") return { cells: [title, wave.period ?? "", { colspan: 3, class: "why", content: [seen.hidden(wave.reason)] }] };
  if (wave.status !== "ok") return { cells: [title, wave.period, { class: "n", content: [number(wave.n)] }, { colspan: 2, class: "why", content: [seen.hidden(wave.reason)] }] };
  return { cells: [title, wave.period, { class: "n", content: [number(wave.n)] }, ...BOTH.map((measure) => {
    const { r, ci_low: low, ci_high: high } = wave[measure];
    return r === null ? seen.hidden(wave.reasons[`${measure}.r`]) : h("span", { class: "number" }, h("b", {}, signed(r, 2)), " ", h("span", { class: "soft" }, range(low, high, 2, true)));
  })] };
}

/** @param {Seen} seen @param {Outcome} one @returns {Line} */
function kpiLine(seen, { kpi, wave }) {
  const told = [kpi.key, titleOf(seen, kpi), kpi.unit, seen.label("better", kpi.better), wave.period, ...seen.state(wave)];
  if (wave.status !== "ok") return [...told, "n" in wave ? wave.n : ""];
  return [...told, wave.n, ...BOTH.flatMap((measure) => [wave[measure].r, wave[measure].ci_low, wave[measure].ci_high]).map((value) => figure(value, 2))];
}

/** Each team beside its scores as they are shown elsewhere. @param {Seen} seen @param {Outcome[]} found */
function points(seen, found) {
  const all = found.flatMap(({ kpi, wave }) => ("points" in wave ? wave.points.map((point) => ({ kpi, point })) : []));
  return {
    rows: all.map(({ kpi, point }) => ({ cells: [point.name, titleOf(seen, kpi), ...[value(point.value), number(point.satisfaction), number(point.engagement)].map((text) => ({ class: "n", content: [text] }))] })),
    lines: [seen.heads("code", "name", "kpi_code", "kpi", "value", "satisfaction", "engagement"), ...all.map(({ kpi, point }) => [point.team, point.name, kpi.key, titleOf(seen, kpi), figure(point.value, digitsOf(point.value)), figure(point.satisfaction), figure(point.engagement)])],
  };
}

/** As it was given, within reason. @param {number} given */
const digitsOf = (given) => Math.min(3, (String(given).split(".")[1] ?? "").length);

/** @param {number} given */
const value = (given) => number(given, digitsOf(given));

/** @param {Seen} seen @param {Schemas["OutcomeKpi"]} kpi */
const titleOf = ({ language }, { key, title }) => title[language] ?? Object.values(title)[0] ?? key;

// ---------------------------------------------------------------- to show to others

/** Nothing where it is off. @param {Seen} seen */
export function benchmark(seen) {
  const scores = seen.answer("benchmark", "Benchmark")?.scores;
  if (!scores || (scores.status !== "ok" && scores.reason === "benchmarks_off")) return null;
  if (scores.status !== "ok") return [h("p", {}, seen.hidden(scores.reason))];
  const { words } = seen;
  const told = {
    name: "benchmark", caption: words.parts.benchmark, head: [words.measure, term("benchmark.score", words.score)],
    rows: BOTH.map((measure) => ({ cells: [seen.label("scales", measure), number(scores[measure], 1)] })),
    lines: [seen.heads("code", "measure", "benchmark", "n", "epsilon"), ...BOTH.map((measure) => [measure, seen.label("scales", measure), figure(scores[measure], 1), scores.n, figure(scores.epsilon, 2)])],
  };
  return [h("p", { class: "soft" }, words.benchmark_note), table(told), download(told, words.csv)];
}
