/** Recognition that everybody may read; what is for a team or for one person alone is not shown here. */

import { h } from "../respond/dom.js";
import { ask, may } from "../session.js";
import { moment, whole, words } from "./page.js";
import { button } from "./forms.js";

/**
 * @typedef {import("contract").components["schemas"]["Recognition"]} Recognition
 * @typedef {import("./page.js").Drawn} Drawn
 */

const PAGE = 20;

/** @returns {Promise<Drawn>} */
export async function drawRecognition() {
  const said = words();
  const [told, people] = await Promise.all([ask("v1/recognitions", { limit: PAGE }), may("people:read") ? whole("v1/people") : []]);
  if (!told.isOk) return told;
  const names = new Map(people.map(({ external_id: id, name }) => [id, name]));
  const list = h("ul", { class: "feed", id: "feed" });
  const place = h("div", {});
  append(list, place, told.body, names);
  return [h("h1", { tabindex: -1 }, said.sections.recognition), h("p", {}, said.feed.lead), list, place];
}

/** @param {HTMLElement} list @param {HTMLElement} place @param {{items: Recognition[], next_cursor: string | null}} page @param {Map<string, string>} names */
function append(list, place, { items, next_cursor: cursor }, names) {
  const said = words();
  const shown = items.filter(({ visibility }) => visibility === "organization").map((one) => drawn(one, names));
  list.append(...shown);
  const older = button(said.more, async () => {
    const told = await ask("v1/recognitions", { limit: PAGE, cursor });
    if (told.isOk) append(list, place, told.body, names);
  });
  place.replaceChildren(...(list.children.length ? [] : [h("p", {}, said.feed.nothing)]), ...(cursor ? [older] : []));
}

/** @param {Recognition} event @param {Map<string, string>} names */
function drawn({ giver, receivers, message, value, occurred_at: at }, names) {
  const name = (/** @type {string} */ id) => names.get(id) ?? id;
  return h("li", {}, h("p", {}, h("b", {}, words().feed.who(name(giver), receivers.map(name).join(", ")))), h("p", { class: "letter" }, message), h("p", { class: "soft" }, [moment(at), value].filter(Boolean).join(" · ")));
}
