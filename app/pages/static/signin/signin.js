/** The page to which the identity provider sends people back; and on which they are told that they signed out. */

import { all, at, h } from "../respond/dom.js";
import { keepLanguage, languageKept } from "../kept.js";
import { forget, signIn } from "../session.js";
import { arrive, begin, findWay, ownPlace, read, signOutAddress } from "./oidc.js";
import { WORDS } from "./words.js";

/**
 * @typedef {import("./words.js").Problem} Problem
 * @typedef {import("./words.js").Language} Language
 * @typedef {import("./oidc.js").Failed} Failed
 * @typedef {"working" | "ways" | "out" | "problem"} View
 */

const OUT = "#out";
/** By the code of an answer of the service to a token that the identity provider gave. @type {Record<string, Problem>} */
const REFUSALS = { unauthenticated: "refused", unavailable: "away", rate_limited: "busy", network: "network" };

/** @type {Language} */
let language = languageKept();
/** @type {Failed | null} */
let failed = null;
let there = "";

const words = () => WORDS[language];

async function start() {
  const said = read();
  show("working");
  if (location.hash === OUT) return leave();
  return said ? come(said) : show("ways");
}

/** @param {URLSearchParams} said */
async function come(said) {
  const found = await arrive(said);
  if ("problem" in found) return fail(found);
  const told = await signIn(found.token);
  if (told.isOk) return location.replace(ownPlace(found.back));
  forget();
  return fail({ problem: REFUSALS[told.code] ?? "refused", back: found.back });
}

async function leave() {
  forget();
  show("out");
  const found = await findWay();
  const address = "way" in found && found.way && signOutAddress(found.way);
  if (address) tellOfThere(address);
}

/** @param {string} address */
function tellOfThere(address) {
  there = new URL(address).host;
  at("there").replaceChildren(h("p", { id: "there-said" }, words().out_there(there)),
    h("p", {}, h("a", { href: address, class: "link", "data-word": "out_go" }, words().out_go)));
}

async function go() {
  const found = await findWay();
  if ("problem" in found) return fail({ ...found, back: failed?.back });
  if (!found.way) return fail({ problem: "none" });
  show("working");
  if (!(await begin(found.way, ownPlace(failed?.back)))) fail({ problem: "insecure", back: failed?.back });
}

/** @param {Failed} found */
function fail(found) {
  failed = found;
  tellProblem(found);
  show("problem");
}

/** @param {Failed} found */
function tellProblem({ problem, reference }) {
  [at("problem-title").textContent, at("problem-text").textContent] = words().problems[problem];
  at("problem-id").textContent = reference ? words().reference(reference) : "";
  at("again").hidden = problem === "none" || problem === "insecure";
}

/** @param {View} view */
function show(view) {
  document.body.dataset.view = view;
  for (const part of all("[data-of]")) part.hidden = part.dataset.of !== view;
  const title = /** @type {HTMLElement | null} */ (document.querySelector(`[data-of="${view}"] h1`));
  document.title = title ? `${title.textContent} · Betrokken` : "Betrokken";
  title?.focus({ preventScroll: true });
}

function translate() {
  const told = /** @type {Record<string, any>} */ (words());
  document.documentElement.lang = language;
  for (const node of all("[data-word]")) node.textContent = told[node.dataset.word ?? ""];
  for (const node of all("[data-language]")) node.setAttribute("aria-pressed", String(node.dataset.language === language));
  if (there) at("there-said").textContent = words().out_there(there);
  if (failed) tellProblem(failed);
}

/** @param {HTMLElement} button */
function choose(button) {
  language = /** @type {Language} */ (button.dataset.language);
  keepLanguage(language);
  translate();
  document.title = `${document.querySelector("section:not([hidden]) h1")?.textContent ?? ""} · Betrokken`;
}

at("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  at("main").focus();
});
for (const id of ["go", "again"]) at(id).addEventListener("click", go);
for (const button of all("[data-language]")) button.addEventListener("click", () => choose(button));
addEventListener("hashchange", () => location.reload());
/** Who comes back with the browser's own button finds a page that asks anew. */
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });

translate();
start();
