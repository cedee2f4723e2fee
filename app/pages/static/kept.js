/** What is kept in the tab, where its browser lets it: a page works without, and asks again after a reload. */

import { languageOfBrowser } from "./respond/words.js";

const LANGUAGE = "betrokken.language";

/** @param {string} name */
export function recall(name) {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

/** Empty: no more. False: it is not. @param {string} name @param {string} text */
export function keep(name, text) {
  try {
    if (text) sessionStorage.setItem(name, text);
    else sessionStorage.removeItem(name);
    return true;
  } catch {
    return false;
  }
}

/** Of the reader, whoever they are: as they chose, or their browser's. @returns {"nl" | "en"} */
export function languageKept() {
  const chosen = recall(LANGUAGE);
  if (chosen === "nl" || chosen === "en") return chosen;
  return languageOfBrowser();
}

/** @param {string} chosen */
export const keepLanguage = (chosen) => keep(LANGUAGE, chosen);
