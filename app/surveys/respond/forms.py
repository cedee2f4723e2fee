"""A questionnaire as who is asked reads it: in one language, with what becomes of the answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.languages import LANGUAGES, ByLanguage
from app.surveys.respond import words
from app.surveys.respond.schemas import FormFacet, FormOption, FormQuestion, FormScale, SurveyForm
from app.tables import Organization, Survey


@dataclass(frozen=True)
class Form:
    """What a questionnaire says, and to whom."""

    survey: Survey
    content: Mapping[str, Any]
    organization: Organization
    language: str

    def represent(self) -> SurveyForm:
        survey, organization = self.survey, self.organization
        return SurveyForm.model_validate(
            {
                "organization": organization.name,
                "name": survey.name,
                "mode": survey.mode,
                "closes_at": survey.closes_at,
                "language": self.language,
                "languages": self.languages(),
                "introduction": self.said_if_any("introduction"),
                "thanks": self.said_if_any("thanks"),
                "in_short": words.in_short(survey, self.language),
                "what_is_stored": words.what_is_stored(survey, organization, self.language),
                "minutes": words.minutes_to_answer(len(self.questions)),
                "kept_months": organization.answers_months,
                "contact": organization.survey_contact,
                "takes_locale": survey.mode != "anonymous",
                "takes_comment": True,
                "allow_changes": survey.allow_changes,
                "facets": self.facets(),
                "questions": [self.question(question) for question in self.questions],
            }
        )

    @property
    def questions(self) -> Sequence[Mapping[str, Any]]:
        questions: Sequence[Mapping[str, Any]] = self.content["questions"]
        return questions

    def languages(self) -> list[str]:
        spoken = [set(texts) for texts in texts_of(self.content)]
        complete = [language for language in LANGUAGES if all(language in one for one in spoken)]
        return complete or [self.language]

    def said(self, texts: ByLanguage) -> str:
        return words.in_language(texts, *self.spoken())

    def said_if_any(self, part: str) -> str | None:
        texts = self.content.get(part)
        return self.said(texts) if texts else None

    def facets(self) -> list[FormFacet]:
        titles = {facet["key"]: facet["title"] for facet in self.content["facets"]} | words.outcomes()
        named = dict.fromkeys(question["facet"] for question in self.questions if question["facet"])
        return [FormFacet(key=key, title=self.said(titles[key])) for key in named]

    def question(self, question: Mapping[str, Any]) -> FormQuestion:
        scale = question.get("scale")
        return FormQuestion(
            key=question["key"],
            text=self.said(question["text"]),
            facet=question["facet"],
            kind=question.get("kind", "scale"),
            required=question.get("required", False),
            scale=FormScale(low=scale["low"], high=scale["high"]) if scale else None,
            labels=self.labels(question, scale) if scale else {},
            options=[
                FormOption(key=option["key"], text=self.said(option["text"]))
                for option in question.get("options") or []
            ],
        )

    def labels(self, question: Mapping[str, Any], scale: Mapping[str, Any]) -> dict[str, str]:
        """Its own, or those that usually go with it, which are the page's and in its language."""
        if own := scale.get("labels"):
            return words.in_language(own, *self.spoken())
        asked = self.said(question["text"])
        return words.usual_labels(question["facet"], asked, self.language, scale["low"], scale["high"])

    def spoken(self) -> tuple[str, str, str]:
        """What the reader understands, best first."""
        return self.language, self.organization.locale, "en"


def texts_of(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Everything that is said in several languages; labels too."""
    yield from (content[part] for part in ("introduction", "thanks") if content.get(part))
    yield from (facet["title"] for facet in content["facets"])
    for question in content["questions"]:
        yield question["text"]
        yield from (option["text"] for option in question.get("options") or [])
        labels = (question.get("scale") or {}).get("labels")
        if labels:
            yield labels
