"""The words for those who are asked to answer: what is stored, and who can read it."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from app.core.shipped import read_yaml
from app.tables import Organization, Survey

FILE = Path(__file__).parent / "words.yaml"
A_MINUTE = 4
"""Questions that a person answers in a minute."""
Said = TypeVar("Said")


@cache
def words() -> dict[str, Any]:
    document: dict[str, Any] = read_yaml(FILE)
    return document


def what_is_stored(survey: Survey, organization: Organization, language: str) -> list[str]:
    """Sentences for the respondents, to be read before they answer."""
    known = words()
    team = known["team"][language]
    segments = [segment_in_words(key, language) for key in survey.report_by]
    months = organization.answers_months
    names = {
        "k": survey.minimum_group_size,
        "others": (survey.minimum_group_size or 0) - 1,
        "k_comments": organization.minimum_comment_group_size,
        "team": team,
        "place": listed([team, *segments], known["and"][language]),
        "months": counted("months", months or 0, language),
        "contact": organization.survey_contact,
    }
    rolling = known["rolling"] if survey.release_policy == "rolling" else []
    retention = known["retention" if months is not None else "no_retention"]
    contact = known["contact" if organization.survey_contact else "no_contact"]
    is_open = survey.access == "open"
    how = "open" if is_open else survey.mode
    kept = known["kept"][how]
    repeats = known["repeats"] if is_open else []
    own = [kept, repeats, known["read"][survey.mode]]
    sentences = [
        *chain(*own),
        *known["shown"],
        *known["texts"][survey.access],
        *(known["changes"] if survey.allow_changes else []),
        *known["limits"][how],
        *rolling,
        *retention,
        *contact,
    ]
    return [sentence[language].format(**names) for sentence in sentences]


def notice_of_repeats(language: str) -> str:
    return str(words()["repeats"][0][language])


def in_short(survey: Survey, language: str) -> list[str]:
    """What matters most of it, in three sentences."""
    sentences = words()["in_short"][survey.mode]
    return [sentence[language].format(k=survey.minimum_group_size) for sentence in sentences]


def minutes_to_answer(questions: int) -> int:
    return max(1, round(questions / A_MINUTE))


def outcomes() -> dict[str, Mapping[str, str]]:
    """Titles of the facets that no questionnaire names: those of outcomes."""
    titles: dict[str, Mapping[str, str]] = words()["outcomes"]
    return titles


def usual_labels(facet: str | None, text: str, language: str, low: int, high: int) -> dict[str, str]:
    """What answers mean where a questionnaire does not say so: to recommendation how likely, to a question
    how much, and to a statement whether somebody agrees."""
    if facet == "enps":
        return dict(words()["recommendation"][language])
    is_asked = text.rstrip(" \"'”’»)").endswith("?")
    said = words()["extent" if is_asked else "agreement"][language]
    points = range(low, high + 1)
    if len(points) == len(said):
        return dict(zip(map(str, points), said, strict=True))
    return {str(low): said[0], str(high): said[-1]}


def segment_in_words(key: str, language: str) -> str:
    """`your location` for a breakdown that many have, else its key."""
    named = words()["segments"].get(key)
    return str(named[language]) if named else key.replace("_", " ")


def counted(unit: str, number: int, language: str) -> str:
    """`1 month`, `2 months`."""
    return numbered(words()[unit][language], number)


def numbered(forms: Sequence[str], number: int) -> str:
    one, more = forms
    return one if number == 1 else more.format(number=number)


def listed(things: list[str], conjunction: str) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = things
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def in_language(texts: Mapping[str, Said], *languages: str) -> Said:
    """A questionnaire's text in the first of the languages it has, else in any."""
    return next((texts[language] for language in languages if language in texts), next(iter(texts.values())))
