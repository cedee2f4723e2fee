"""Codes on paper: a slip for each to cut out, and a poster for everybody. They load nothing from anywhere."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core.settings import Settings
from app.core.shipped import read_yaml
from app.core.short_codes import in_groups
from app.surveys.invitations import letters
from app.surveys.invitations.schemas import Invitation, InvitationsIssued, SurveyAddress
from app.tables import Organization, Survey

FOLDER = Path(__file__).parent
CLOSED = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


DRAWER = ThreadPoolExecutor(1, "sheets")
"""A picture takes milliseconds to draw, and a sheet may have as many as there are people: a process draws for
one at a time, beside its event loop."""
AT_ONCE = 100
"""Parts of a sheet that are sent together: some slips."""


@dataclass(frozen=True)
class Holder:
    """Who gets a slip, and the language it is in."""

    name: str
    team: str | None
    language: str


@dataclass(frozen=True)
class About:
    """What all slips of a survey say."""

    survey: Survey
    organization: Organization
    language: str
    settings: Settings
    holders: Mapping[str, Holder] = field(default_factory=dict)
    """People or teams by their identifier; of others that is told."""


@cache
def words() -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, str]] = read_yaml(FOLDER / "sheets.yaml")
    return document


@cache
def templates() -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


def slips(about: About, issued: InvitationsIssued) -> Iterator[str]:
    """In the order in which they are handed out: by team, and there by surname."""
    handed = sorted(issued.invitations, key=lambda one: place_of(holder(about, one)))
    return written(about, (slip(about, one) for one in handed), is_poster=False)


def holder(about: About, one: Invitation) -> Holder:
    named = one.respondent or one.team or ""
    return about.holders.get(named, Holder(named, None, about.language))


def place_of(one: Holder) -> tuple[str, ...]:
    """The last word of a name is taken for the surname."""
    *first, last = one.name.casefold().split() or [""]
    return (one.team or "").casefold(), last, *first


def slip(about: About, one: Invitation) -> dict[str, object]:
    page = about.settings.respond_page
    whom = holder(about, one)
    whose = dict.fromkeys((whom.name, whom.team, *(one.segments or {}).values()))
    return {
        **said_in(about, whom.language),
        "team": whom.team,
        "for": " · ".join(part for part in whose if part),
        "code": in_groups(one.token),
        "picture": picture(None if page is None else f"{page}#{one.token}"),
    }


def poster(about: About, address: SurveyAddress) -> Iterator[str]:
    said = said_in(about, about.language) | {"team": None}
    drawn = ({**said, "for": address.notice, "code": None, "picture": picture(url)} for url in (address.url,))
    return written(about, drawn, is_poster=True)


def said_in(about: About, language: str) -> dict[str, object]:
    """What stands on every slip of a language."""
    said = {name: texts[language] for name, texts in words().items()}
    occasion = letters.Occasion(about.survey, about.organization, questions=0)
    return {
        "language": language,
        "said": said | {"once": said["again" if about.survey.allow_changes else "once"]},
        "until": letters.until(occasion, language, with_zone=True),
        "contact": letters.contact_in_words(about.organization, language),
    }


def opens_here_alone(page: str) -> bool:
    """The address that comes along leads every other machine to itself."""
    return urlsplit(page).hostname in ("127.0.0.1", "::1", "localhost")


def picture(link: str | None) -> str | None:
    """A QR code as SVG, which is ours: nothing in it was typed by anybody."""
    if link is None:
        return None
    code = segno.make(link, error="m", micro=False)
    return code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)


async def in_parts(sheet: Iterator[str]) -> AsyncIterator[str]:
    """Each drawn when the one before has been taken, so that a sheet is never whole in memory."""
    loop = asyncio.get_running_loop()
    while part := await loop.run_in_executor(DRAWER, next, sheet, ""):
        yield part


def written(about: About, found: Iterable[Mapping[str, object]], *, is_poster: bool) -> Iterator[str]:
    page = about.settings.respond_page
    sheet = (
        templates()
        .get_template("sheet.html")
        .stream(
            language=about.language,
            organization=about.organization.name,
            survey=about.survey.name,
            page=None if page is None else page.partition("://")[2],
            warning=words()["here"][about.language] if page and opens_here_alone(page) else None,
            slips=found,
            is_poster=is_poster,
        )
    )
    sheet.enable_buffering(AT_ONCE)
    return sheet
