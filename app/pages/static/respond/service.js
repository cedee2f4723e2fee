/** Asking the service: GET and POST /v1/respond, and nothing else. */

/**
 * @typedef {import("./words.js").Problem} Problem
 * @typedef {{isOk: boolean, code: string, body: any, after: number}} Told   code `network`: no answer came; `answered_otherwise`: not with this invitation
 */

const API = "v1/respond";
const PATIENCE_MS = 20_000;
const SENDABLE = /^[!-~]+$/;

/** By the code of an answer. @type {Record<string, Problem>} */
const PROBLEMS = {
  already_responded: "used",
  answered_otherwise: "answered",
  invitation_replaced: "replaced",
  survey_not_yet_open: "early",
  survey_closed: "closed",
  survey_cancelled: "withdrawn",
  unauthenticated: "unknown",
  rate_limited: "busy",
  unavailable: "busy",
  network: "network",
};

/** @param {Told} told @returns {Problem} */
export const problemOf = ({ code }) => PROBLEMS[code] ?? "other";

/** @param {string} token @param {string | null} language @param {RequestInit} [init] @returns {Promise<Told>} */
export async function ask(token, language, init = {}) {
  if (!SENDABLE.test(token)) return { isOk: false, code: "unauthenticated", body: {}, after: 0 };
  const headers = { Authorization: `Bearer ${token}`, ...(language && { "Accept-Language": language }), ...init.headers };
  try {
    const answer = await fetch(API, { ...init, headers, signal: AbortSignal.timeout?.(PATIENCE_MS) ?? null });
    const body = await answer.json();
    return { isOk: answer.ok, code: body.code ?? "", body, after: Number(answer.headers.get("Retry-After")) || 0 };
  } catch {
    return { isOk: false, code: "network", body: {}, after: 0 };
  }
}

/** Sends it; where its person has answered already, it is asked whether with this invitation: if not, it still opens.
 * @param {string} token @param {object} body @returns {Promise<Told>} */
export async function send(token, body) {
  const told = await post(token, body);
  if (told.code !== "already_responded") return told;
  const now = await ask(token, null);
  if (now.isOk) return { ...told, code: "answered_otherwise" };
  return now.code === "network" ? { ...now, code: "unavailable" } : now;
}

/** @param {string} token @param {object} body */
const post = (token, body) =>
  ask(token, null, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
