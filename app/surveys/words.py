"""The words for those who are asked to answer: what is stored, who can read it, and the mail that invites."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from app.tables import Organization, Survey

FILE = Path(__file__).parent / "words.yaml"


@cache
def words() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


def what_is_stored(survey: Survey, organization: Organization, language: str) -> list[str]:
    """Sentences for the respondent, to be read before he answers."""
    told = words()
    team = told["team"][language]
    names = {
        "k": survey.minimum_group_size,
        "k_comments": organization.minimum_comment_group_size,
        "team": team,
        "place": listed([team, *survey.report_by], told["and"][language]),
    }
    rolling = told["rolling"] if survey.release_policy == "rolling" else []
    sentences = [*told["kept"][survey.mode], *told["read"][survey.mode], *told["shown"], *rolling]
    return [sentence[language].format(**names) for sentence in sentences]


def listed(things: list[str], conjunction: str) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = things
    return f"{', '.join(most)} {conjunction} {last}" if most else last


@dataclass(frozen=True)
class InvitationText:
    subject: str
    text: str


def invitation(survey: Survey, organization: Organization, link: str, language: str) -> InvitationText:
    """Names that people gave are put on one line: in a mail a line may be a header."""
    told = words()["mail"]
    names = {"organization": on_one_line(organization.name), "survey": on_one_line(survey.name), "link": link}
    until = ""
    if survey.closes_at is not None:
        local = survey.closes_at.astimezone(ZoneInfo(organization.time_zone))
        until = told["until"][language].format(closes_at=f"{local:%Y-%m-%d %H:%M} ({organization.time_zone})")
    return InvitationText(
        subject=told["subject"][language].format(**names),
        text=told["text"][language].format(**names, until=until),
    )


def on_one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def in_language(texts: Mapping[str, str], *languages: str) -> str:
    """A questionnaire's text in the first of the languages it has, else in any."""
    return next((texts[language] for language in languages if language in texts), next(iter(texts.values())))
