/** Asked before a link with a key takes the place of who is signed in: whoever made it may be a stranger. */

import { h } from "../respond/dom.js";
import { WORDS } from "./words.js";

/** Over when they stay, as Escape does too. @param {() => Promise<import("../session.js").Told>} change   comes back where it cannot @returns {Promise<void>} */
export function askFirst(change) {
  document.querySelector("#other-key")?.remove();
  const words = WORDS[/** @type {import("./words.js").Language} */ (document.documentElement.lang)].other;
  const wrong = h("p", { role: "alert", class: "fault" });
  const go = async () => {
    wrong.textContent = "";
    const { status } = await change();
    wrong.textContent = status === 401 ? words.unknown : words.failed;
  };
  return new Promise((resolve) => {
    const close = () => { box.remove(); resolve(); };
    const stay = h("button", { type: "button", class: "primary", id: "stay", click: () => box.close() }, words.stay);
    const box = /** @type {HTMLDialogElement} */ (h("dialog", { id: "other-key", "aria-labelledby": "other-title", close }, h("h2", { id: "other-title" }, words.title),
      ...words.text.map((one) => h("p", {}, one)), wrong, h("p", { class: "buttons" }, stay, " ", h("button", { type: "button", class: "link", id: "change", click: go }, words.change))));
    document.body.append(box);
    box.showModal();
    stay.focus();
  });
}
