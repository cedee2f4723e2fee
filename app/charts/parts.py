"""Parts of a Vega-Lite specification, and the whole: title, data, pictures, notes below."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor
from typing import Any, Final

from app.charts.letters import LINE, SIZE, wrapped
from app.charts.look import WIDER, Look
from app.core.one_line import on_one_line

Json = dict[str, Any]
ChartRows = list[Json]
VEGA_LITE: Final = "https://vega.github.io/schema/vega-lite/v6.json"
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
TITLE: Final = 17
HALO: Final = 4
THIN: Final = 1.5
PADDING: Final = 8
BETWEEN: Final = 36
"""Pixels between two panels side by side."""
BEYOND: Final = 12
"""Pixels by which a thick line at its end, or the last number of its axis, goes beyond a panel."""


def chart(
    look: Look,
    *,
    title: str,
    description: str,
    data: Mapping[str, ChartRows],
    views: Sequence[Json],
    notes: Iterable[str] = (),
    left: float = 0,
) -> Json:
    """What nobody would read twice is said below: what marks mean, who is not shown and why.

    `left`: what lies to the left of the views, such as an axis.
    """
    lines = [{"text": line} for note in notes for line in look.lines(note)]
    found: Json = readable(
        {
            "$schema": VEGA_LITE,
            "description": description,
            "title": {"text": _heading(look, title), "anchor": "start", "frame": "bounds", "offset": 14},
            "datasets": {**data, "notes": stacked(lines)},
            "vconcat": [*views, notes_view(look, lines, left)],
            "spacing": 14,
            "bounds": "full",
            "background": look.theme.paper,
            "padding": PADDING,
            "config": _config(look),
        }
    )
    return found


NUMBERS: Final = {
    "en": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["€", ""]},
    "nl": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["€ ", ""]},
}
"""How an axis writes them."""


def readable(node: Any) -> Any:
    """Names come from elsewhere: what is no letter, such as a control character, breaks a picture."""
    if isinstance(node, str):
        return on_one_line(node)
    if isinstance(node, list):
        return [readable(one) for one in node]
    return {name: readable(one) for name, one in node.items()} if isinstance(node, dict) else node


def _heading(look: Look, title: str) -> list[str]:
    return wrapped(title, look.width / WIDER, TITLE * 1.06)


def _config(look: Look) -> Json:
    theme = look.theme
    text = {"labelFontSize": SIZE, "titleFontSize": SIZE, "titleFontWeight": 400}
    colours = {"labelColor": theme.muted, "titleColor": theme.muted}
    lines = {"domainColor": theme.line, "tickColor": theme.line, "gridColor": theme.line, "gridOpacity": 0.6}
    return {
        "font": FONT,
        "locale": {"number": NUMBERS[look.language]},
        "view": {"stroke": None},
        "title": {"color": theme.ink, "fontSize": TITLE, "fontWeight": 600, "lineHeight": 23},
        "axis": {
            **text,
            **colours,
            **lines,
            "titlePadding": 8,
            "labelPadding": 4,
            "labelFlush": True,
            "labelSeparation": 8,
        },
        "text": {"fontSize": SIZE, "baseline": "middle", "lineHeight": LINE - 2, "color": theme.ink},
        "rule": {"strokeWidth": THIN},
    }


def notes_view(look: Look, lines: ChartRows, left: float) -> Json:
    layer = text("notes", x=at(-left), y=place("y"), shown="text", align="left", color=look.theme.muted)
    return view(look.width - left, max(1, LINE * len(lines)), [layer])


def stacked(rows: ChartRows, step: int = LINE) -> ChartRows:
    """One below the other, in pixels."""
    return [{**row, "y": step * (number + 0.5)} for number, row in enumerate(rows)]


def view(width: float, height: float, layers: Sequence[Json], **more: Any) -> Json:
    return {"width": width, "height": height, "layer": list(layers), **more}


def side_by_side(views: Sequence[Json], apart: float) -> Json:
    return {"hconcat": list(views), "spacing": apart, "bounds": "flush"}


# ------------------------------------------------------------------ where a mark is


def at(pixels: float | str) -> Json:
    return {"value": pixels}


def place(field: str) -> Json:
    """A member of the data that is a number of pixels."""
    return {"field": field, "type": "quantitative", "scale": None}


def value(field: str, scale: Json, axis: Json | None = None, title: str | list[str] | None = None) -> Json:
    """A number of the metric, on its scale. One layer of those that share a scale says the axis."""
    said = {"axis": axis, "title": title} if axis else {}
    return {"field": field, "type": "quantitative", "scale": scale, **said}


def scale(domain: Sequence[float], span: Sequence[float] | None = None) -> Json:
    """`span`: from which pixel to which; the whole view by default."""
    return {"domain": list(domain), "nice": False, "zero": False, **({"range": list(span)} if span else {})}


def span(
    values: Iterable[float | None], step: float, low: float, high: float, least: float = 0
) -> list[float]:
    """Where the points are, in whole steps, within what is possible; `least` so much of it, around them."""
    known = [one for one in values if one is not None] or [low, high]
    wider = max(0, least - (max(known) - min(known))) / 2
    first, last = floor((min(known) - wider) / step) * step, ceil((max(known) + wider) / step) * step
    return [max(low, min(first, high - max(step, least))), min(high, max(last, first + step, low + least))]


# ------------------------------------------------------------------ marks


def mark(kind: str, data: str, *, where: str | None = None, **channels: Any) -> Json:
    """Channels are those of Vega-Lite; whatever else is given says how the mark looks."""
    encoding = {
        name: one for name, one in channels.items() if isinstance(one, dict | list) and name in CHANNELS
    }
    style = {name: one for name, one in channels.items() if name not in encoding and one is not None}
    chosen: Json = {"transform": [{"filter": where}]} if where else {}
    return {"data": {"name": data}, **chosen, "mark": {"type": kind, **style}, "encoding": encoding}


CHANNELS = {
    "x",
    "x2",
    "y",
    "y2",
    "text",
    "size",
    "shape",
    "color",
    "fill",
    "stroke",
    "tooltip",
    "order",
    "detail",
}


def text(data: str, *, shown: str, where: str | None = None, **channels: Any) -> Json:
    return mark("text", data, where=where, text={"field": shown}, **channels)


def haloed(look: Look, data: str, **channels: Any) -> list[Json]:
    """Text that stays readable over a line: the same below it, wide, in the colour of the paper."""
    paper = {
        "color": look.theme.paper,
        "stroke": look.theme.paper,
        "strokeWidth": HALO,
        "strokeJoin": "round",
    }
    return [text(data, **{**channels, **paper}), text(data, **channels)]


def interval(data: str, low: str, high: str, on: Json, **channels: Any) -> Json:
    """Along x; nothing where the interval is not told."""
    known = f"isValid(datum.{low}) && isValid(datum.{high})"
    where = channels.pop("where", None)
    return mark(
        "rule",
        data,
        where=f"{known} && ({where})" if where else known,
        x=value(low, on),
        x2={"field": high},
        **channels,
    )


def tooltip(look: Look, *fields: tuple[str, str]) -> list[Json]:
    return [{"field": field, "title": title} for field, title in fields]
