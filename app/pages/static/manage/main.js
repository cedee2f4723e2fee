/** HR's side and the calendar of people: clients of the contract, which offer only what the key may do. */

import { all, at, h } from "../respond/dom.js";
import { WORDS as DASHBOARD } from "../dashboard/words.js";
import { ask, may, me, onEnd, onKey, resume, seesAll, signOut } from "../session.js";
import { entrance } from "../signin/entrance.js";
import { offer } from "../signin/offer.js";
import { drawCards } from "../calendar/cards.js";
import { drawDays } from "../calendar/days.js";
import { drawOccasions } from "../calendar/occasions.js";
import { drawFeeds } from "../calendar/feeds.js";
import { drawTold } from "../calendar/told.js";
import { button } from "./forms.js";
import { drawKeys } from "./keys.js";
import { drawLog } from "./log.js";
import { isElsewhere, keepTime, zoneNow } from "./moments.js";
import { Unlisted, languageNow, onRedraw, say, speak, words } from "./page.js";
import { drawPeople } from "./people.js";
import { sentence } from "./problems.js";
import { drawRecognition } from "./recognition.js";
import { drawSurveys } from "./surveys.js";

/**
 * @typedef {import("./page.js").Drawn} Drawn
 * @typedef {import("./words.js").Language} Language
 * @typedef {{name: keyof import("./words.js").Words["sections"], scope: string, draw: (path: string[]) => Promise<Drawn>}} Section
 * @typedef {"manage" | "calendar"} Page
 */

const CALENDAR = "calendar:read";
/** @type {Record<Page, Section[]>} */
const SECTIONS = {
  manage: [
    { name: "surveys", scope: "surveys:read", draw: drawSurveys },
    { name: "people", scope: "people:write", draw: drawPeople },
    { name: "recognition", scope: "recognitions:read", draw: drawRecognition },
    { name: "keys", scope: "keys:manage", draw: drawKeys },
    { name: "log", scope: "audit:read", draw: drawLog },
  ],
  calendar: [
    { name: "days", scope: CALENDAR, draw: drawDays },
    { name: "occasions", scope: "people:dates", draw: drawOccasions },
    { name: "cards", scope: CALENDAR, draw: drawCards },
    { name: "feeds", scope: CALENDAR, draw: drawFeeds },
    { name: "told", scope: CALENDAR, draw: drawTold },
  ],
};
/** One document at two addresses. @type {Page} */
const PAGE = /\/calendar\/?$/.test(location.pathname) ? "calendar" : "manage";
/** @type {Page} */
const OTHER = PAGE === "manage" ? "calendar" : "manage";

/** Of the screens asked for, so that a slow one never takes the place of a later one. */
let turn = 0;

/** A key or login that is limited to some teams may read their results, and nothing here. */
const offered = (page = PAGE) => (seesAll() ? SECTIONS[page].filter(({ scope }) => may(scope)) : []);

// ---------------------------------------------------------------- signing in

async function start() {
  translate();
  show("loading");
  const told = await resume();
  if (!told) return show("signin");
  if (told.code === "ended") return end();
  return told.isOk ? open() : refuse(told.code);
}

const { refuse, enter } = entrance(() => DASHBOARD[languageNow()].refused, () => show("signin"), open);

/** What somebody was filling in is there when they come back. */
function end() {
  turn += 1;
  for (const one of all("dialog")) one.remove();
  for (const id of ["view", "sections", "organization"]) at(id).replaceChildren();
  refuse("ended");
}

async function open() {
  at("organization").textContent = me()?.organization.name ?? "";
  if (!offered().length && offered(OTHER).length) return location.replace(OTHER);
  if (!offered().length) return show("nothing");
  const { body: organization } = await ask("v1/organization");
  keepTime(organization.time_zone ?? "UTC");
  show("manage");
  await draw();
}

// ---------------------------------------------------------------- the screens

async function draw() {
  const asked = ++turn;
  const [name, ...path] = location.hash.slice(1).split("/").map(decoded);
  const section = offered().find((one) => one.name === name) ?? offered()[0];
  if (!section) return;
  drawNavigation(section);
  at("clock").hidden = !isElsewhere();
  at("clock").textContent = words().clock(zoneNow());
  const view = at("view");
  view.setAttribute("aria-busy", "true");
  const drawn = await section.draw(section.name === name ? path : []).catch(missed);
  if (asked !== turn || !me()) return;
  view.replaceChildren(...(Array.isArray(drawn) ? drawn : failure(drawn, section)));
  view.dataset.screen = [section.name, ...path].join("/");
  view.removeAttribute("aria-busy");
  say("");
  document.title = `${view.querySelector("h1")?.textContent} · Betrokken`;
}

/** As it stands where it is no such text. @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Of a list that a screen is made of. @param {unknown} error */
function missed(error) {
  if (error instanceof Unlisted) return error.told;
  throw error;
}

/** What is not there comes by no second try: the way is back. @param {import("../session.js").Told} told @param {Section} section */
function failure(told, { name }) {
  const isGone = told.code === "not_found";
  const way = isGone ? h("a", { class: "primary", href: `#${name}` }, words().back_to(words().sections[name])) : button(words().again, () => draw(), "primary");
  return [h("h1", { tabindex: -1 }, isGone ? words().gone : words().failed), h("p", {}, sentence(told.body, told.code, languageNow())), h("p", {}, way)];
}

/** @param {Section} now */
function drawNavigation(now) {
  const links = offered().map(({ name }) => h("a", { href: `#${name}`, "aria-current": name === now.name ? "page" : null }, words().sections[name]));
  const other = offered(OTHER).length ? [h("a", { href: OTHER }, words().pages[OTHER].short)] : [];
  const results = may("metrics:read") ? [h("a", { href: "./" }, words().results)] : [];
  at("sections").replaceChildren(...links, ...other, ...results);
}

/** As if turned to anew. */
async function turnTo() {
  for (const one of all("dialog")) /** @type {HTMLDialogElement} */ (one).close();
  await draw();
  scrollTo(0, 0);
  /** @type {HTMLElement | null} */ (document.querySelector("#view h1"))?.focus({ preventScroll: true });
}

function translate() {
  const told = /** @type {Record<string, any>} */ ({ ...DASHBOARD[languageNow()], ...words(), ...words().pages[PAGE] });
  document.documentElement.lang = languageNow();
  document.title = told.title;
  for (const node of all("[data-word]")) node.textContent = told[node.dataset.word ?? ""];
  for (const node of all("[data-label]")) node.setAttribute("aria-label", told[node.dataset.label ?? ""]);
  for (const node of all("[data-language]")) node.setAttribute("aria-pressed", String(node.dataset.language === languageNow()));
  [at("nothing-title").textContent, at("nothing-text").textContent] = words().nothing;
}

/** @param {"loading" | "signin" | "nothing" | "manage"} view */
function show(view) {
  document.body.dataset.view = view;
  for (const node of all("[data-of]")) node.hidden = node.dataset.of !== view;
  at("leave").hidden = !me();
  at("sections").hidden = view !== "manage";
  if (view !== "signin") return;
  offer(at("logins"), languageNow());
  at("key").focus();
}

/** @param {Language} wanted */
async function choose(wanted) {
  const filled = fields();
  speak(wanted);
  translate();
  if (document.body.dataset.view === "manage") await draw();
  if (!me()) offer(at("logins"), wanted);
  restore(filled);
}

/** What is typed into the screen, which another language draws anew. */
function fields() {
  const found = /** @type {HTMLInputElement[]} */ (all("#view :is(input, select, textarea)[name]"));
  return found.filter(({ type }) => type !== "file").map(({ name, type, value, checked }) => ({ name, type, value, checked }));
}

/** @param {ReturnType<typeof fields>} filled */
function restore(filled) {
  const now = /** @type {HTMLInputElement[]} */ (all("#view :is(input, select, textarea)[name]"));
  for (const { name, type, value, checked } of filled) {
    const isTick = type === "radio" || type === "checkbox";
    const field = now.find((one) => one.name === name && (!isTick || one.value === value));
    if (field) Object.assign(field, isTick ? { checked } : { value });
  }
}

at("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  at("main").focus();
});
at("key-form").addEventListener("submit", enter);
at("leave").addEventListener("click", () => signOut());
for (const node of all("[data-language]")) node.addEventListener("click", () => choose(/** @type {Language} */ (node.dataset.language)));
addEventListener("hashchange", () => me() && turnTo());
onRedraw(turnTo);
onEnd(end);
onKey(start);
start();
