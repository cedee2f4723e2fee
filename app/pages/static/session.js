/** Who is signed in, in this tab alone, and asking the service in their name. */

/**
 * @typedef {import("contract").components["schemas"]["Me"]} Me
 * @typedef {{isOk: boolean, status: number, code: string, body: any}} Told
 *   code `network`: no answer came; `body`: what was said, as text where it is not JSON
 * @typedef {Record<string, string | number | string[] | null | undefined>} Query   empty members are left out
 */

const KEPT = "betrokken.session";
const PATIENCE_MS = 60_000;
const SENDABLE = /^[!-~]+$/;
const KEY = /^#(btk_[!-~]+)$/;

/** An API key, or the token of a login. */
let token = "";
/** @type {Me | null} */
let known = null;
let whenEnded = () => {};

/** Who is signed in; null: nobody. */
export const me = () => known;

/** Whether an answer would not be a refusal. @param {string} scope */
export const may = (scope) => known?.scopes.includes(scope) ?? false;

/** Of everybody: who sees some teams alone is asked nothing that would be refused. */
export const seesAll = () => known !== null && known.teams === null;

/** @param {() => void} listener   the service knows this token no more: sign in again */
export const onEnd = (listener) => { whenEnded = listener; };

/** A link with a key, opened in a tab that has the page already. @param {() => void} listener */
export const onKey = (listener) => addEventListener("hashchange", () => KEY.test(location.hash) && listener());

/** By a key behind `#`, which leaves the address at once, or as this tab was; null: sign in first. @returns {Promise<Told | null>} */
export async function resume() {
  const [, brought] = KEY.exec(location.hash) ?? [];
  if (brought) history.replaceState(null, "", location.pathname + location.search);
  const found = brought ?? read();
  return found ? signIn(found) : null;
}

/** @param {string} given @returns {Promise<Told>} */
export async function signIn(given) {
  token = given;
  const told = await ask("v1/me");
  if (!told.isOk) return told;
  known = told.body;
  keep(given);
  return told;
}

export function signOut() {
  token = "";
  known = null;
  keep("");
}

/**
 * In the language of the page. An answer of 401 ends the session.
 * @param {string} address @param {Query} [query] @param {RequestInit} [init] @returns {Promise<Told>}
 */
export async function ask(address, query = {}, init = {}) {
  if (!SENDABLE.test(token)) return { isOk: false, status: 401, code: "unauthenticated", body: {} };
  const headers = { Authorization: `Bearer ${token}`, "Accept-Language": document.documentElement.lang, ...init.headers };
  try {
    const answer = await fetch(address + written(query), { ...init, headers, signal: AbortSignal.timeout?.(PATIENCE_MS) ?? null });
    const body = await (isJson(answer) ? answer.json() : answer.text());
    if (answer.status === 401 && known) end();
    return { isOk: answer.ok, status: answer.status, code: body.code ?? "", body };
  } catch {
    return { isOk: false, status: 0, code: "network", body: {} };
  }
}

function end() {
  signOut();
  whenEnded();
}

/** @param {Response} answer */
const isJson = (answer) => answer.status !== 204 && /[/+]json\b/.test(answer.headers.get("Content-Type") ?? "");

/** @param {Query} query */
function written(query) {
  const pairs = Object.entries(query).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => [name, one]));
  const found = new URLSearchParams(pairs.filter(([, value]) => value != null && value !== "").map(([name, value]) => [String(name), String(value)])).toString();
  return found && `?${found}`;
}

function read() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} given */
function keep(given) {
  try {
    if (given) sessionStorage.setItem(KEPT, given);
    else sessionStorage.removeItem(KEPT);
  } catch { /* a browser that keeps nothing: after a reload it asks again */ }
}
