/** Intervals within a row of a table, on one scale for the whole column. They repeat what the row says in words. */

/** @typedef {{low: number, score: number, high: number, kind: "was" | "is"}} Interval */

const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg")?.namespaceURI ?? null;
const EDGE = 2;
const LINE = 11;

/** @param {Interval[]} intervals @param {[number, number]} scale @param {number | null} mark @param {number} [width] */
export function strip(intervals, [low, high], mark, width = 180) {
  const x = (/** @type {number} */ value) => (EDGE + ((value - low) / (high - low)) * (width - 2 * EDGE)).toFixed(1);
  const height = 8 + LINE * intervals.length;
  const node = draw("svg", { class: "strip", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (mark !== null) node.append(draw("line", { class: "mark", x1: x(mark), x2: x(mark), y1: 0, y2: height }));
  for (const [n, one] of intervals.entries()) {
    const y = 9.5 + LINE * n;
    node.append(draw("line", { class: one.kind, x1: x(one.low), x2: x(one.high), y1: y, y2: y }), draw("circle", { class: one.kind, cx: x(one.score), cy: y, r: 4 }));
  }
  return node;
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function draw(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** @param {{score: number, ci_low: number | null, ci_high: number | null}} part @param {"was" | "is"} kind @returns {Interval} */
export const interval = ({ score, ci_low: low, ci_high: high }, kind) => ({ low: low ?? score, score, high: high ?? score, kind });

/** Round ends about all intervals. @param {Interval[]} intervals @param {number} step @returns {[number, number]} */
export function around(intervals, step) {
  const low = Math.floor(Math.min(...intervals.map((one) => one.low)) / step) * step;
  const high = Math.ceil(Math.max(...intervals.map((one) => one.high)) / step) * step;
  return low < high ? [low, high] : [low - step, high + step];
}
