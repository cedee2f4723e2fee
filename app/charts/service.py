"""Charts drawn for whoever does not draw them: elsewhere, a few at once, and kept by what they show."""

import base64
import json
import logging
from collections import OrderedDict
from contextlib import suppress
from importlib.util import find_spec
from uuid import UUID

from app.charts.negotiation import Format
from app.charts.parts import Json
from app.charts.schemas import Form
from app.core.conditional import etag_of
from app.core.errors import NotAcceptable, Unavailable
from app.core.press import Press, Unprinted

log = logging.getLogger("betrokken.charts")

PRESS = Press("app.charts.drawing", hands=1)
MOST_KEPT = 16 << 20
"""Bytes."""
Kept = OrderedDict[tuple[str, Format], bytes]
kept: Kept = OrderedDict()
"""By the mark of a specification: of one release, chart, language, theme and reader. The newest last."""


class NoSuchFormat(NotAcceptable):
    detail = "A chart is application/vnd.vegalite.v6+json, image/svg+xml or image/png: accept one of them."


class ChartsNotInstalled(NotAcceptable):
    code = "charts_not_installed"
    detail = (
        "This service does not draw charts: install betrokken[charts], or take the image that has it."
        " The specification is there for whoever accepts application/vnd.vegalite.v6+json."
    )


class NotDrawn(Unavailable):
    detail = (
        "The chart could not be drawn: try again shortly, or take the specification and draw it yourself."
    )


class Undrawn(Unprinted):
    """The library refused the specification, and would again: that is an error of ours."""


def can_draw() -> bool:
    return find_spec("vl_convert") is not None


def forms() -> list[Form]:
    return ["vega-lite", "svg", "png"] if can_draw() else ["vega-lite"]


def mark_of(specification: Json) -> str:
    return etag_of(json.dumps(specification).encode()).strip('"')


async def picture(
    specification: Json,
    wanted: Format,
    whose: UUID,
    may_keep: bool = True,
    is_request: bool = True,
) -> bytes:
    """Where a person is named in it, nothing is kept.

    A request is refused where too many of its organisation wait.
    """
    mark = mark_of(specification)
    key = mark, wanted
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    if is_request:
        PRESS.refuse_crowd(whose)
    order = json.dumps([specification, wanted, f"c{mark[:12]}"]).encode()
    made = base64.b64decode(await made_of(order, whose))
    if not made:
        log.error("chart_not_drawn")
        raise Undrawn
    if may_keep:
        keep(key, made)
    return made


async def made_of(order: bytes, whose: UUID) -> bytes:
    """Once more where the process died: something else may have ended it."""
    with suppress(Unprinted):
        return await PRESS.make(order, whose)
    return await PRESS.make(order, whose)


def keep(key: tuple[str, Format], made: bytes) -> None:
    kept[key] = made
    while sum(map(len, kept.values())) > MOST_KEPT and len(kept) > 1:
        kept.popitem(last=False)
