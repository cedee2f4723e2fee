/** The organisation's own way to sign in, beside the key, on a page where somebody has to. */

import { h } from "../respond/dom.js";
import { begin, findWay, here } from "./oidc.js";
import { WORDS } from "./words.js";

/** Nothing is drawn where there is no other way than a key. @param {HTMLElement} place @param {import("./words.js").Language} language */
export async function offer(place, language) {
  const words = WORDS[language];
  const found = await findWay();
  if ("problem" in found) return place.replaceChildren(h("p", { class: "soft" }, words.problems[found.problem].join(": ")));
  const { way } = found;
  if (!way) return place.replaceChildren();
  const said = h("p", { role: "status" });
  const go = async () => {
    said.textContent = words.going;
    if (!(await begin(way, here()))) said.textContent = words.problems.insecure.join(": ");
  };
  place.replaceChildren(h("button", { type: "button", class: "primary", id: "oidc", click: go }, words.go), said, h("p", { class: "soft" }, words.or));
}
