/** A mail as its reader sees it, in the page and yet apart from it: nothing of it runs, leads anywhere or is fetched. */

import { h } from "../respond/dom.js";

const LEFT_OUT = "script, iframe, object, embed, form, link, meta, base, title, style, svg";
const LOOKS = /<(style)\b[^>]*>([\s\S]*?)<\/\1>/g;
const OURS = "data-look";

/** What the page's policy forbids to write is set by the script instead. @param {string} mail */
export function letter(mail) {
  const sheets = [...mail.matchAll(LOOKS)].map(([, , rules]) => sheet(rules ?? ""));
  const inert = mail.replace(LOOKS, "").replace(/\sstyle=/g, ` ${OURS}=`);
  const read = new DOMParser().parseFromString(inert, "text/html");
  for (const one of read.querySelectorAll(LEFT_OUT)) one.remove();
  const page = h("div", { class: "mail", lang: read.documentElement.lang }, ...read.body.childNodes);
  page.setAttribute(OURS, read.body.getAttribute(OURS) ?? "");
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("*"))) plain(one);
  plain(page);
  const host = h("div", { class: "as-received", id: "as-received" });
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = sheets;
  root.append(page);
  return host;
}

/** @param {string} rules */
function sheet(rules) {
  const made = new CSSStyleSheet();
  made.replaceSync(rules.replace(/@import[^;]*;/g, ""));
  return made;
}

/** With its own look, and no way out. @param {HTMLElement} one */
function plain(one) {
  one.style.cssText = one.getAttribute(OURS) ?? "";
  for (const { name } of [...one.attributes]) if (name === OURS || name === "href" || name.startsWith("on")) one.removeAttribute(name);
}
