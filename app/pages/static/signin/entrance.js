/** The form for a key, on each page where somebody has to sign in. */

import { at } from "../respond/dom.js";
import { signIn } from "../session.js";

/**
 * `said` has a sentence for each code of a refusal, `show` brings the form, and `open` goes on from there.
 * @param {() => Record<string, string>} said @param {() => void} show @param {() => unknown} open
 */
export function entrance(said, show, open) {
  /** @param {string} code */
  const refuse = (code) => {
    at("refused").textContent = said()[code] ?? said().other ?? "";
    show();
  };

  /** @param {Event} event */
  const enter = async (event) => {
    event.preventDefault();
    const told = await signIn(at("key").value.trim());
    if (!told.isOk) return refuse(told.code);
    at("key").value = "";
    at("refused").textContent = "";
    return open();
  };

  return { refuse, enter };
}
