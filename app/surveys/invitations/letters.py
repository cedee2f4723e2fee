"""What the mails of a survey say: in the words that come along, or in the organisation's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from app.core.languages import day_in_words, moment_in_words
from app.mail.letters import LINK, Letter, Paragraph, filled, paragraphs
from app.surveys.respond.words import numbered, on_one_line
from app.tables import Organization, Survey

FILE = Path(__file__).parent / "words.yaml"
A_MINUTE = 4
"""Questions that a person answers in a minute."""
OWN = ("name", "survey", LINK, "closes_on")
"""What may stand between braces in an organisation's own text; in its subject, all but the link."""
Texts = Mapping[str, str]


@dataclass(frozen=True)
class OwnWords:
    """By language; null: the words that come along."""

    subject: Texts | None = None
    text: Texts | None = None


@dataclass(frozen=True)
class Reader:
    name: str
    language: str
    time_zone: str | None


@dataclass(frozen=True)
class Occasion:
    """The survey a mail is about, as it is now."""

    survey: Survey
    organization: Organization
    questions: int


@cache
def words() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


def invitation(about: Occasion, own: OwnWords, link: str, reader: Reader) -> Letter:
    said, language = words()["invitation"], reader.language
    values = values_of(about, reader)
    subject = (own.subject or {}).get(language, said["subject"][language])
    text = (own.text or {}).get(language, said["text"][language])
    about_link = said["same_link" if about.survey.allow_changes else "link"]
    return letter(
        about,
        reader,
        filled(subject, values),
        [*paragraphs(text, values), Paragraph([about_link[language]])],
        link,
    )


def letter(about: Occasion, reader: Reader, subject: str, body: list[Paragraph], link: str = "") -> Letter:
    language = reader.language
    return Letter(
        language=language,
        subject=on_one_line(subject),
        paragraphs=[*body, Paragraph([until(about, reader)]), *contact(about, language)],
        footer=[words()["footer"][language]],
        link=link,
        button=words()["button"][language],
    )


def values_of(about: Occasion, reader: Reader) -> dict[str, str]:
    """Names that people gave are put on one line: in a mail a line may be a header."""
    survey, organization, language = about.survey, about.organization, reader.language
    minutes = max(1, round(about.questions / A_MINUTE))
    return {
        "name": on_one_line(reader.name),
        "organization": on_one_line(organization.name),
        "survey": on_one_line(survey.name),
        "minutes": numbered(words()["minutes"][language], minutes),
        "closes_on": ""
        if survey.closes_at is None
        else closing_day(survey.closes_at, organization, language),
    }


def closing_day(closes_at: datetime, organization: Organization, language: str) -> str:
    """The last day on which one can take part: of midnight, the day before."""
    last = closes_at.astimezone(ZoneInfo(organization.time_zone)) - timedelta(microseconds=1)
    return day_in_words(language, last)


def until(about: Occasion, reader: Reader) -> str:
    """The time zone is named to who lives in another."""
    closes_at, organization = about.survey.closes_at, about.organization
    said = words()["until"]
    if closes_at is None:
        return str(said["unknown"][reader.language].format(organization=on_one_line(organization.name)))
    moment = moment_in_words(reader.language, closes_at.astimezone(ZoneInfo(organization.time_zone)))
    if reader.time_zone not in (None, organization.time_zone):
        moment += f" ({organization.time_zone})"
    return str(said["known"][reader.language].format(closes_at=moment))


def contact(about: Occasion, language: str) -> list[Paragraph]:
    asked = about.organization.survey_contact
    return [Paragraph([words()["contact"][language].format(contact=on_one_line(asked))])] if asked else []
