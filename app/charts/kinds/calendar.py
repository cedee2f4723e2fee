"""`calendar`: the coming occasions, a line each, with what the calendar may tell of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.calendar.schemas import Occurrence
from app.calendar.words import summary
from app.charts.letters import LINE, shortened, width_of
from app.charts.look import Look
from app.charts.parts import ChartRows, Json, at, chart, mark, place, text, view
from app.charts.rows import MOST_ROWS
from app.core.languages import day_in_words, in_words

TALL = LINE + 5
SHAPES = {
    "birthday": "circle",
    "family_birthday": "circle",
    "work_anniversary": "diamond",
    "first_day": "triangle-up",
}


@dataclass(frozen=True)
class Days:
    first: date
    last: date
    occurrences: Sequence[Occurrence]
    has_more: bool


def calendar(answer: Days, look: Look) -> Json:
    shown = answer.occurrences[:MOST_ROWS]
    rows = _rows(look, shown)
    ends = {
        "first": day_in_words(look.language, answer.first),
        "last": day_in_words(look.language, answer.last),
    }
    more = answer.has_more or len(answer.occurrences) > len(shown)
    kinds = [one for one in SHAPES if any(row["kind"] == one for row in rows)]
    return chart(
        look,
        title=look.say("calendar_finding" if rows else "calendar_empty", **ends),
        description=look.say("calendar_in_words", count=len(rows), **ends),
        data={"days": rows},
        views=[view(look.width, TALL * len(rows), _layers(look, rows))] if rows else [],
        notes=[
            *([look.say("calendar_note")] if kinds else []),
            *([look.say("calendar_more", count=len(rows))] if more else []),
        ],
    )


def _rows(look: Look, occurrences: Sequence[Occurrence]) -> ChartRows:
    """The day once, where it begins."""
    names = max((width_of(in_words(look.language, one.celebrated_on)) for one in occurrences), default=0) + 34
    rows: ChartRows = []
    for number, one in enumerate(occurrences):
        is_new = number == 0 or occurrences[number - 1].celebrated_on != one.celebrated_on
        rows.append(
            {
                "date": one.celebrated_on.isoformat(),
                "day": in_words(look.language, one.celebrated_on) if is_new else "",
                "kind": one.kind,
                "is_milestone": one.is_milestone,
                "said": shortened(_said(look, one), look.width - names),
                "y": TALL * (number + 0.5),
                "x": names,
            }
        )
    return rows


def _said(look: Look, one: Occurrence) -> str:
    """As the calendar itself names it."""
    since = None if one.years is None else one.date.year - int(one.years)
    months = round(12 * one.years) if one.is_milestone and one.years is not None else None
    named = {"label": one.label, "relation": one.relation}
    return summary(look.language, one.kind, one.person.name, **named, year=since, months=months)


def _layers(look: Look, rows: ChartRows) -> list[Json]:
    theme = look.theme
    y = place("y")
    marks = at(rows[0]["x"] - 16)
    shapes = [*SHAPES, "custom"]
    points = [
        mark(
            "point",
            "days",
            where=_of_kind(kind),
            x=marks,
            y=y,
            shape={"value": SHAPES.get(kind, "square")},
            size=70,
            filled=True,
            opacity=1,
            color={"condition": {"test": "datum.is_milestone", "value": theme.accent}, "value": theme.muted},
        )
        for kind in shapes
    ]
    bold = {"expr": "datum.is_milestone ? 600 : 400"}
    return [
        text("days", x=at(0), y=y, shown="day", align="left", color=theme.muted),
        *points,
        text("days", x=place("x"), y=y, shown="said", align="left", color=theme.ink, fontWeight=bold),
    ]


def _of_kind(kind: str) -> str:
    if kind in SHAPES:
        return f"datum.kind == '{kind}'"
    return " && ".join(f"datum.kind != '{one}'" for one in SHAPES)
