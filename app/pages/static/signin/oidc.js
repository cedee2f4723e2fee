/**
 * Signing in with the identity provider of the organisation: the authorization code flow with PKCE, as a public client.
 * What an attempt is known by (state, nonce, verifier) stays in this tab, and is used once.
 */

import { keep, recall } from "../kept.js";

/**
 * @typedef {import("contract").components["schemas"]["OidcSignIn"]} Way
 * @typedef {import("./words.js").Problem} Problem
 * @typedef {{way: Way, state: string, nonce: string, verifier: string, redirect: string, back: string}} Attempt
 * @typedef {{token: string, back: string}} Arrived
 * @typedef {{problem: Problem, reference?: string, back?: string | undefined}} Failed
 */

const DOOR = "v1/sign-in";
const CALLBACK = "sign-in";
const KEPT = "betrokken.signin";
const PATIENCE_MS = 20_000;
const OF_AN_ERROR = /^[a-z_]{1,60}$/;

const patience = () => AbortSignal.timeout?.(PATIENCE_MS) ?? null;

/** How people sign in here beside a key; null: not at all. @returns {Promise<{way: Way | null} | Failed>} */
export async function findWay() {
  try {
    const answer = await fetch(DOOR, { signal: patience() });
    if (!answer.ok) return { problem: answer.status === 503 ? "away" : "busy" };
    return { way: (await answer.json()).oidc };
  } catch {
    return { problem: "network" };
  }
}

/** Leaves for the identity provider; false: this browser lets nobody do that here. @param {Way} way @param {string} back */
export async function begin(way, back) {
  if (!globalThis.crypto?.subtle) return false;
  const redirect = new URL(CALLBACK, location.href.split(/[?#]/)[0]).href;
  /** @type {Attempt} */
  const attempt = { way, state: random(), nonce: random(), verifier: random(), redirect, back };
  if (!keep(KEPT, JSON.stringify(attempt))) return false;
  location.assign(await requestOf(attempt));
  return true;
}

/** @param {Attempt} attempt */
async function requestOf({ way, state, nonce, verifier, redirect }) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const own = {
    response_type: "code", client_id: way.client_id, redirect_uri: redirect, state, nonce,
    code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "S256",
  };
  const address = new URL(way.authorization_endpoint);
  for (const [name, value] of Object.entries({ ...way.parameters, ...own })) address.searchParams.set(name, value);
  return address.href;
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** @param {Uint8Array} bytes */
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** What the address says, which forgets it at once; null: nobody sent us back. */
export function read() {
  const said = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname + location.hash);
  return said.has("state") || said.has("code") || said.has("error") ? said : null;
}

/** From what the identity provider said to a token. @param {URLSearchParams} said @returns {Promise<Arrived | Failed>} */
export async function arrive(said) {
  const attempt = take(said.get("state"));
  if (!attempt) return { problem: "stale" };
  const { back } = attempt;
  const found = flawOf(said, attempt.way);
  if (found) return { ...found, back };
  const told = await exchange(attempt, said.get("code") ?? "");
  if ("problem" in told) return { ...told, back };
  return isFor(told.id_token, attempt) ? { token: told.access_token, back } : { problem: "mismatch", back };
}

/** The attempt of this tab that has this state; it is used up. @param {string | null} state @returns {Attempt | null} */
function take(state) {
  const attempt = JSON.parse(recall(KEPT) || "null");
  if (!state || attempt?.state !== state) return null;
  keep(KEPT, "");
  return attempt;
}

/** @param {URLSearchParams} said @param {Way} way @returns {Failed | null} */
function flawOf(said, way) {
  if (said.has("iss") && said.get("iss") !== way.issuer) return { problem: "mismatch" };
  if (said.get("error") === "access_denied") return { problem: "denied" };
  return said.get("code") ? null : { problem: "provider", reference: nameOf(said.get("error")) };
}

/** Only a word: it comes out of an address, which anybody can write. @param {unknown} error */
const nameOf = (error) => (OF_AN_ERROR.test(String(error)) ? String(error) : "");

/** @param {Attempt} attempt @param {string} code @returns {Promise<{access_token: string, id_token: string} | Failed>} */
async function exchange({ way, verifier, redirect }, code) {
  const { resource } = way.parameters;
  const body = new URLSearchParams({
    grant_type: "authorization_code", client_id: way.client_id, redirect_uri: redirect, code,
    code_verifier: verifier, ...(resource && { resource }),
  });
  try {
    const answer = await fetch(way.token_endpoint, { method: "POST", body, credentials: "omit", redirect: "error", signal: patience() });
    const told = await answer.json();
    if (answer.ok && told.access_token) return told;
    return { problem: told.error === "invalid_grant" ? "late" : "provider", reference: nameOf(told.error) };
  } catch {
    return { problem: "unreachable" };
  }
}

/**
 * Whether this is the answer to our attempt, and to no other. It came from the issuer itself over TLS, which stands for
 * its signature (OpenID Connect Core 3.1.3.7, 6); whether the access token is good the service says.
 * @param {string} idToken @param {Attempt} attempt
 */
function isFor(idToken, { way, nonce }) {
  const { iss, aud, azp = way.client_id, nonce: told } = claimsOf(idToken) ?? {};
  return iss === way.issuer && [aud].flat().includes(way.client_id) && azp === way.client_id && told === nonce;
}

/** @param {string} token @returns {any} */
function claimsOf(token) {
  try {
    const [, payload = ""] = token.split(".");
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Where one signs out of the identity provider too. @param {Way} way */
export function signOutAddress({ end_session_endpoint: end, client_id: client }) {
  if (!end) return null;
  const address = new URL(end);
  address.searchParams.set("client_id", client);
  return address.href;
}

/** The place of this page, to come back to. */
export const here = () => location.pathname + location.search + location.hash;

/** An address of our own, whatever was kept. @param {string | undefined} back */
export function ownPlace(back) {
  const start = new URL("./", location.href.split(/[?#]/)[0]);
  const place = new URL(back ?? start, location.origin);
  return place.origin === location.origin ? place.href : start.href;
}
