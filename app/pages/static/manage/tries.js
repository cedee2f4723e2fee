/** One key for each thing that is sent, kept until its answer is there: a repeat is known to the service, also after a reload. */

import { keepWork, keptWork } from "../session.js";

/** @typedef {import("../session.js").Told} Told */

const KEPT = "betrokken.tries";
/** Whoever asks again meanwhile asks the same. */
const UNDECIDED = ["idempotency_in_progress", "rate_limited"];

/** @type {Record<string, string> | null} */
let tries = null;

/** Also where a page is not served by https. */
const unique = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** What was sent may have arrived although no answer came, so it is tried with the key that it had. @param {string} sent @param {(key: string) => Promise<Told>} send @returns {Promise<Told>} */
export async function tried(sent, send) {
  const name = mark(sent);
  const known = all()[name];
  const key = known ?? unique();
  keepAll({ ...all(), [name]: key });
  const told = await send(key);
  if (isDecided(told)) forget(name);
  return known && told.code === "idempotency_key_reused" ? tried(sent, send) : told;
}

/** Whether the same was sent before and no answer came. @param {string} sent */
export const isUnsure = (sent) => mark(sent) in all();

/** @param {Told} told */
const isDecided = ({ status, code }) => status > 0 && status < 500 && !UNDECIDED.includes(code);

/** @param {string} name */
function forget(name) {
  const { [name]: _, ...rest } = all();
  keepAll(rest);
}

/** @returns {Record<string, string>} */
const all = () => tries ?? JSON.parse(keptWork(KEPT) || "{}");

/** @param {Record<string, string>} now */
function keepAll(now) {
  tries = now;
  keepWork(KEPT, Object.keys(now).length ? JSON.stringify(now) : "");
}

/** What was sent is not kept itself; where two have one mark, the service tells them apart. @param {string} text */
function mark(text) {
  let [one, other] = [0, text.length];
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b);
  }
  return `${one >>> 0}-${other >>> 0}`;
}
