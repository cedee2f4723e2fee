/** Who is signed in, in this tab alone, and asking the service in their name. */

import { keep, recall } from "./kept.js";
import { askFirst } from "./signin/first.js";

/**
 * @typedef {import("contract").components["schemas"]["Me"]} Me
 * @typedef {{isOk: boolean, status: number, code: string, body: any}} Told
 *   code `network`: no answer came; `body`: what was said, as text where it is not JSON
 * @typedef {Record<string, string | number | string[] | null | undefined>} Query   empty members are left out
 */

/** What all that is kept of a session is called by; the language is the reader's, whoever they are. */
const OWN = "betrokken.";
const KEPT = "betrokken.session";
const OWNER = "betrokken.owner";
const LANGUAGE = "betrokken.language";
const PATIENCE_MS = 60_000;
const SENDABLE = /^[!-~]+$/;
const KEY = /btk_[\w-]+/;

/** An API key, or the token of a login. */
let token = "";
/** @type {Me | null} */
let known = null;
/** Whose work this document holds, also when their session has ended. */
let owner = "";
/** Signed out, or somebody else: nothing is drawn here any more. */
let isOver = false;
let whenEnded = () => {};
let whenBrought = () => {};

/** Who is signed in; null: nobody. */
export const me = () => known;

/** Whether an answer would not be a refusal. @param {string} scope */
export const may = (scope) => known?.scopes.includes(scope) ?? false;

/** Of everybody: who sees some teams alone is asked nothing that would be refused. */
export const seesAll = () => known !== null && known.teams === null;

/** @param {() => void} listener   the service knows this token no more: sign in again */
export const onEnd = (listener) => { whenEnded = listener; };

/** A link with a key, opened in a tab that has the page already and nobody signed in. @param {() => void} listener */
export const onKey = (listener) => { whenBrought = listener; };

/** As this tab was, or by a key behind `#`; `ended`: the service knows who was here no more; null: sign in first. @returns {Promise<Told | null>} */
export async function resume() {
  const kept = recall(KEPT);
  const brought = takeKey();
  if (kept && brought && kept !== brought) await askFirst(() => change(brought));
  const found = kept || brought;
  const told = found ? await signIn(found) : null;
  if (!told || !kept || told.status !== 401) return told;
  drop();
  return { ...told, code: "ended" };
}

/** Out of the address at once. @param {string} [left]   the address that is there then */
function takeKey(left = location.pathname + location.search) {
  const [key = ""] = KEY.exec(location.hash) ?? [];
  if (key) history.replaceState(null, "", left);
  return key;
}

/** What somebody else was doing here is forgotten. @param {string} given @returns {Promise<Told>} */
export async function signIn(given) {
  const told = await send(given, "v1/me");
  if (!told.isOk) return told;
  const found = ownerOf(told.body);
  if (recall(OWNER) !== found) forget();
  token = given;
  known = told.body;
  keep(KEPT, given);
  if (owner && owner !== found) return begin(() => location.replace(location.pathname));
  owner = found;
  return told;
}

/** A key has no person, and whose key has ended goes on with another. @param {Me} found */
const ownerOf = ({ organization, kind, subject }) => [organization.id, kind, kind === "oidc" ? subject : ""].join(" ");

/** What is being filled in, for who comes back to it: nobody else finds it. @param {string} name @param {string} text */
export function keepWork(name, text) {
  keep(OWNER, owner);
  keep(name, text);
}

/** As it was left; empty: nothing. @param {string} name */
export const keptWork = (name) => recall(name);

/** Nothing of the session is left, and the page begins anew; who signed in elsewhere is led to where they sign out there. */
export function signOut() {
  const there = known?.kind === "oidc";
  forget();
  return begin(() => (there ? location.assign("sign-in#out") : location.replace(location.pathname)));
}

/** All that is kept in the tab. */
export function forget() {
  token = "";
  known = null;
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(OWN) && name !== LANGUAGE) sessionStorage.removeItem(name);
  } catch { /* a browser that keeps nothing */ }
}

/** What scripts hold and what stands in the document goes with the document. @param {() => void} leave @returns {Promise<never>} */
function begin(leave) {
  isOver = true;
  veil(true);
  leave();
  return new Promise(() => {});
}

/** To a key that is good; until then nothing is lost. @param {string} key */
async function change(key) {
  const told = await send(key, "v1/me");
  if (!told.isOk) return told;
  forget();
  keep(KEPT, key);
  return begin(() => location.replace(location.pathname));
}

/** A key in the address of a page that is there: its link may be anybody's. */
addEventListener("hashchange", (event) => {
  if (!KEY.test(location.hash)) return undefined;
  event.stopImmediatePropagation();
  const now = token || recall(KEPT);
  if (!now) return whenBrought();
  const brought = takeKey(event.oldURL);
  return brought === now ? undefined : askFirst(() => change(brought));
});

/** Who comes back with the browser's own button sees nothing of a session that is over, not for a moment. */
addEventListener("pagehide", () => veil(true));
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  if (isOver || token !== recall(KEPT)) location.reload();
  else veil(false);
});

/** @param {boolean} isOn */
const veil = (isOn) => { document.documentElement.style.visibility = isOn ? "hidden" : ""; };

/**
 * In the language of the page. An answer of 401 ends the session; where it is over, nothing is answered.
 * @param {string} address @param {Query} [query] @param {RequestInit} [init] @returns {Promise<Told>}
 */
export async function ask(address, query = {}, init = {}) {
  const told = await send(token, address, query, init);
  if (isOver) return new Promise(() => {});
  if (told.status === 401 && known) endSession();
  return told;
}

/** @param {string} key @param {string} address @param {Query} [query] @param {RequestInit} [init] @returns {Promise<Told>} */
async function send(key, address, query = {}, init = {}) {
  if (!SENDABLE.test(key)) return { isOk: false, status: 401, code: "unauthenticated", body: {} };
  const headers = { Authorization: `Bearer ${key}`, "Accept-Language": document.documentElement.lang, ...init.headers };
  const { signal, heard, end } = patience();
  try {
    const answer = await fetch(address + written(query), { ...init, headers, signal });
    const text = await textOf(answer, heard);
    const body = isJson(answer) ? JSON.parse(text) : text;
    return { isOk: answer.ok, status: answer.status, code: body.code ?? "", body };
  } catch {
    return { isOk: false, status: 0, code: "network", body: {} };
  } finally {
    end();
  }
}

/** With silence, not with an answer that is long in coming. */
function patience() {
  const control = new AbortController();
  const wait = () => setTimeout(() => control.abort(), PATIENCE_MS);
  let timer = wait();
  const end = () => clearTimeout(timer);
  const heard = () => { end(); timer = wait(); };
  return { signal: control.signal, heard, end };
}

/** @param {Response} answer @param {() => void} heard */
async function textOf(answer, heard) {
  const letters = new TextDecoder();
  const reader = answer.body?.getReader();
  let text = "";
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    heard();
    text += letters.decode(part.value, { stream: true });
  }
  return text + letters.decode();
}

/** What somebody was doing is there when they come back. */
function endSession() {
  drop();
  whenEnded();
}

function drop() {
  token = "";
  known = null;
  keep(KEPT, "");
}

/** @param {Response} answer */
const isJson = (answer) => answer.status !== 204 && /[/+]json\b/.test(answer.headers.get("Content-Type") ?? "");

/** @param {Query} query */
function written(query) {
  const pairs = Object.entries(query).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => [name, one]));
  const found = new URLSearchParams(pairs.filter(([, value]) => value != null && value !== "").map(([name, value]) => [String(name), String(value)])).toString();
  return found && `?${found}`;
}
