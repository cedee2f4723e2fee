"""`levers`: how each focus area scores, against its target, and how much it weighs."""

from dataclasses import dataclass

from app.charts.levels import first_alone
from app.charts.look import Look
from app.charts.parts import (
    BETWEEN,
    BEYOND,
    ChartRows,
    Json,
    at,
    chart,
    haloed,
    interval,
    mark,
    place,
    scale,
    side_by_side,
    span,
    tooltip,
    value,
    view,
)
from app.charts.rows import Column, named, row_labels
from app.metrics import schemas
from app.metrics.schemas.drivers import CriterionOk, DriversGroupOk
from app.metrics.schemas.levers import LeversGroupOk

LEAST = 20
"""Points of the scale that the axis shows at least, so that a small difference looks small."""


@dataclass(frozen=True)
class LeversAnswer:
    levers: schemas.Levers
    drivers: schemas.Drivers
    """Of the same groups: how sure the weights are."""


def levers(answer: LeversAnswer, look: Look) -> Json:
    group = answer.levers.groups[0] if answer.levers.groups else None
    is_told = isinstance(group, LeversGroupOk)
    rows = _rows(look, group, answer.drivers) if isinstance(group, LeversGroupOk) else []
    target = [{"target": group.target}] if isinstance(group, LeversGroupOk) else []
    column = Column.of(look, [row["name"] for row in rows])
    height = named(look, rows, column, lowest=30)
    notes = [
        *([look.say("levers_note", level=look.percent(answer.levers.ci_level))] if is_told else []),
        *(
            [look.say("borrowed")]
            if isinstance(group, LeversGroupOk) and group.importance_of == "organization"
            else []
        ),
        *(look.say("not_shown", names=row["name"], reason=row["reason"]) for row in rows if "reason" in row),
        *first_alone(look, answer.levers.groups),
    ]
    return chart(
        look,
        title=_title(look, group),
        description=group.text if isinstance(group, LeversGroupOk) else _title(look, group),
        data={"levers": rows, "target": target},
        views=[_panels(look, rows, column, target, height)] if rows else [],
        notes=notes,
    )


def _told(group: LeversGroupOk) -> list[schemas.LeverOk]:
    return [one for one in group.levers if isinstance(one, schemas.LeverOk)]


def _rows(look: Look, group: LeversGroupOk, drivers: schemas.Drivers) -> ChartRows:
    """The heaviest first, those that are not shown last."""
    told = sorted(_told(group), key=lambda one: -(one.importance or 0))
    weights = _weights(group, drivers)
    names = {one.lever: look.label("levers", one.lever) for one in group.levers}
    return [
        *(_score(one, names[one.lever], group) | weights.get(one.lever, {}) for one in told),
        *(
            {
                "name": names[one.lever],
                "reason": look.label("reasons", one.reason),
                "said": look.say("hidden"),
            }
            for one in group.levers
            if not isinstance(one, schemas.LeverOk)
        ),
    ]


def _score(lever: schemas.LeverOk, name: str, group: LeversGroupOk) -> Json:
    return {
        "name": name,
        "n": lever.n,
        "score": lever.score,
        "low": lever.ci_low,
        "high": lever.ci_high,
        "weight": lever.importance,
        "comes_first": lever.is_top or lever.lever in group.tie_set,
    }


def _weights(group: LeversGroupOk, drivers: schemas.Drivers) -> dict[str, Json]:
    """The intervals of the weights, where these are the group's own."""
    own = next((one for one in drivers.groups if one.group == group.group), None)
    if group.importance_of is None or not isinstance(own, DriversGroupOk):
        return {}
    core = next((one for one in own.criteria if one.criterion == group.criterion), None)
    if not isinstance(core, CriterionOk):
        return {}
    return {
        one.lever: {"weight_low": one.ci_low, "weight_high": one.ci_high}
        for one in core.levers
        if isinstance(one, schemas.DriverLeverOk)
    }


# ------------------------------------------------------------------ pictures


def _panels(look: Look, rows: ChartRows, column: Column, target: ChartRows, height: float) -> Json:
    left, right = column.span
    has_weights = any(row.get("weight") is not None for row in rows)
    middle = left + (right - left) * (0.5 if look.is_narrow else 0.6) if has_weights else right
    panels = [
        view(middle, height, [*_scores(look, rows, target, (left, middle)), *row_labels(look, "levers")])
    ]
    if has_weights:
        panels.append(view(right - middle - BETWEEN - BEYOND, height, _weight(look, rows)))
    return side_by_side(panels, BETWEEN)


def _colour(look: Look) -> Json:
    theme = look.theme
    return {"condition": {"test": "datum.comes_first", "value": theme.accent}, "value": theme.ink}


def _scores(look: Look, rows: ChartRows, target: ChartRows, pixels: tuple[float, float]) -> list[Json]:
    ends = [row.get(end) for row in rows for end in ("score", "low", "high")]
    on = scale(span([*ends, *(row["target"] for row in target)], 5, 0, 100, least=LEAST), pixels)
    x = value(
        "target",
        on,
        {"tickCount": 4, "format": "d"},
        look.within(look.say("score_axis"), pixels[1] - pixels[0]),
    )
    told = tooltip(
        look,
        ("name", look.say("focus_area")),
        ("n", "n"),
        ("score", look.say("score")),
        ("weight", look.say("weight")),
    )
    where = "isValid(datum.score)"
    colour = _colour(look)
    hidden = {"where": "isValid(datum.said)", "x": at(pixels[0]), "y": place("y"), "shown": "said"}
    return [
        mark("rule", "target", x=x, strokeDash=[3, 4], color=look.theme.muted),
        interval("levers", "low", "high", on, y=place("y"), color=colour),
        mark(
            "point",
            "levers",
            where=where,
            x=value("score", on),
            y=place("y"),
            filled=True,
            size=80,
            opacity=1,
            color=colour,
            tooltip=told,
            shape={"condition": {"test": "datum.comes_first", "value": "diamond"}, "value": "circle"},
        ),
        *haloed(look, "levers", **hidden, align="left", fontStyle="italic", color=look.theme.muted),
    ]


def _weight(look: Look, rows: ChartRows) -> list[Json]:
    highest = span([row.get(end) for row in rows for end in ("weight", "weight_high")], 0.1, 0, 1)[1]
    on = scale([0, highest])
    where = "isValid(datum.weight)"
    x = value("weight", on, {"tickCount": 2, "format": "%", "titleAnchor": "end"}, look.say("weight"))
    return [
        mark(
            "rule",
            "levers",
            where=where,
            x=x,
            x2={"datum": 0},
            y=place("y"),
            strokeWidth=10,
            opacity=0.35,
            color=_colour(look),
        ),
        interval("levers", "weight_low", "weight_high", on, y=place("y"), color=_colour(look)),
    ]


# ------------------------------------------------------------------ words


def _title(look: Look, group: schemas.LeversGroup | None) -> str:
    if group is None:
        return look.say("nobody_shown")
    if not isinstance(group, LeversGroupOk):
        return look.say("of_group", name=look.name(group.group), said=look.label("reasons", group.reason))
    return look.of_group(group.group, _advice(look, group))


def _advice(look: Look, group: LeversGroupOk) -> str:
    if group.top is not None:
        said = look.say("first_lever", lever=look.label("levers", group.top))
        chance = next((one.rank_probability for one in _told(group) if one.lever == group.top), None)
        return (
            said if chance is None else look.say("first_lever_with", said=said, chance=look.percent(chance))
        )
    if group.tie_set:
        return look.say(
            "tied_levers", levers=look.listed([look.label("levers", one) for one in group.tie_set])
        )
    return look.label("reasons", group.reasons["top"])
