"""What the mails of a survey say: in the words that come along, or in the organisation's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.core.languages import ByLanguage, day_in_words, moment_in_words
from app.core.one_line import on_one_line
from app.core.shipped import read_yaml
from app.mail.letters import LINK, Letter, Paragraph, filled, paragraphs
from app.surveys.invitations.reminders import rules
from app.surveys.respond.words import minutes_to_answer, numbered
from app.tables import Organization, Survey

FILE = Path(__file__).parent / "words.yaml"
OWN = ("name", "survey", LINK, "closes_on")
"""What may stand between braces in an organisation's own text; in its subject, all but the link."""


@dataclass(frozen=True)
class OwnWords:
    """By language; null: the words that come along."""

    subject: ByLanguage | None = None
    text: ByLanguage | None = None


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
    document: dict[str, Any] = read_yaml(FILE)
    return document


def invitation(about: Occasion, own: OwnWords, link: str, reader: Reader) -> Letter:
    said, language = words()["invitation"], reader.language
    along = OwnWords(said["subject"], said["text"])
    about_link = said["same_link" if about.survey.allow_changes else "link"]
    return written(about, own, along, about_link[language], values_of(about, reader), reader, link)


def reminder(about: Occasion, own: OwnWords, link: str, reader: Reader) -> Letter:
    """For who has not answered yet, and for nobody else."""
    return reminding(about, own, "reminder", {}, reader, link)


def reminder_of_everybody(about: Occasion, own: OwnWords, invited_at: datetime, reader: Reader) -> Letter:
    """Nobody knows who has answered: it has no link, and says where theirs is."""
    zone = ZoneInfo(reader.time_zone or about.organization.time_zone)
    invited_on = day_in_words(reader.language, invited_at.astimezone(zone))
    return reminding(about, own, "reminder_of_everybody", {"invited_on": invited_on}, reader)


def reminding(
    about: Occasion, own: OwnWords, kind: str, more: Mapping[str, str], reader: Reader, link: str = ""
) -> Letter:
    said, values = words()[kind], {**values_of(about, reader), **more}
    is_known = "known" if about.survey.closes_at else "unknown"
    along = OwnWords(words()["reminder_subject"][is_known], said["text"])
    return written(about, own, along, said["notice"][reader.language], values, reader, link)


def written(
    about: Occasion,
    own: OwnWords,
    along: OwnWords,
    notice: str,
    values: Mapping[str, str],
    reader: Reader,
    link: str,
) -> Letter:
    """In their own words, or those that come along; the notice is ours in either."""
    subject = said_in(reader.language, own.subject, along.subject)
    text = said_in(reader.language, own.text, along.text)
    body = [*paragraphs(text, values), *paragraphs(notice, values)]
    return letter(about, reader, filled(subject, values), body, link)


def said_in(language: str, *texts: ByLanguage | None) -> str:
    """By the first that has the language."""
    return next(one[language] for one in texts if one and language in one)


def letter(about: Occasion, reader: Reader, subject: str, body: list[Paragraph], link: str = "") -> Letter:
    language = reader.language
    return Letter(
        language=language,
        subject=on_one_line(subject),
        paragraphs=[*body, Paragraph([until_for(about, reader)]), *contact(about, language)],
        footer=[words()["footer"][language]],
        link=link,
        button=words()["button"][language],
    )


def values_of(about: Occasion, reader: Reader) -> dict[str, str]:
    """Names that people gave are put on one line: in a mail a line may be a header."""
    survey, organization, language = about.survey, about.organization, reader.language
    minutes = minutes_to_answer(about.questions)
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
    return day_in_words(language, rules.closing_day(closes_at, organization.time_zone))


def until_for(about: Occasion, reader: Reader) -> str:
    """The time zone is named to who lives in another."""
    is_elsewhere = reader.time_zone not in (None, about.organization.time_zone)
    return until(about, reader.language, with_zone=is_elsewhere)


def until(about: Occasion, language: str, *, with_zone: bool) -> str:
    closes_at, organization = about.survey.closes_at, about.organization
    said = words()["until"]
    if closes_at is None:
        return str(said["unknown"][language].format(organization=on_one_line(organization.name)))
    moment = moment_in_words(language, closes_at.astimezone(ZoneInfo(organization.time_zone)))
    if with_zone:
        moment += f" ({organization.time_zone})"
    return str(said["known"][language].format(closes_at=moment))


def contact(about: Occasion, language: str) -> list[Paragraph]:
    asked = contact_in_words(about.organization, language)
    return [Paragraph([asked])] if asked else []


def contact_in_words(organization: Organization, language: str) -> str | None:
    asked = organization.survey_contact
    return str(words()["contact"][language].format(contact=on_one_line(asked))) if asked else None
