/** Tables, which people read and take along as CSV. */

import { h } from "../respond/dom.js";

/**
 * @typedef {string | Node} Content
 * @typedef {{class?: string, colspan?: number, head?: boolean, content: Content[]}} Cell
 * @typedef {{cells: (Cell | Content)[], data?: Record<string, string>}} Row
 * @typedef {import("./numbers.js").Figure} Figure
 * @typedef {(string | number | boolean | Figure | null | undefined)[]} Line   of a CSV: codes as the service has them, beside words and numbers as the page shows them
 * @typedef {{name: string, caption: string, head: (Cell | Content)[], rows: Row[], lines: Line[], class?: string, isOpen?: boolean}} Table
 */

const BOM = "\ufeff";
const SEPARATORS = /[",;\t\r\n]/;
const PARTS = /([;\t\r\n])/;
/** Also in the wide letters of Chinese and Japanese, which some read as the others. */
const FORMULA = /^[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;
const INDENTED = /^[\t\r]/;

/** With roles written out: on a phone its rows are cards. @param {Table} told */
export function table({ caption, head, rows, class: name = "" }) {
  return h("table", { role: "table", class: name },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...head.map((one) => cell(one, "columnheader")))),
    h("tbody", { role: "rowgroup" }, ...rows.map(row)));
}

/** @param {Row} told */
function row({ cells, data = {} }) {
  const [first, ...rest] = cells;
  const node = h("tr", { role: "row" }, cell(first ?? "", "rowheader"), ...rest.map((one) => cell(one, "cell")));
  Object.assign(node.dataset, data);
  return node;
}

/** @param {Cell | Content} told @param {"columnheader" | "rowheader" | "cell"} role */
function cell(told, role) {
  const { content, class: name, colspan } = typeof told === "string" || told instanceof Node ? { content: [told], class: undefined, colspan: undefined } : told;
  const scope = { columnheader: "col", rowheader: "row", cell: null }[role];
  return h(scope ? "th" : "td", { role, scope, class: name, colspan }, ...content);
}

/** Dutch numbers have commas, so that their spreadsheets part cells at semicolons. */
const separator = () => (document.documentElement.lang === "en" ? "," : ";");

/** Below a table: all of its numbers. @param {Pick<Table, "name" | "caption" | "lines">} told @param {string} label */
export function download({ name, caption, lines }, label) {
  const address = `data:text/csv;charset=utf-8,${encodeURIComponent(csv(lines, separator()))}`;
  return h("a", { class: "link", href: address, download: `${name}.csv`, "aria-label": `${label}: ${caption}` }, label);
}

/** Each line has as many fields as the first. @param {Line[]} lines @param {string} [parted] */
export function csv(lines, parted = ",") {
  const width = lines[0]?.length ?? 0;
  return BOM + lines.map((line) => Array.from({ length: width }, (_, n) => field(line[n], parted)).join(parted)).join("\r\n") + "\r\n";
}

/** @param {Line[number]} value @param {string} parted */
function field(value, parted) {
  if (typeof value === "object" && value) return value.figure.includes(parted) ? `"${value.figure}"` : value.figure;
  const text = typeof value === "string" ? harmless(value) : String(value ?? "");
  return SEPARATORS.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a spreadsheet would run gets a mark before it, also where it parts lines at other signs than ours. @param {string} text */
const harmless = (text) => (INDENTED.test(text) ? "'" : "") + text.split(PARTS).map((part) => (FORMULA.test(part) ? `'${part}` : part)).join("");
