/** The page on which the first organisation is made: POST /v1/setup, and nothing else. */

import { all, at, items } from "../respond/dom.js";
import { keep, recall } from "../kept.js";
import { languageOfBrowser } from "../respond/words.js";
import { signIn } from "../session.js";
import { WORDS } from "./setup-words.js";

/**
 * @typedef {import("./setup-words.js").Problem} Problem
 * @typedef {import("./setup-words.js").Language} Language
 * @typedef {import("contract").components["schemas"]["FirstOrganization"]} Made
 */

const API = "v1/setup";
const KEPT = "betrokken.setup";
const PATIENCE_MS = 20_000;

/** By the code of an answer. @type {Record<string, Problem>} */
const PROBLEMS = {
  already_set_up: "used",
  setup_link_expired: "expired",
  unauthenticated: "unknown",
};
/** Codes after which the same can be sent again. @type {Record<string, "network" | "busy">} */
const PASSING = { network: "network", rate_limited: "busy", unavailable: "busy" };

/** The link's token, until it is used or dead, and whether a try of ours may have arrived. */
let held = restore();
/** @type {Language} */
let language = languageOfBrowser();
/** @type {Problem | undefined} */
let problem;
let name = "";
let isSafe = true;
let isSending = false;

const words = () => WORDS[language];

/** The token leaves the address at once: no picture of the screen and no bookmark has it. The browser's history keeps the link it opened. */
function restore() {
  const token = location.hash.slice(1);
  const kept = recall(KEPT);
  const found = token || !kept ? { token, isUnsure: false } : JSON.parse(kept);
  history.replaceState(null, "", location.pathname + location.search);
  if (token) keep(KEPT, JSON.stringify(found));
  return found;
}

/** @param {string} wanted @returns {Promise<{isOk: boolean, code: string, body: any}>} */
async function send(wanted) {
  const headers = { Authorization: `Bearer ${held.token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ name: wanted, locale: language });
  try {
    const answer = await fetch(API, { method: "POST", headers, body, signal: AbortSignal.timeout?.(PATIENCE_MS) ?? null });
    const told = await answer.json();
    return { isOk: answer.ok, code: told.code ?? "", body: told };
  } catch {
    return { isOk: false, code: "network", body: {} };
  }
}

/** @param {Event} event */
async function make(event) {
  event.preventDefault();
  const wanted = at("name").value.trim();
  if (!wanted) return say(words().no_name);
  if (isSending) return;
  isSending = true;
  say(words().making);
  const told = await send(wanted);
  isSending = false;
  say("");
  if (told.isOk) return finish(told.body);
  const waits = PASSING[told.code];
  if (waits) return tryLater(waits);
  const found = PROBLEMS[told.code] ?? "other";
  showProblem(found === "used" && held.isUnsure ? "lost" : found, told.body.request_id);
}

/** @param {"network" | "busy"} waits */
function tryLater(waits) {
  held.isUnsure ||= waits === "network";
  keep(KEPT, JSON.stringify(held));
  say(words().waits[waits]);
}

/** @param {string} text */
const say = (text) => { at("said").textContent = text; };

/** @param {Made} made */
function finish({ organization, api_key: { key } }) {
  keep(KEPT, "");
  name = organization.name;
  at("key").value = key;
  isSafe = false;
  translate();
  show("done");
}

async function copy() {
  const field = at("key");
  try {
    await navigator.clipboard.writeText(field.value);
    at("copied").textContent = words().copied;
    isSafe = true;
  } catch {
    field.select();
    at("copied").textContent = words().select;
  }
}

/** With the key in this tab, as if it had been pasted there, to where people are brought in and asked. */
async function goOn() {
  const { isOk } = await signIn(at("key").value);
  if (isOk) location.assign("manage");
  else at("copied").textContent = words().not_on;
}

/** @param {Problem} found @param {string} [id] */
function showProblem(found, id) {
  problem = found;
  if (found !== "other") keep(KEPT, "");
  [at("problem-title").textContent, at("problem-text").textContent] = words().problems[found];
  at("problem-id").textContent = id && found === "other" ? words().reference(id) : "";
  show("problem");
}

/** @param {"form" | "done" | "problem"} view */
function show(view) {
  document.body.dataset.view = view;
  for (const part of all("[data-of]")) part.hidden = part.dataset.of !== view;
  const title = /** @type {HTMLElement} */ (document.querySelector(`[data-of="${view}"] h1`));
  document.title = `${title.textContent} · Betrokken`;
  title.focus({ preventScroll: true });
}

function translate() {
  const told = /** @type {Record<string, any>} */ (words());
  document.documentElement.lang = language;
  for (const node of all("[data-word]")) node.textContent = told[node.dataset.word ?? ""];
  for (const node of all("[data-language]")) node.setAttribute("aria-pressed", String(node.dataset.language === language));
  at("made").textContent = words().made(name);
  at("next").replaceChildren(...items(words().steps));
}

/** @param {HTMLElement} button */
function choose(button) {
  language = /** @type {Language} */ (button.dataset.language);
  translate();
  for (const id of ["said", "copied"]) at(id).textContent = "";
  if (problem) showProblem(problem);
  button.focus();
}

at("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  at("main").focus();
});
at("form").addEventListener("submit", make);
at("copy").addEventListener("click", copy);
at("on").addEventListener("click", goOn);
at("key").addEventListener("copy", () => { isSafe = true; });
for (const button of all("[data-language]")) button.addEventListener("click", () => choose(button));
addEventListener("beforeunload", (event) => { if (!isSafe) event.preventDefault(); });
addEventListener("hashchange", () => location.reload());
/** Who comes back with the browser's own button finds no key. */
addEventListener("pagehide", () => { at("key").value = ""; });
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });

translate();
if (held.token) show("form");
else showProblem("none");
