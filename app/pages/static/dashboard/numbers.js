/** Numbers and days as people read them, in the language of the page. */

const MINUS = "−";
const language = () => (document.documentElement.lang === "en" ? "en-GB" : "nl-NL");

/** @param {number} value @param {number} [digits] */
export const number = (value, digits = 0) => told(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** With its sign, for what is a difference. @param {number} value @param {number} [digits] */
export const signed = (value, digits = 0) => told(value, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "exceptZero" });

/** @param {number} share */
export const percent = (share) => told(share, { style: "percent" });

/** @param {number} value @param {Intl.NumberFormatOptions} options */
const told = (value, options) => new Intl.NumberFormat(language(), options).format(value).replace(/^-(?=0([.,]0+)?$)/, "").replace("-", MINUS);

/** A number in a table to take along, rounded as it is shown; a spreadsheet of the reader's language knows it as one.
 * @typedef {{figure: string}} Figure
 * @param {number | null | undefined} value @param {number} [digits] @returns {Figure} */
export const figure = (value, digits = 0) => written(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** @param {number | null | undefined} share @returns {Figure} */
export const shareFigure = (share) => written(share, { style: "percent" });

/** @param {number | null | undefined} value @param {Intl.NumberFormatOptions} options @returns {Figure} */
const written = (value, options) => ({ figure: value === null || value === undefined ? "" : told(value, { ...options, useGrouping: false }).replace(MINUS, "-").replaceAll(/\s/g, "") });

/** An interval in brackets. @param {number | null} low @param {number | null} high @param {number} [digits] @param {boolean} [isSigned] */
export function range(low, high, digits = 0, isSigned = false) {
  if (low === null || high === null) return "";
  const write = isSigned ? signed : number;
  const between = isSigned || low < 0 ? (language() === "en-GB" ? " to " : " tot ") : "–";
  return `(${write(low, digits)}${between}${write(high, digits)})`;
}

/** @param {string} instant @param {string} [zone] @param {Intl.DateTimeFormatOptions} [parts] */
export const day = (instant, zone = "UTC", parts = { day: "numeric", month: "long", year: "numeric" }) =>
  new Intl.DateTimeFormat(language(), { timeZone: zone, ...parts }).format(new Date(instant));

/** As within a sentence. @param {string} words */
export const lower = (words) => (/^[A-Z][a-zà-ÿ ]/.test(words) ? words.charAt(0).toLowerCase() + words.slice(1) : words);
