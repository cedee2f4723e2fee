/** Finding and making parts of the page. */

/** @param {string} id @returns {any} */
export const at = (id) => document.getElementById(id);

/** @param {string} selector @returns {HTMLElement[]} */
export const all = (selector) => [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))];

/** An element; of its properties a function listens and the rest are attributes.
 * @param {string} tag @param {Record<string, unknown>} [props] @param {...(Node | string)} children */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name, /** @type {EventListener} */ (value));
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** @param {(Node | string)[]} contents */
export const items = (contents) => contents.map((content) => h("li", {}, content));
