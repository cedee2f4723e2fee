"""Codes on paper: a slip for each to cut out, and a poster for everybody. They load nothing from anywhere."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import segno
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core.settings import Settings
from app.core.short_codes import in_groups
from app.surveys.invitations.schemas import Invitation, InvitationsIssued, SurveyAddress

FOLDER = Path(__file__).parent
CLOSED = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class About:
    """What all slips of a survey say."""

    organization: str
    survey: str
    language: str
    settings: Settings
    is_reusable: bool = False


@cache
def words() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / "sheets.yaml").read_text(encoding="utf-8"))
    return document


@cache
def templates() -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


def slips(about: About, issued: InvitationsIssued) -> str:
    page = about.settings.respond_page
    return written(about, [slip(page, one) for one in issued.invitations], is_poster=False)


def slip(page: str | None, one: Invitation) -> dict[str, Any]:
    place = [one.team, *(one.segments or {}).values()]
    whose = [one.respondent] if one.respondent is not None else [part for part in place if part]
    return {
        "for": " · ".join(whose),
        "code": in_groups(one.token),
        "picture": picture(None if page is None else f"{page}#{one.token}"),
    }


def poster(about: About, address: SurveyAddress) -> str:
    return written(
        about, [{"for": address.notice, "code": None, "picture": picture(address.url)}], is_poster=True
    )


def picture(link: str | None) -> str | None:
    """A QR code as SVG, which is ours: nothing in it was typed by anybody."""
    if link is None:
        return None
    code = segno.make(link, error="m", micro=False)
    return code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)


def written(about: About, found: list[dict[str, Any]], *, is_poster: bool) -> str:
    said = {name: texts[about.language] for name, texts in words().items()}
    page = about.settings.respond_page
    return (
        templates()
        .get_template("sheet.html")
        .render(
            language=about.language,
            organization=about.organization,
            survey=about.survey,
            page=None if page is None else page.partition("://")[2],
            slips=found,
            is_poster=is_poster,
            once=said["again" if about.is_reusable else "once"],
            said=said,
        )
    )
