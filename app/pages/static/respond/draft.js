/** What is kept while somebody answers: in this tab alone, until it is sent or can no longer be. */

/**
 * @typedef {import("./questions.js").Answer} Answer
 * @typedef {import("./words.js").Language} Language
 * @typedef {{token: string, language: Language | null, answers: Record<string, Answer>, comment: string | null,
 *   attempt: string, isTyped: boolean, isUnsure: boolean, isReplaced: boolean, isDone: boolean, asked: string, left: Left}} Draft
 * @typedef {{organization?: string, contact?: string | null, thanks?: string | null, closes?: string | null, mayChange?: boolean}} Left
 *   what the survey said that is still told once it is over here
 * Of a draft: `comment` is null where that of before is taken back; `isTyped`: by a code, not by a link; `language` once it was chosen; `attempt` says that a second try is one; `isUnsure` while a try to send had no answer; `isReplaced` while it waits for a newer invitation; `isDone` once one had; `asked`: of which survey and questions it is
 */

const KEPT = "respond";

/** The token leaves the address bar, so that it is on no photograph; the browser's history keeps the link it opened. @returns {Draft} */
export function restore() {
  const token = readToken();
  if (token) history.replaceState(null, "", location.pathname + location.search);
  const kept = readKept();
  return kept && (!token || token === kept.token) ? { ...empty(), ...kept, answers: named(kept.answers) } : empty(token);
}

/** @returns {Draft} */
export const empty = (token = "") =>
  ({ token, language: null, answers: named({}), comment: "", attempt: crypto.getRandomValues(new Uint32Array(4)).join("-"), isTyped: false, isUnsure: false, isReplaced: false, isDone: false, asked: "", left: {} });

/** Whatever a question is called, nothing else is. @param {Record<string, Answer>} answers @returns {Record<string, Answer>} */
const named = (answers) => Object.assign(Object.create(null), answers);

/** As it can be sent: phones and word processors put their own hyphens and spaces into what is typed or copied. @param {string} written */
export const sendable = (written) => written.normalize("NFKC").replace(/[\s\p{Cf}]/gu, "").replace(/[\p{Pd}\u2212]/gu, "-");

function readToken() {
  const written = location.hash.slice(1);
  try {
    return sendable(decodeURIComponent(written));
  } catch {
    return written;
  }
}

/** @returns {Draft | null} */
function readKept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Draft} draft */
export function keep(draft) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(draft));
  } catch { /* a browser that keeps nothing: after a reload it asks for the link again */ }
}
