/** A questionnaire as a respondent sees it: drawn by the respondent's own page, in its own look. */

import { h, items } from "../respond/dom.js";
import { drawQuestion } from "../respond/questions.js";
import { WORDS as RESPONDENT } from "../respond/words.js";
import { ask } from "../session.js";
import { languageNow, tell, words } from "./page.js";
import { button, dialog } from "./forms.js";

/** @typedef {import("contract").components["schemas"]["SurveyForm"]} Form */

/** @param {string} key @param {string} mode @param {string} title */
export async function preview(key, mode, title) {
  const told = await ask(`v1/questionnaires/${encodeURIComponent(key)}/preview`, { mode });
  if (!told.isOk) return tell(told);
  const said = words();
  const host = h("div", { class: "as-respondent", id: "as-respondent" });
  const root = host.attachShadow({ mode: "open" });
  const look = h("link", { rel: "stylesheet", href: "pages/respond/respond.css" });
  const frame = h("link", { rel: "stylesheet", href: "pages/manage/preview.css" });
  root.append(look, frame, drawn(told.body));
  const box = dialog(said.previewing, [h("p", { class: "soft" }, `${title}. ${said.preview_size(told.body.questions.length, told.body.minutes)}. ${said.preview_note}`), host, h("p", {}, button(said.close, () => box.close(), "primary"))], "roomy");
}

/** @param {Form} form */
function drawn(form) {
  const said = words();
  const known = [...form.facets, { key: null, title: said.other_questions }];
  const steps = known.map(({ key, title }) => ({ title, questions: form.questions.filter(({ facet }) => facet === key) })).filter(({ questions }) => questions.length);
  return h("div", { class: "preview", lang: form.language },
    ...(form.introduction ? [h("p", { class: "lead" }, form.introduction)] : []),
    h("ul", {}, ...items(form.in_short)),
    h("details", {}, h("summary", {}, said.what_is_stored), h("ul", {}, ...items(form.what_is_stored))),
    ...steps.map(({ title, questions }) => h("section", {}, h("h3", {}, title), ...questions.map((one) => drawQuestion(one, undefined, RESPONDENT[languageNow()], () => {}, false)))));
}
