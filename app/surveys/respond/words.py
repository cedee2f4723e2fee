"""The words for those who are asked to answer: what is stored, who can read it, and the mail that invites."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml

from app.core.languages import moment_in_words
from app.tables import Organization, Survey

FILE = Path(__file__).parent / "words.yaml"
Said = TypeVar("Said")
A_MINUTE = 4
"""Questions that a person answers in a minute."""


@cache
def words() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
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
    own = [known[part][survey.mode] for part in ("kept", "read")]
    sentences = [
        *chain(*own),
        *known["shown"],
        *known["limits"][survey.mode],
        *rolling,
        *retention,
        *contact,
    ]
    return [sentence[language].format(**names) for sentence in sentences]


def in_short(survey: Survey, language: str) -> list[str]:
    """What matters most of it, in three sentences."""
    sentences = words()["in_short"][survey.mode]
    return [sentence[language].format(k=survey.minimum_group_size) for sentence in sentences]


def outcomes() -> dict[str, Mapping[str, str]]:
    """Titles of the facets that no questionnaire names: those of outcomes."""
    titles: dict[str, Mapping[str, str]] = words()["outcomes"]
    return titles


def segment_in_words(key: str, language: str) -> str:
    """`your location` for a breakdown that many have, else its key."""
    named = words()["segments"].get(key)
    return str(named[language]) if named else key.replace("_", " ")


def counted(unit: str, number: int, language: str) -> str:
    """`1 month`, `2 months`."""
    one, more = words()[unit][language]
    return str(one if number == 1 else more.format(number=number))


def listed(things: list[str], conjunction: str) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = things
    return f"{', '.join(most)} {conjunction} {last}" if most else last


@dataclass(frozen=True)
class InvitationText:
    subject: str
    text: str


@dataclass(frozen=True)
class Reader:
    language: str
    time_zone: str | None


def invitation(
    survey: Survey, questions: int, organization: Organization, link: str, reader: Reader
) -> InvitationText:
    """Names that people gave are put on one line: in a mail a line may be a header."""
    mail = words()["mail"]
    language = reader.language
    names = {
        "organization": on_one_line(organization.name),
        "survey": on_one_line(survey.name),
        "link": link,
        "minutes": counted("minutes", max(1, round(questions / A_MINUTE)), language),
        "until": until(survey.closes_at, organization.time_zone, reader),
    }
    return InvitationText(mail["subject"][language].format(**names), mail["text"][language].format(**names))


def until(closes_at: datetime | None, time_zone: str, reader: Reader) -> str:
    """The time zone is named to who lives in another."""
    if closes_at is None:
        return ""
    moment = moment_in_words(reader.language, closes_at.astimezone(ZoneInfo(time_zone)))
    if reader.time_zone not in (None, time_zone):
        moment += f" ({time_zone})"
    return str(words()["mail"]["until"][reader.language].format(closes_at=moment))


def on_one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def in_language(texts: Mapping[str, Said], *languages: str) -> Said:
    """A questionnaire's text in the first of the languages it has, else in any."""
    return next((texts[language] for language in languages if language in texts), next(iter(texts.values())))
