"""`heatmap`: what sets groups apart from the rest, by dimension and facet; colour and sign say the same."""

from collections.abc import Sequence

from app.charts.letters import LINE, shortened, width_of, wrapped
from app.charts.levels import Hidden, hidden_notes, hidden_rows, left_out, most_of, with_hidden
from app.charts.look import Look
from app.charts.parts import ChartRows, Json, at, chart, mark, place, text, tooltip, view
from app.charts.rows import Column, named, row_labels
from app.metrics import schemas
from app.metrics.schemas.heatmap import HeatmapCell, HeatmapCellOk, HeatmapGroupOk

MOST_GROUPS = 24
CLEAR = ("higher", "lower")
STRONG = 15
"""Points from which a difference is drawn darker."""
HEAD = 3
"""Lines of a name above its column."""


def heatmap(answer: schemas.Heatmap, look: Look) -> Json:
    every = [one for one in answer.groups if isinstance(one, HeatmapGroupOk)]
    groups = most_of(every, _most_clear, MOST_GROUPS)
    unseen = hidden_rows(look, _hidden(answer.groups))
    rows: ChartRows = [{"name": column.title} for column in answer.columns] if groups else []
    column = Column.of(look, [row["name"] for row in rows])
    height = named(look, rows, column, lowest=28)
    wide = (column.span[1] - column.span[0]) / max(1, len(groups))
    heads = [_head(look, one, column.span[0] + wide * (at + 0.5), wide) for at, one in enumerate(groups)]
    cells = [
        _cell(look, group, cell, row, head)
        for group, head in zip(groups, heads, strict=True)
        for cell, row in zip(group.cells, rows, strict=True)
    ]
    return chart(
        look,
        title=_title(look, every),
        description=_in_words(look, every, unseen),
        data={"topics": rows, "groups": heads, "cells": cells, "hidden": unseen},
        views=_views(look, heads, height, wide) if rows else [],
        notes=[
            *([look.say("heatmap_note")] if rows else []),
            *_reasons(look, groups),
            *left_out(look, groups, every, "the_clearest"),
            *hidden_notes(look, unseen),
        ],
    )


def _hidden(groups: Sequence[schemas.HeatmapGroup]) -> list[Hidden]:
    """The whole has nobody beside it: that hides nothing."""
    return [one for one in groups if not isinstance(one, HeatmapGroupOk) and one.reason != "no_rest"]


def _head(look: Look, group: HeatmapGroupOk, x: float, wide: float) -> Json:
    name = look.name(group.group)
    upright = wide < width_of("Wwwwwwww")
    lines = [shortened(name, 120)] if upright else wrapped(name, wide - 6)[:HEAD]
    return {"name": name, "n": group.n, "lines": lines, "x": x, "is_upright": upright}


def _cell(look: Look, group: HeatmapGroupOk, cell: HeatmapCell, row: Json, head: Json) -> Json:
    where = {"group": head["name"], "topic": row["name"], "x": head["x"], "y": row["y"]}
    if not isinstance(cell, HeatmapCellOk):
        return {
            **where,
            "state": look.say("hidden"),
            "reason": look.label("reasons", cell.reason),
            "said": "–",
            "band": "none",
        }
    return {
        **where,
        "difference": cell.difference,
        "low": cell.ci_low,
        "high": cell.ci_high,
        "state": look.label("verdicts", cell.state),
        "said": look.signed(cell.difference),
        "band": _band(cell),
    }


def _band(cell: HeatmapCellOk) -> str:
    if cell.state not in CLEAR:
        return "none"
    return f"{cell.state}_strong" if abs(cell.difference) >= STRONG else cell.state


# ------------------------------------------------------------------ pictures


def _views(look: Look, heads: ChartRows, height: float, wide: float) -> list[Json]:
    is_upright = any(head["is_upright"] for head in heads)
    longest = max((width_of(line) for head in heads for line in head["lines"]), default=0)
    room = longest + 6 if is_upright else (LINE - 2) * max(len(head["lines"]) for head in heads)
    turned: Json = {"angle": 270, "align": "left"} if is_upright else {}
    top = text(
        "groups",
        x=place("x"),
        y=at(room - 4 if is_upright else LINE / 2),
        shown="lines",
        color=look.theme.ink,
        **turned,
    )
    return [view(look.width, room, [top]), view(look.width, height, _layers(look, wide))]


def _layers(look: Look, wide: float) -> list[Json]:
    theme = look.theme
    told = tooltip(
        look,
        ("group", look.say("group")),
        ("topic", look.say("topic")),
        ("difference", look.say("difference")),
        ("low", look.say("low")),
        ("high", look.say("high")),
        ("state", look.say("state")),
    )
    fills = {
        "higher": theme.higher,
        "higher_strong": theme.higher_strong,
        "lower": theme.lower,
        "lower_strong": theme.lower_strong,
    }
    boxes = [
        mark(
            "rect",
            "cells",
            where=f"datum.band == '{band}'",
            x=place("x"),
            y=place("y"),
            width=max(4, wide - 3),
            height=24,
            color=colour,
            opacity=1,
            tooltip=told,
        )
        for band, colour in fills.items()
    ]
    bold = {"expr": "datum.band == 'none' ? 400 : 600"}
    ink = {"condition": {"test": "datum.band == 'none'", "value": theme.muted}, "value": theme.ink}
    fits = wide > width_of("+00")
    return [
        *boxes,
        *(
            [text("cells", x=place("x"), y=place("y"), shown="said", fontWeight=bold, color=ink)]
            if fits
            else []
        ),
        *row_labels(look, "topics"),
    ]


# ------------------------------------------------------------------ words


def _clear(group: HeatmapGroupOk, state: str) -> int:
    return sum(isinstance(cell, HeatmapCellOk) and cell.state == state for cell in group.cells)


def _most_clear(group: HeatmapGroupOk) -> int:
    return max(_clear(group, state) for state in CLEAR)


def _title(look: Look, groups: Sequence[HeatmapGroupOk]) -> str:
    if not groups:
        return look.say("nobody_shown")
    most = max(groups, key=_most_clear)
    state = max(CLEAR, key=lambda one: _clear(most, one))
    count = _clear(most, state)
    if not count:
        return look.say("heatmap_alike")
    topics = sum(isinstance(cell, HeatmapCellOk) for cell in most.cells)
    return look.say(f"heatmap_{state}", name=look.name(most.group), count=count, topics=topics)


def _in_words(look: Look, groups: Sequence[HeatmapGroupOk], unseen: Sequence[object]) -> str:
    said = f"{_title(look, groups)}. {look.say('heatmap_in_words', count=len(groups))}"
    return with_hidden(look, said, unseen)


def _reasons(look: Look, groups: Sequence[HeatmapGroupOk]) -> list[str]:
    """Of cells that say nothing."""
    cells = [cell for group in groups for cell in group.cells]
    reasons = {cell.reason for cell in cells if not isinstance(cell, HeatmapCellOk)}
    return [look.say("dash", reason=look.label("reasons", reason)) for reason in sorted(reasons)]
