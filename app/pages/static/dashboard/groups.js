/** Every group in one table: the tree of teams, opened level by level, or the categories of a segment. */

import { h } from "../respond/dom.js";
import { chart } from "./charts.js";
import { figure, lower, number, range, signed } from "./numbers.js";
import { scored } from "./seen.js";
import { interval, strip } from "./strips.js";
import { download, table } from "./tables.js";
import { term } from "./terms.js";

/**
 * @typedef {import("./seen.js").Seen} Seen
 * @typedef {import("./seen.js").OverviewGroup} Group
 * @typedef {import("./seen.js").Shown} Shown
 * @typedef {import("./tables.js").Row} Row
 * @typedef {import("./tables.js").Line} Line
 */

const HEAD = ["code", "name", "parent", "status", "reason", "precision", "n", "invited", "satisfaction", "satisfaction_low", "satisfaction_high",
  "engagement", "engagement_low", "engagement_high", "gap", "gap_low", "gap_high", "quadrant", "enps", "enps_low", "enps_high"];

/** @param {Seen} seen */
export function groups(seen) {
  const { words, overview } = seen;
  const found = overview.groups.filter(({ group }) => !seen.choice.by || group.kind !== "team");
  const shown = found.filter((/** @type {Group} */ one) => one.status === "ok");
  const scale = scaleOf(shown);
  const told = {
    name: seen.choice.by ? "segments" : "teams", caption: seen.choice.by ? words.parts.segments : words.parts.teams, class: "groups",
    head: [words.group, { class: "n", content: [term("n", words.n)] }, term("satisfaction.score", words.satisfaction), term("engagement.score", words.engagement),
      { class: "strips", content: [h("span", { class: "ends" }, h("span", {}, number(scale[0])), h("span", { class: "unseen" }, words.both), h("span", {}, number(scale[1])))] },
      term("gap.mean", words.gap), term("position.probability", words.place)],
    rows: found.map((one) => row(seen, one, scale)), lines: [seen.heads(...HEAD), ...found.map((one) => line(seen, one))],
  };
  const drawn = table(told);
  const unfold = h("button", { type: "button", class: "unfold" });
  unfold.addEventListener("click", () => fold(drawn, unfold, seen, unfold.getAttribute("aria-expanded") !== "true"));
  drawn.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-fold]");
    button?.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
    if (button) fold(drawn, unfold, seen);
  });
  fold(drawn, unfold, seen, false);
  return [h("p", { class: "soft" }, words.groups_lead, " ", words.both, "."), h("p", { class: "tools" }, unfold, download(told, words.csv)), drawn,
    chart("gap", { ...seen.query, ...(seen.choice.by && { by: seen.groups }) }), h("p", { class: "soft" }, words.gap_note)];
}

/** @param {Group[]} shown @returns {[number, number]} */
function scaleOf(shown) {
  const lows = shown.flatMap((one) => (one.status === "ok" ? [one.satisfaction, one.engagement].map(({ score, ci_low: low }) => low ?? score) : []));
  return [Math.floor(Math.min(60, ...lows) / 10) * 10, 100];
}

/** @param {Seen} seen @param {Group} one @returns {Line} */
function line(seen, one) {
  const { id, name, parent } = one.group;
  const told = [id, name, parent, ...seen.state(one)];
  if (one.status !== "ok") return [...told, "", "n" in one ? one.n : ""];
  const enps = one.enps.status === "ok" ? one.enps : null;
  const figures = [one.satisfaction.score, one.satisfaction.ci_low, one.satisfaction.ci_high, one.engagement.score, one.engagement.ci_low, one.engagement.ci_high, one.gap.mean, one.gap.ci_low, one.gap.ci_high];
  return [...told, seen.label("precisions", one.precision), one.n, one.invited, ...figures.map((value) => figure(value)),
    one.position ? seen.label("quadrants", one.position.quadrant) : seen.reason(one.reasons.position), figure(enps?.score), figure(enps?.ci_low), figure(enps?.ci_high)];
}

/** @param {Seen} seen @param {Group} one @param {[number, number]} scale @returns {Row} */
function row(seen, one, scale) {
  const { id, name, parent, depth } = one.group;
  const top = seen.whole.group;
  const level = one === seen.whole ? 0 : depth - (top.kind === "team" ? top.depth : -1);
  const data = { level: String(level), id: id ?? "", parent: parent ?? "" };
  const hasParts = level > 0 && seen.overview.groups.some(({ group }) => group.parent === id && id !== null && group.kind === "team");
  const button = hasParts ? [h("button", { type: "button", class: "fold", "data-fold": true, "aria-expanded": "false", "aria-label": seen.words.below(name) })] : [];
  const title = { class: "name", content: [...button, name] };
  if (one.status !== "ok") return { data, cells: [title, { class: "why", colspan: 6, content: [seen.hidden(one.reason)] }] };
  const of = one.invited === null ? [] : [h("span", { class: "soft" }, ` ${seen.words.of} ${number(one.invited)}`)];
  return { data, cells: [title, { class: "n", content: [number(one.n), ...of] },
    { class: "satisfaction", content: [scored(one.satisfaction), verdict(seen, one, "satisfaction")] },
    { class: "engagement", content: [scored(one.engagement), verdict(seen, one, "engagement")] },
    { class: "strips", content: [strip([interval(one.satisfaction, "was"), interval(one.engagement, "is")], scale, one.quadrants?.cut.satisfaction ?? null)] },
    { class: "gap", content: [signed(one.gap.mean), " ", h("span", { class: "soft" }, range(one.gap.ci_low, one.gap.ci_high, 0, true))] },
    { class: "place", content: [one.position ? seen.label("quadrants", one.position.quadrant) : place(seen, one)] }] };
}

/** Why there is none: of a small group in a few words, for it may be most of the rows. @param {Seen} seen @param {Shown} one */
function place(seen, one) {
  const code = one.reasons.position ?? "";
  return h("span", { class: "soft", title: seen.reason(code) }, code === "under_ten" ? seen.words.under_ten : lower(seen.reason(code)));
}

/** @param {Seen} seen @param {Shown} one @param {string} measure */
function verdict(seen, one, measure) {
  const found = one.changes.find((change) => change.measure === measure);
  if (!found) return "";
  if (found.status !== "ok") return h("span", { class: "soft line", title: seen.reason(found.reason) }, "–");
  const isClear = ["increased", "decreased", "small_increase", "small_decrease"].includes(found.verdict);
  return h("span", { class: isClear ? "line clear" : "line soft" }, lower(seen.label("verdicts", found.verdict)));
}

/** Shows what is below each opened team; `all` opens or closes every one.
 * @param {HTMLElement} drawn @param {HTMLElement} unfold @param {Seen} seen @param {boolean} [all] */
function fold(drawn, unfold, { words }, all) {
  const open = new Set();
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (drawn.querySelectorAll("tbody tr"))];
  for (const one of rows) {
    const button = one.querySelector("[data-fold]");
    if (button && all !== undefined) button.setAttribute("aria-expanded", String(all));
    one.hidden = Number(one.dataset.level) > 1 && !open.has(one.dataset.parent);
    if (!one.hidden && button?.getAttribute("aria-expanded") === "true") open.add(one.dataset.id);
  }
  const isWhole = rows.every(({ hidden }) => !hidden);
  unfold.hidden = !drawn.querySelector("[data-fold]");
  unfold.setAttribute("aria-expanded", String(isWhole));
  unfold.textContent = isWhole ? words.top_teams : words.all_teams;
}
