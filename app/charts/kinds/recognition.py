"""`recognition` over months, and `recognition-network`: thanks within and between teams, never of persons."""

from collections.abc import Sequence
from datetime import date

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
from app.core.languages import day_in_words, month_in_words
from app.metrics.schemas.recognition import RecognitionGroup, RecognitionGroupOk, RecognitionMetrics


def recognition(answer: RecognitionMetrics, look: Look) -> Json:
    rows = [] if _is_without(answer) else [_month(look, one.first, one.result) for one in answer.months]
    column = Column.of(look, [row["name"] for row in rows])
    height = named(look, rows, column, lowest=30)
    reasons = dict.fromkeys(row["reason"] for row in rows if "reason" in row)
    return chart(
        look,
        title=_title(look, answer),
        description=_in_words(look, answer),
        data={"months": rows},
        views=[_panels(look, rows, column, height)] if rows else [],
        notes=[
            *([look.say("recognition_note", level=look.percent(answer.ci_level))] if rows else []),
            *(look.say("some_not_shown", reason=reason) for reason in reasons),
        ],
    )


def _month(look: Look, first: date, result: RecognitionGroup) -> Json:
    name = month_in_words(look.language, first)
    if not isinstance(result, RecognitionGroupOk):
        return {"name": name, "said": look.say("hidden"), "reason": look.label("reasons", result.reason)}
    rate = result.rate
    return {
        "name": name,
        "n": result.n,
        "coverage": result.coverage_30,
        "rate": rate.per_person_month,
        "low": rate.ci_low,
        "high": rate.ci_high,
        "said": look.percent(result.coverage_30),
        "rate_said": look.number(rate.per_person_month, 2),
    }


def _panels(look: Look, rows: ChartRows, column: Column, height: float) -> Json:
    left, right = column.span
    middle = left + (right - left) * 0.48
    on = scale([0, 1], (left, middle))
    title = look.within(look.say("coverage"), middle - left)
    x = value("coverage", on, {"tickCount": 3, "format": "%"}, title)
    told = tooltip(
        look,
        ("name", look.say("month")),
        ("n", "n"),
        ("coverage", look.say("coverage")),
        ("rate", look.say("rate")),
    )
    shares = [
        mark(
            "rule",
            "months",
            where="isValid(datum.coverage)",
            x=x,
            x2={"datum": 0},
            y=place("y"),
            strokeWidth=20,
            color=look.theme.higher_strong,
            tooltip=told,
        ),
        text("months", x=at(left + 6), y=place("y"), shown="said", align="left", color=look.theme.ink),
        *row_labels(look, "months"),
    ]
    wide = right - middle - BETWEEN - BEYOND
    rates = view(wide, height, _rates(look, rows, wide))
    return side_by_side([view(middle, height, shares), rates], BETWEEN)


def _rates(look: Look, rows: ChartRows, width: float) -> list[Json]:
    most = span([row.get(end) for row in rows for end in ("rate", "high")], 0.5, 0, 1000)[1]
    on = scale([0, most])
    written = {"labelExpr": "replace(datum.label, '.', ',')"} if look.language == "nl" else {}
    x = value("rate", on, {"tickCount": 2, **written}, look.within(look.say("rate"), width))
    return [
        interval("months", "low", "high", on, y=place("y"), color=look.theme.accent, strokeWidth=2),
        mark(
            "point",
            "months",
            where="isValid(datum.rate)",
            x=x,
            y=place("y"),
            filled=True,
            size=70,
            opacity=1,
            color=look.theme.accent,
        ),
    ]


def _is_without(answer: RecognitionMetrics) -> bool:
    first = answer.groups[0] if answer.groups else None
    return isinstance(first, RecognitionGroupOk) and not first.events


def _title(look: Look, answer: RecognitionMetrics) -> str:
    group = answer.groups[0] if answer.groups else None
    first, until = (day_in_words(look.language, one) for one in (answer.first, answer.until))
    if group is None:
        return look.say("nobody_shown")
    if not isinstance(group, RecognitionGroupOk):
        return look.say("of_group", name=look.name(group.group), said=look.label("reasons", group.reason))
    rate = look.number(group.rate.per_person_month, 2)
    said = (
        look.say("no_recognition", first=first, until=until)
        if _is_without(answer)
        else look.say("recognised", share=look.percent(group.coverage_30), rate=rate, until=until)
    )
    return look.of_group(group.group, said)


def _in_words(look: Look, answer: RecognitionMetrics) -> str:
    return f"{_title(look, answer)}. {look.say('recognition_in_words', count=len(answer.months))}"


# ------------------------------------------------------------------ between teams


def network(answer: RecognitionMetrics, look: Look) -> Json:
    every = [one for one in answer.groups if isinstance(one, RecognitionGroupOk)]
    groups = most_of(every, lambda one: one.n, MOST_ROWS)
    unseen = hidden_rows(look, [one for one in answer.groups if not isinstance(one, RecognitionGroupOk)])
    rows = [_bridge(look, one) for one in groups]
    column = Column.of(look, [row["name"] for row in rows], right=52)
    height = named(look, rows, column, lowest=30)
    reasons = dict.fromkeys(row["reason"] for row in rows if "reason" in row)
    return chart(
        look,
        title=_network_title(look, every),
        description=_network_in_words(look, every, unseen),
        data={"groups": rows, "hidden": unseen},
        views=[view(look.width, height, _bridges(look, column))] if rows else [],
        notes=[
            *([look.say("network_note")] if rows else []),
            *(look.say("some_not_shown", reason=reason) for reason in reasons),
            *left_out(look, groups, every, "the_largest"),
            *hidden_notes(look, unseen),
        ],
    )


def _bridge(look: Look, group: RecognitionGroupOk) -> Json:
    across, network = group.cross_team, group.network
    row = {
        "name": look.name(group.group),
        "n": group.n,
        "events": group.events,
        "across": across.share,
        "expected": across.expected,
        "reciprocity": network.reciprocity,
        "density": network.density,
    }
    if across.share is None:
        why = group.reasons.get("cross_team.share", "zero_total")
        return row | {"said": look.say("hidden"), "reason": look.label("reasons", why)}
    return row | {"said": look.percent(across.share)}


def _bridges(look: Look, column: Column) -> list[Json]:
    theme = look.theme
    on = scale([0, 1], column.span)
    x = value("across", on, {"tickCount": 5, "format": "%"}, look.say("across"))
    told = tooltip(
        look,
        ("name", look.say("group")),
        ("n", "n"),
        ("events", look.say("events")),
        ("across", look.say("across")),
        ("expected", look.say("expected")),
        ("reciprocity", look.say("reciprocity")),
        ("density", look.say("density")),
    )
    shown = "isValid(datum.across)"
    return [
        mark(
            "rule",
            "groups",
            where=shown,
            x=x,
            x2={"datum": 0},
            y=place("y"),
            strokeWidth=16,
            color=theme.higher_strong,
            tooltip=told,
        ),
        mark(
            "point",
            "groups",
            where=shown,
            x=value("expected", on),
            y=place("y"),
            shape={"value": "diamond"},
            size=90,
            filled=True,
            fill=theme.paper,
            stroke=theme.ink,
            strokeWidth=1.6,
            opacity=1,
        ),
        text("groups", x=at(look.width), y=place("y"), shown="said", align="right", color=theme.ink),
        *row_labels(look, "groups"),
    ]


def _network_title(look: Look, groups: Sequence[RecognitionGroupOk]) -> str:
    if not groups:
        return look.say("nobody_shown")
    first = groups[0]
    if first.cross_team.share is None:
        return look.say(
            "of_group",
            name=look.name(first.group),
            said=look.label("reasons", first.reasons.get("cross_team.share", "zero_total")),
        )
    share, expected = look.percent(first.cross_team.share), look.percent(first.cross_team.expected)
    return look.of_group(first.group, look.say("network_finding", share=share, expected=expected))


def _network_in_words(look: Look, groups: Sequence[RecognitionGroupOk], unseen: Sequence[object]) -> str:
    said = f"{_network_title(look, groups)}. {look.say('network_in_words', count=len(groups))}"
    return with_hidden(look, said, unseen)
