/** Charts that the service draws, as pictures beside the tables that say the same. */

import { h } from "../respond/dom.js";
import { ask } from "../session.js";

/**
 * @typedef {import("../session.js").Query} Query
 * @typedef {{name: string, query: Query}} Chart
 */

const NARROWEST = 280;
const WIDEST = 1600;
/** What A4 has between its margins, and what is left of it beside the second answer. */
const PAPER_ROOM = { whole: 695, beside: 345 };
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

/** All that stand in the page, in the room they have, and then as they are printed; those of an earlier view are forgotten. */
export async function drawCharts() {
  for (const figure of charts.keys()) if (!figure.isConnected) charts.delete(figure);
  await Promise.all([...charts].map(([figure, one]) => drawChart(figure, one)));
  await Promise.all([...charts].map(([figure, one]) => drawForPaper(figure, one)));
}

/** @param {HTMLElement} figure @param {Chart & {instead: HTMLDetailsElement | undefined}} one */
async function drawChart(figure, { name, query, instead }) {
  const room = Math.floor(figure.parentElement?.clientWidth ?? WIDEST);
  const width = Math.min(WIDEST, Math.max(NARROWEST, room));
  const told = await ask(`v1/charts/${name}`, { ...query, width, theme: DARK.matches ? "dark" : "light", format: "svg" });
  if (!told.isOk) return;
  for (const old of figure.querySelectorAll(".screen")) old.remove();
  figure.prepend(picture(told.body, "screen"));
  figure.hidden = false;
  if (instead) instead.open = false;
}

/** Once, and before anybody prints: paper has its own width and theme, whatever the window's, and nothing can be asked for then.
 * @param {HTMLElement} figure @param {Chart} one */
async function drawForPaper(figure, { name, query }) {
  if (figure.hidden || figure.querySelector(".paper")) return;
  const width = figure.closest(".stand") ? PAPER_ROOM.beside : PAPER_ROOM.whole;
  const told = await ask(`v1/charts/${name}`, { ...query, width, theme: "light", format: "svg" });
  if (told.isOk && !figure.querySelector(".paper")) figure.append(picture(told.body, "paper"));
}

/** Without its own background, for it lies on that of the page. @param {string} svg @param {"screen" | "paper"} medium */
function picture(svg, medium) {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  root.querySelector(":scope > rect")?.remove();
  const alt = root.getAttribute("aria-label") ?? [...root.children].filter(({ tagName }) => tagName === "title" || tagName === "desc").map(({ textContent }) => textContent).join(". ");
  return h("img", { class: medium, alt, width: root.getAttribute("width"), height: root.getAttribute("height"), src: `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(root))}` });
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
