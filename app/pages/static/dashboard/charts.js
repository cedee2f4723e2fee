/** Charts that the service draws, as pictures beside the tables that say the same. */

import { h } from "../respond/dom.js";
import { ask } from "../session.js";

/**
 * @typedef {import("../session.js").Query} Query
 * @typedef {{name: string, query: Query}} Chart
 */

const NARROWEST = 280;
const WIDEST = 1600;
const DARK = matchMedia("(prefers-color-scheme: dark)");

/** Names of the charts that this service draws. @type {Set<string>} */
let drawn = new Set();

/** Asks once which there are: one that cannot be had is not asked for. */
export async function learnCharts() {
  const told = await ask("v1/charts");
  const { items = [], formats = [] } = told.isOk ? told.body : {};
  drawn = new Set(formats.includes("svg") ? items.map((/** @type {any} */ one) => one.name) : []);
}

/** @param {string} name */
export const isDrawn = (name) => drawn.has(name);

/** A place for a chart; it stays empty where there is none, and what `instead` shows then stays open.
 * @param {string} name @param {Query} query @param {HTMLDetailsElement} [instead] */
export function chart(name, query, instead) {
  const figure = h("figure", { class: "chart", "data-chart": name, hidden: true });
  if (drawn.has(name)) charts.set(figure, { name, query, instead });
  return figure;
}

/** @type {Map<HTMLElement, Chart & {instead: HTMLDetailsElement | undefined}>} */
const charts = new Map();

/** All that stand in the page, in the room they have; those of an earlier view are forgotten. */
export async function drawCharts() {
  for (const figure of charts.keys()) if (!figure.isConnected) charts.delete(figure);
  await Promise.all([...charts].map(([figure, one]) => drawChart(figure, one)));
}

/** Both themes stand in the page, so that printing needs no request. @param {HTMLElement} figure @param {Chart & {instead: HTMLDetailsElement | undefined}} one */
async function drawChart(figure, { name, query, instead }) {
  const room = Math.floor(figure.parentElement?.clientWidth ?? WIDEST);
  const width = Math.min(WIDEST, Math.max(NARROWEST, room));
  const themes = DARK.matches ? ["light", "dark"] : ["light"];
  const told = await Promise.all(themes.map((theme) => ask(`v1/charts/${name}`, { ...query, width, theme, format: "svg" })));
  if (!told.every(({ isOk }) => isOk)) return;
  figure.replaceChildren(...told.map(({ body }, n) => picture(body, themes[n] ?? "light", themes.length)));
  figure.hidden = false;
  if (instead) instead.open = false;
}

/** Without its own paper, for it lies on that of the page. @param {string} svg @param {string} theme @param {number} of */
function picture(svg, theme, of) {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  root.querySelector(":scope > rect")?.remove();
  const alt = root.getAttribute("aria-label") ?? [...root.children].filter(({ tagName }) => tagName === "title" || tagName === "desc").map(({ textContent }) => textContent).join(". ");
  return h("img", { class: of > 1 ? theme : "both", alt, width: root.getAttribute("width"), height: root.getAttribute("height"), src: `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(root))}` });
}

/** A browser that prints lays the page out anew: what is on it is printed as it is. */
const PAPER = matchMedia("print");

DARK.addEventListener("change", () => PAPER.matches || drawCharts());
let width = innerWidth;
addEventListener("resize", () => {
  if (PAPER.matches || Math.abs(innerWidth - width) < 40) return;
  width = innerWidth;
  drawCharts();
});
