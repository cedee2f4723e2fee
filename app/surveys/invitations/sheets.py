"""Codes on paper: a slip for each to cut out, and a poster for everybody. They load nothing from anywhere."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import segno
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core.settings import Settings
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
class About:
    """What all slips of a survey say."""

    survey: Survey
    organization: Organization
    language: str
    settings: Settings
    names: Mapping[str, str] = field(default_factory=dict)
    """Of people or teams, by their identifier; where one has none, that is told."""


@cache
def words() -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, str]] = yaml.safe_load((FOLDER / "sheets.yaml").read_text(encoding="utf-8"))
    return document


@cache
def templates() -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


def slips(about: About, issued: InvitationsIssued) -> Iterator[str]:
    return written(about, (slip(about, one) for one in issued.invitations), is_poster=False)


def slip(about: About, one: Invitation) -> dict[str, object]:
    page = about.settings.respond_page
    named = one.respondent or one.team
    name = [] if named is None else [about.names.get(named, named)]
    whose = [*name, *(one.segments or {}).values()]
    return {
        "for": " · ".join(whose),
        "code": in_groups(one.token),
        "picture": picture(None if page is None else f"{page}#{one.token}"),
    }


def poster(about: About, address: SurveyAddress) -> Iterator[str]:
    drawn = ({"for": address.notice, "code": None, "picture": picture(url)} for url in (address.url,))
    return written(about, drawn, is_poster=True)


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
    said = {name: texts[about.language] for name, texts in words().items()}
    page = about.settings.respond_page
    occasion = letters.Occasion(about.survey, about.organization, questions=0)
    sheet = (
        templates()
        .get_template("sheet.html")
        .stream(
            language=about.language,
            organization=about.organization.name,
            survey=about.survey.name,
            until=letters.until(occasion, about.language, with_zone=True),
            contact=letters.contact_in_words(about.organization, about.language),
            page=None if page is None else page.partition("://")[2],
            slips=found,
            is_poster=is_poster,
            once=said["again" if about.survey.allow_changes else "once"],
            said=said,
        )
    )
    sheet.enable_buffering(AT_ONCE)
    return sheet
