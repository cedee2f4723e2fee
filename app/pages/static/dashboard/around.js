/** What surrounds the answers: who gave them, change over the rounds, recognition, and who has something to celebrate. */

import { h } from "../respond/dom.js";
import { asTable, folded } from "./answers.js";
import { chart } from "./charts.js";
import { day, figure, lower, number, percent, range, shareFigure, signed } from "./numbers.js";
import { scored } from "./seen.js";
import { interval, strip } from "./strips.js";
import { download } from "./tables.js";
import { term } from "./terms.js";

/**
 * @typedef {import("./seen.js").Seen} Seen
 * @typedef {import("./seen.js").Schemas} Schemas
 * @typedef {import("./tables.js").Row} Row
 * @typedef {import("./tables.js").Line} Line
 */

const MEASURES = /** @type {const} */ (["satisfaction", "engagement", "gap", "enps"]);

/** @param {Seen} seen */
export function rounds(seen) {
  const { words } = seen;
  const found = seen.answer("trends", "Trends");
  const group = found?.groups[0];
  if (!found || !group) return null;
  const told = {
    name: "trend", caption: words.parts.change, class: "rounds",
    head: [words.wave, { class: "n", content: [term("n", words.n)] }, term("satisfaction.score", words.satisfaction), term("engagement.score", words.engagement), term("gap.mean", words.gap), term("enps.score", "eNPS")],
    rows: group.points.map((point) => pointRow(seen, point)), lines: [seen.heads("code", "wave", "released", "status", "reason", "n", ...MEASURES.flatMap((one) => [one, `${one}_low`, `${one}_high`])), ...group.points.map((point) => pointLine(seen, point))],
  };
  const instead = asTable(told, words);
  return [chart("trend", seen.query, instead), instead, waves(seen)];
}

/** @param {Seen} seen @param {Schemas["Point"]} point @returns {Row} */
function pointRow(seen, point) {
  const title = seen.wave(point.survey)?.label ?? day(point.released_at, seen.zone);
  if (point.status !== "ok") return { cells: [title, { colspan: 5, class: "why", content: [seen.hidden(point.reason)] }] };
  return { cells: [title, { class: "n", content: [number(point.n)] }, ...MEASURES.map((measure) => {
    const one = point[measure];
    if (!one) return h("span", { class: "why" }, lower(seen.reason(point.reasons[measure])));
    return measure === "gap" ? h("span", { class: "number" }, signed(one.score), " ", h("span", { class: "soft" }, range(one.ci_low, one.ci_high, 0, true))) : scored(one);
  })] };
}

/** @param {Seen} seen @param {Schemas["Point"]} point @returns {Line} */
function pointLine(seen, point) {
  const told = [point.survey, seen.wave(point.survey)?.label, day(point.released_at, seen.zone), ...seen.state(point)];
  if (point.status !== "ok") return told;
  return [...told, point.n, ...MEASURES.flatMap((one) => [point[one]?.score, point[one]?.ci_low, point[one]?.ci_high]).map((value) => figure(value))];
}

/** The rounds there are, of every series. @param {Seen} seen */
function waves(seen) {
  const { words, zone } = seen;
  const found = seen.context.waves;
  const told = {
    name: "waves", caption: words.all_waves, head: [words.wave, words.columns.survey, words.columns.series, words.columns.opened, words.columns.closed, words.columns.released],
    rows: found.map(({ label, survey, release }) => ({ cells: [label, survey.name, survey.series ?? words.no_series, ...[survey.opened_at, survey.closed_at, release.released_at].map((at) => (at ? day(at, zone) : ""))] })),
    lines: [seen.heads("code", "wave", "survey", "series", "mode", "questionnaire", "opened", "closed", "released", "minimum"), ...found.map(({ label, survey, release }) => [survey.id, label, survey.name, survey.series,
      seen.label("modes", survey.mode), survey.questionnaire, ...[survey.opened_at, survey.closed_at, release.released_at].map((at) => (at ? day(at, zone) : "")), survey.minimum_group_size])],
  };
  return folded(told, words);
}

// ---------------------------------------------------------------- who gave them

/** @param {Seen} seen */
export function participation(seen) {
  const { words } = seen;
  const found = seen.answer("participation", "Participation");
  const groups = found?.groups.filter(({ group }) => group.depth <= (seen.whole.group.kind === "team" ? seen.whole.group.depth + 1 : 0)) ?? [];
  if (!found || !groups.length) return null;
  const told = {
    name: "response", caption: words.parts.participation, class: "response",
    head: [words.group, { class: "n", content: [term("responded", words.responded)] }, { class: "n", content: [term("invited", words.invited)] }, { class: "n", content: [term("response_rate", words.rate)] }, term("participation.bounds", words.bounds)],
    rows: groups.map((one) => responseRow(seen, one)), lines: [seen.heads("code", "name", "status", "reason", "responded", "invited", "response_rate", "engagement", "bound_low", "bound_high"), ...found.groups.map((one) => responseLine(seen, one))],
  };
  const instead = asTable(told, words);
  return [chart("participation", { ...seen.query, ...(seen.choice.by && { by: seen.groups }) }, instead), instead, h("p", { class: "soft" }, words.bounds_note)];
}

/** @param {Seen} seen @param {Schemas["ParticipationGroup"]} one @returns {Row} */
function responseRow(seen, one) {
  if (one.status !== "ok") return { cells: [one.group.name, { colspan: 4, class: "why", content: [seen.hidden(one.reason)] }] };
  const { words } = seen;
  const { bound_low: low, bound_high: high } = one.engagement;
  const why = (/** @type {string} */ member) => h("span", { class: "why" }, lower(seen.reason(one.reasons[member])));
  const isWhole = one.invited !== null && one.responded === one.invited;
  return { cells: [one.group.name, { class: "n", content: [number(one.responded)] }, { class: "n", content: [one.invited === null ? why("invited") : number(one.invited)] },
    { class: "n", content: [one.response_rate === null ? "" : isWhole ? words.everybody : percent(one.response_rate)] },
    low === null || high === null || isWhole ? "" : words.between(number(low), number(high))] };
}

/** @param {Seen} seen @param {Schemas["ParticipationGroup"]} one @returns {Line} */
function responseLine(seen, one) {
  const told = [one.group.id, one.group.name, ...seen.state(one)];
  if (one.status !== "ok") return told;
  return [...told, one.responded, one.invited, shareFigure(one.response_rate), ...[one.engagement.score, one.engagement.bound_low, one.engagement.bound_high].map((value) => figure(value))];
}

// ---------------------------------------------------------------- recognition

/** @param {Seen} seen */
export function recognition(seen) {
  const { words } = seen;
  const found = seen.answer("recognition", "RecognitionMetrics");
  const whole = found?.groups[0];
  if (!found || !whole) return null;
  if (whole.status !== "ok") return [h("p", {}, seen.hidden(whole.reason))];
  const [first, last] = [day(found.from), day(found.until)];
  if (!whole.events) return [h("p", {}, words.no_recognition(first, last))];
  const rate = `${number(whole.rate.per_person_month, 2)} ${range(whole.rate.ci_low, whole.rate.ci_high, 2)}`;
  const told = {
    name: "recognition", caption: words.parts.recognition, class: "months",
    head: [words.month, { class: "n", content: [term("n", words.n)] }, term("coverage_30", words.received), term("giver_share", words.gave), term("rate", words.per_month), { class: "strips", content: [h("span", { class: "unseen" }, words.per_month)] }],
    rows: found.months.map((one) => monthRow(seen, one)), lines: [seen.heads("month", "status", "reason", "people", "events", "received", "gave", "per_month", "per_month_low", "per_month_high"), ...found.months.map((one) => monthLine(seen, one))],
  };
  const instead = asTable(told, words);
  return [h("p", {}, words.recognition(percent(whole.coverage_30), rate, number(whole.events), first, last)), ...association(seen),
    chart("recognition", { team: seen.choice.team, from: found.from }, instead), instead, chart("recognition-network", { team: seen.choice.team, from: found.from })];
}

/** @param {Seen} seen */
function association(seen) {
  const found = seen.answer("link", "RecognitionEngagement")?.groups[0];
  if (found?.status !== "ok") return [];
  return [h("p", { class: "soft" }, seen.choice.team ? `${seen.words.whole_only} ` : "", found.text, " ", term("recognition_engagement.association"))];
}

/** @param {Seen} seen @param {Schemas["RecognitionPeriod"]} one @returns {Row} */
function monthRow(seen, { from, result }) {
  const title = day(from, "UTC", { month: "long", year: "numeric" });
  if (result.status !== "ok") return { cells: [title, { colspan: 5, class: "why", content: [seen.hidden(result.reason)] }] };
  const { per_person_month: score, ci_low, ci_high } = result.rate;
  return { cells: [title, { class: "n", content: [number(result.n)] }, percent(result.coverage_30), percent(result.giver_share), scored({ score, ci_low, ci_high }, 2),
    { class: "strips", content: [strip([interval({ score, ci_low, ci_high }, "is")], [0, Math.max(1, Math.ceil(ci_high))], null, 100)] }] };
}

/** @param {Seen} seen @param {Schemas["RecognitionPeriod"]} one @returns {Line} */
function monthLine(seen, { from, result }) {
  const told = [from.slice(0, 7), ...seen.state(result)];
  if (result.status !== "ok") return told;
  const { per_person_month: rate, ci_low: low, ci_high: high } = result.rate;
  return [...told, result.n, result.events, shareFigure(result.coverage_30), shareFigure(result.giver_share), ...[rate, low, high].map((value) => figure(value, 2))];
}

// ---------------------------------------------------------------- who celebrates

/** @param {Seen} seen @param {{from: string, to: string}} days */
export function calendar(seen, { from, to }) {
  const { words } = seen;
  const found = seen.answer("calendar", "OccurrencePage");
  if (!found) return null;
  const days = [...new Set(found.items.map((one) => one.celebrated_on))].sort();
  const listed = days.map((date) => h("div", {}, h("dt", {}, day(date, "UTC", { weekday: "short", day: "numeric", month: "short" })),
    ...found.items.filter((one) => one.celebrated_on === date).map((one) => h("dd", {}, one.person.name, " ", h("span", { class: "soft" }, occasion(seen, one))))));
  const told = { name: "calendar", caption: words.parts.calendar,
    lines: [seen.heads("date", "celebrated", "code", "name", "what", "team"), ...found.items.map((one) => [one.date, one.celebrated_on, one.person.external_id, one.person.name, occasion(seen, one), one.team_name])] };
  return [h("p", {}, words.calendar(day(from), day(to))), ...celebrations(seen), listed.length ? h("dl", { class: "days" }, ...listed) : h("p", {}, words.nobody), ...(listed.length ? [download(told, words.csv)] : []),
    ...(found.next_cursor ? [h("p", { class: "soft" }, words.first_days(found.items.length))] : []), h("p", {}, h("a", { class: "link", href: "calendar" }, words.to_calendar))];
}

/** @param {Seen} seen @param {Schemas["Occurrence"]} one */
function occasion(seen, { kind, label, relation, years }) {
  const said = kind === "family_birthday" && (label ?? relation) ? seen.words.birthday_of(label ?? relation ?? "", label ? relation : null) : label ?? lower(seen.label("kinds", kind));
  return years ? `${said}, ${seen.words.years(number(years, Number.isInteger(years) ? 0 : 1))}` : said;
}

/** @param {Seen} seen */
function celebrations(seen) {
  const told = seen.answer("celebrations", "CelebrationMetrics");
  const found = told?.groups[0];
  if (!told || !found) return [];
  if (found.status !== "ok") return [h("p", {}, `${told.period}: `, seen.hidden(found.reason))];
  return [h("p", { class: "soft" }, seen.words.celebrations(told.period, number(found.due), percent(found.coverage), percent(found.on_time)), " ", term("celebrations.coverage"), ", ", term("celebrations.on_time"))];
}
