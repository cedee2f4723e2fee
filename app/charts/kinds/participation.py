"""`participation`: who took part in each group, and within which bounds its scores lie whoever did not."""

from collections.abc import Sequence

from app.charts.levels import hidden_notes, hidden_rows, left_out, most_of, with_hidden
from app.charts.look import Look
from app.charts.parts import (
    BETWEEN,
    BEYOND,
    ChartRows,
    Json,
    at,
    chart,
    interval,
    mark,
    place,
    scale,
    side_by_side,
    span,
    text,
    tooltip,
    value,
    view,
)
from app.charts.rows import MOST_ROWS, Column, named, row_labels
from app.metrics import schemas

Shown = schemas.ParticipationGroupOk


def participation(answer: schemas.Participation, look: Look) -> Json:
    every = [one for one in answer.groups if isinstance(one, Shown)]
    groups = most_of(every, lambda one: one.responded, MOST_ROWS)
    unseen = hidden_rows(look, [one for one in answer.groups if not isinstance(one, Shown)])
    rows = [_row(look, one) for one in groups]
    column = Column.of(look, [row["name"] for row in rows])
    height = named(look, rows, column, lowest=30)
    return chart(
        look,
        title=_title(look, every),
        description=_in_words(look, every, unseen),
        data={"groups": rows, "hidden": unseen},
        views=[_panels(look, rows, column, height)] if rows else [],
        notes=[
            *([look.say("participation_note", level=look.percent(answer.ci_level))] if rows else []),
            *_unsaid(look, rows),
            *left_out(look, groups, every, "the_largest"),
            *hidden_notes(look, unseen),
        ],
    )


def _row(look: Look, group: Shown) -> Json:
    score = group.engagement
    row = {
        "name": look.name(group.group),
        "responded": group.responded,
        "invited": group.invited,
        "rate": group.response_rate,
        "score": score.score,
        "low": score.ci_low,
        "high": score.ci_high,
        "bound_low": score.bound_low,
        "bound_high": score.bound_high,
    }
    if group.response_rate is None:
        why = group.reasons.get("response_rate") or group.reasons.get("invited") or "no_frame"
        return row | {"said": look.say("hidden"), "reason": look.label("reasons", why)}
    said = look.percent(group.response_rate)
    whole = look.say("of_invited", responded=group.responded, invited=group.invited)
    return row | {"said": said if look.is_narrow else f"{said} · {whole}"}


def _panels(look: Look, rows: ChartRows, column: Column, height: float) -> Json:
    left, right = column.span
    middle = left + (right - left) * 0.5
    rates = view(middle, height, [*_rates(look, (left, middle)), *row_labels(look, "groups")])
    bounds = view(right - middle - BETWEEN - BEYOND, height, _bounds(look, rows))
    return side_by_side([rates, bounds], BETWEEN)


def _rates(look: Look, pixels: tuple[float, float]) -> list[Json]:
    on = scale([0, 1], pixels)
    x = value("rate", on, {"tickCount": 3, "format": "%"}, look.say("response"))
    return [
        mark(
            "rule",
            "groups",
            where="isValid(datum.rate)",
            x=x,
            x2={"datum": 0},
            y=place("y"),
            strokeWidth=20,
            color=look.theme.higher_strong,
        ),
        text("groups", x=at(pixels[0] + 6), y=place("y"), shown="said", align="left", color=look.theme.ink),
    ]


def _bounds(look: Look, rows: ChartRows) -> list[Json]:
    theme = look.theme
    ends = ("score", "low", "high", "bound_low", "bound_high")
    on = scale(span([row[end] for row in rows for end in ends], 10, 0, 100))
    title = look.label("scales", "engagement") if look.is_narrow else look.say("engagement_0_100")
    x = value("score", on, {"tickCount": 4, "format": "d", "titleAnchor": "end"}, title)
    told = tooltip(
        look,
        ("name", look.say("group")),
        ("responded", look.say("responded")),
        ("invited", look.say("invited")),
        ("score", look.label("scales", "engagement")),
        ("low", look.say("low")),
        ("high", look.say("high")),
        ("bound_low", look.say("lowest")),
        ("bound_high", look.say("highest")),
    )
    return [
        interval("groups", "bound_low", "bound_high", on, y=place("y"), strokeWidth=10, color=theme.neutral),
        interval("groups", "low", "high", on, y=place("y"), strokeWidth=2, color=theme.accent),
        mark(
            "point",
            "groups",
            x=x,
            y=place("y"),
            filled=True,
            size=70,
            opacity=1,
            color=theme.accent,
            tooltip=told,
        ),
    ]


def _unsaid(look: Look, rows: ChartRows) -> list[str]:
    """Why a response is not told, once."""
    reasons = dict.fromkeys(row["reason"] for row in rows if "reason" in row)
    return [look.say("response_not_shown", reason=reason) for reason in reasons]


def _title(look: Look, groups: Sequence[Shown]) -> str:
    if not groups:
        return look.say("nobody_shown")
    first = groups[0]
    if first.response_rate is None:
        return look.of_group(first.group, look.say("took_part", responded=first.responded))
    said = look.say(
        "took_part_of",
        share=look.percent(first.response_rate),
        responded=first.responded,
        invited=first.invited,
    )
    return look.of_group(first.group, said)


def _in_words(look: Look, groups: Sequence[Shown], unseen: Sequence[object]) -> str:
    said = f"{_title(look, groups)}. {look.say('participation_in_words', count=len(groups))}"
    return with_hidden(look, said, unseen)
