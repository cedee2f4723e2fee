/** Moments by the organisation's clock, wherever the browser is: so that a page says what a mail says. */

const MINUTE = 60_000;

let zone = "UTC";

/** @param {string} named   as IANA names it */
export const keepTime = (named) => { zone = named; };

/** As people read it. */
export const zoneNow = () => zone.replaceAll("_", " ");

/** Whether who looks has another clock than the organisation. */
export const isElsewhere = () => {
  const [here, there] = [Intl.DateTimeFormat().resolvedOptions().timeZone, zone].map((timeZone) => year().map((instant) => fieldOf(instant, timeZone)).join());
  return here !== there;
};

/** Winter and summer. */
const year = () => [0, 6].map((month) => new Date(Date.UTC(new Date().getUTCFullYear(), month)).toISOString());

/** @param {string} instant @param {string} locale */
export const written = (instant, locale) =>
  new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: zone }).format(new Date(instant));

/** As a field for a moment has it. @param {string} instant */
export function fieldOf(instant, timeZone = zone) {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  return parts.format(new Date(instant)).replace(" ", "T");
}

/** What a field for a moment has, as an instant; an hour that the clock skips is the one after it. @param {string} field */
export function instantOf(field) {
  const wall = Date.parse(`${field}Z`);
  const ahead = (/** @type {number} */ instant) => Date.parse(`${fieldOf(new Date(instant).toISOString())}Z`) - Math.floor(instant / MINUTE) * MINUTE;
  const first = wall - ahead(wall);
  return new Date(wall - ahead(first)).toISOString();
}
