"""Satisfaction against engagement: `quadrants` and `gap`, both of the headline."""

from collections.abc import Iterator, Sequence
from math import cos, hypot, inf, radians, sin
from typing import Any

from app.charts import labels
from app.charts.letters import width_of, wrapped
from app.charts.levels import hidden_notes, hidden_rows, left_out, most_of, whole_of, with_hidden
from app.charts.look import WIDER, Look, lower_first
from app.charts.parts import (
    ChartRows,
    Json,
    at,
    chart,
    haloed,
    interval,
    mark,
    place,
    scale,
    span,
    text,
    tooltip,
    value,
    view,
)
from app.charts.rows import LINES, MOST_ROWS, Column, named, row_labels
from app.metrics import schemas
from app.metrics.schemas.headline import Gap

MOST_POINTS = 200
ALONE = "!isValid(datum.semi_major)"
"""Neither ellipse nor quadrant is told."""
LEFT = 62
"""For the vertical axis and its title."""
BESIDE = 15
"""Points of the scale."""
MARGIN = 6
"""Pixels around the name of a quadrant."""
LEAST = 30
"""Points of the scale that an axis shows at least, so that a small difference looks small."""
CORNERS = {"stretched": (0, 0), "thriving": (1, 0), "detached": (0, 1), "content": (1, 1)}
ELLIPSE = (
    {"calculate": "sequence(0, 49)", "as": "step"},
    {"flatten": ["step"]},
    {"calculate": "datum.step * PI / 24", "as": "turn"},
    {"calculate": "datum.angle * PI / 180", "as": "tilt"},
    {
        "calculate": "datum.satisfaction + datum.semi_major * cos(datum.turn) * cos(datum.tilt)"
        " - datum.semi_minor * sin(datum.turn) * sin(datum.tilt)",
        "as": "across",
    },
    {
        "calculate": "datum.engagement + datum.semi_major * cos(datum.turn) * sin(datum.tilt)"
        " + datum.semi_minor * sin(datum.turn) * cos(datum.tilt)",
        "as": "up",
    },
)
"""From what is told of an ellipse to its outline, by whoever draws it."""


def shown(groups: Sequence[schemas.Group]) -> list[schemas.GroupOk]:
    return [one for one in groups if isinstance(one, schemas.GroupOk)]


def hidden(look: Look, groups: Sequence[schemas.Group]) -> list[dict[str, str]]:
    return hidden_rows(look, [one for one in groups if not isinstance(one, schemas.GroupOk)])


def score_row(look: Look, group: schemas.GroupOk) -> Json:
    satisfaction, engagement = group.satisfaction, group.engagement
    return {
        "name": look.name(group.group),
        "n": group.n,
        "satisfaction": satisfaction.score,
        "satisfaction_low": satisfaction.ci_low,
        "satisfaction_high": satisfaction.ci_high,
        "engagement": engagement.score,
        "engagement_low": engagement.ci_low,
        "engagement_high": engagement.ci_high,
    }


# ------------------------------------------------------------------ quadrants


def quadrants(answer: schemas.SatisfactionEngagement, look: Look) -> Json:
    every = shown(answer.groups)
    whole = whole_of(answer.groups)
    groups = most_of(every, lambda one: inf if one is whole else one.n, MOST_POINTS)
    unseen = hidden(look, answer.groups)
    rows = _points(look, groups, whole)
    width = look.width - LEFT - 12
    height = min(width, 400)
    cuts = _cuts(groups)
    domain = span([*_ends(rows), *_ends_of_ellipses(rows), *_beside(cuts)], 10, 0, 100)
    corners = _corners(look, cuts, domain, (width, height))
    _place(rows, corners, domain, (width, height))
    views = [view(width, height, _quadrant_layers(look, rows, cuts, scale(domain), (width, height)))]
    return chart(
        look,
        title=_position_title(look, answer),
        description=_quadrants_in_words(look, every, unseen),
        data={"groups": rows, "cuts": cuts, "corners": corners, "hidden": unseen},
        views=views if rows else [],
        left=LEFT if rows else 0,
        notes=[
            *(_quadrants_notes(look, answer, groups, rows) if rows else []),
            *left_out(look, groups, every, "the_largest"),
            *hidden_notes(look, unseen),
        ],
    )


def _points(look: Look, groups: Sequence[schemas.GroupOk], whole: schemas.Group | None) -> ChartRows:
    rows = []
    for group in groups:
        row = score_row(look, group) | {"is_whole": group is whole}
        if group.position is not None:
            ellipse = group.position.ellipse
            row |= {"quadrant": look.label("quadrants", group.position.quadrant)}
            row |= {name: getattr(ellipse, name) for name in ("semi_major", "semi_minor", "angle")}
        else:
            row |= {"quadrant": look.label("reasons", _why_no_place(group))}
        rows.append(row)
    return rows


def _why_no_place(group: schemas.GroupOk) -> str:
    return group.reasons.get("position", "too_few_persons")


def _ends(rows: ChartRows) -> list[float | None]:
    names = [f"{score}{end}" for score in ("satisfaction", "engagement") for end in ("", "_low", "_high")]
    return [row[name] for row in rows for name in names]


def _ends_of_ellipses(rows: ChartRows) -> Iterator[float]:
    for row in rows:
        if "semi_major" in row:
            tilt = radians(row["angle"])
            across = hypot(row["semi_major"] * cos(tilt), row["semi_minor"] * sin(tilt))
            up = hypot(row["semi_major"] * sin(tilt), row["semi_minor"] * cos(tilt))
            yield from (row["satisfaction"] - across, row["satisfaction"] + across)
            yield from (row["engagement"] - up, row["engagement"] + up)


def _cuts(groups: Sequence[schemas.GroupOk]) -> ChartRows:
    found = next((one.quadrants.cut for one in groups if one.quadrants is not None), None)
    return [] if found is None else [found.model_dump()]


def _beside(cuts: ChartRows) -> list[float]:
    """So much of either side of a line is drawn, wherever the points are: each quadrant is there."""
    return [cut[score] + side for cut in cuts for score in cut for side in (-BESIDE, BESIDE)]


def _place(rows: ChartRows, corners: ChartRows, domain: Sequence[float], size: tuple[float, float]) -> None:
    """Where the label of each point goes; those that matter least are left out where there is no room."""
    low, high = domain
    width, height = size
    across = [(row["satisfaction"] - low) / (high - low) * width for row in rows]
    down = [(high - row["engagement"]) / (high - low) * height for row in rows]
    order = sorted(range(len(rows)), key=lambda one: (not rows[one]["is_whole"], -rows[one]["n"]))
    points = [labels.Point(labels.named(rows[one]["name"]), across[one], down[one]) for one in order]
    found = labels.placed(points, labels.Box(0, 0, width, height), list(map(_box_of, corners)))
    for one, point, label in zip(order, points, found, strict=True):
        if label is not None:
            rows[one] |= {"label": point.name, "dx": label.dx, "dy": label.dy, "align": label.align}


def _box_of(corner: Json) -> labels.Box:
    wide, high = max(map(width_of, corner["quadrant"])), LINES * len(corner["quadrant"])
    left = corner["x"] - (wide if corner["align"] == "right" else 0)
    top = corner["y"] - (LINES if corner["baseline"] == "bottom" else 0)
    return labels.Box(left, top, left + wide, top + high)


def _corners(look: Look, cuts: ChartRows, domain: Sequence[float], size: tuple[float, float]) -> ChartRows:
    """The name of each quadrant within it; none where it has no room for it."""
    rows = []
    for cut in cuts:
        low, high = domain
        across = (cut["satisfaction"] - low) / (high - low) * size[0]
        down = (high - cut["engagement"]) / (high - low) * size[1]
        for key, (right, below) in CORNERS.items():
            room = (size[0] - across if right else across) - 2 * MARGIN
            lines = wrapped(look.label("quadrants", key), min(room / WIDER, 160))
            deep = size[1] - down if below else down
            if max(map(width_of, lines)) > room or LINES * len(lines) + MARGIN > deep:
                continue
            rows.append(
                {
                    "quadrant": lines,
                    "x": MARGIN + right * (size[0] - 2 * MARGIN),
                    "y": size[1] - MARGIN - LINES * (len(lines) - 1) if below else MARGIN,
                    "align": ("left", "right")[right],
                    "baseline": ("top", "bottom")[below],
                }
            )
    return rows


def _quadrant_layers(
    look: Look, rows: ChartRows, cuts: ChartRows, on: Json, size: tuple[float, float]
) -> list[Json]:
    theme = look.theme
    x = value("satisfaction", on, _axis(), _scale_title(look, "satisfaction", cuts))
    y = value(
        "engagement",
        on,
        _axis(minExtent=LEFT - 20, maxExtent=LEFT - 20),
        _scale_title(look, "engagement", cuts),
    )
    dashed: Json = {"strokeDash": [3, 4], "color": theme.muted}
    styled = {name: {"expr": f"datum.{name}"} for name in ("align", "dx", "dy")}
    return [
        _marks(look, x, y, on),
        mark("rule", "cuts", x=x, **dashed),
        mark("rule", "cuts", y=y, **dashed),
        text(
            "corners",
            x=place("x"),
            y=place("y"),
            shown="quadrant",
            fontStyle="italic",
            color=theme.muted,
            align={"expr": "datum.align"},
            baseline={"expr": "datum.baseline"},
        ),
        *haloed(
            look,
            "groups",
            where="isValid(datum.label)",
            x=x,
            y=y,
            shown="label",
            color=theme.ink,
            fontWeight={"expr": "datum.is_whole ? 600 : 400"},
            **styled,
        ),
    ]


def _marks(look: Look, x: Json, y: Json, on: Json) -> Json:
    theme = look.theme
    fill = {"condition": {"test": "datum.is_whole", "value": theme.accent}, "value": theme.ink}
    outline = mark("line", "groups", x=value("across", on), y=value("up", on), order={"field": "step"})
    outline["transform"] = [{"filter": "isValid(datum.semi_major)"}, *ELLIPSE]
    outline["mark"] |= {
        "interpolate": "linear-closed",
        "filled": True,
        "fillOpacity": 0.08,
        "strokeOpacity": 0.5,
        "strokeWidth": 1,
        "clip": True,
    }
    outline["encoding"] |= {"detail": {"field": "name"}, "fill": fill, "stroke": fill}
    return {"layer": [outline, *_crosses(look, x, y), _point(look, x, y, fill)]}


def _crosses(look: Look, x: Json, y: Json) -> list[Json]:
    """Of whom no ellipse is told."""
    style: Json = {"color": look.theme.muted, "strokeWidth": 1}
    return [
        mark(
            "rule",
            "groups",
            where=f"{ALONE} && isValid(datum.satisfaction_low)",
            y=y,
            x=x | {"field": "satisfaction_low"},
            x2={"field": "satisfaction_high"},
            **style,
        ),
        mark(
            "rule",
            "groups",
            where=f"{ALONE} && isValid(datum.engagement_low)",
            x=x,
            y=y | {"field": "engagement_low"},
            y2={"field": "engagement_high"},
            **style,
        ),
    ]


def _point(look: Look, x: Json, y: Json, fill: Json) -> Json:
    """Hollow where no quadrant is told of it."""
    paper = look.theme.paper
    size = {
        "field": "n",
        "type": "quantitative",
        "legend": None,
        "scale": {"type": "sqrt", "domain": [0, 60], "range": [20, 130], "clamp": True},
    }
    shape = {"condition": {"test": "datum.is_whole", "value": "diamond"}, "value": "circle"}
    told = tooltip(
        look,
        ("name", look.say("group")),
        ("n", "n"),
        ("satisfaction", look.label("scales", "satisfaction")),
        ("engagement", look.label("scales", "engagement")),
        ("quadrant", look.say("quadrant")),
    )
    return mark(
        "point",
        "groups",
        x=x,
        y=y,
        size=size,
        shape=shape,
        fill=fill | {"condition": [{"test": ALONE, "value": paper}, fill["condition"]]},
        stroke=fill | {"condition": [{"test": f"!({ALONE})", "value": paper}, fill["condition"]]},
        opacity=1,
        strokeWidth=1.5,
        tooltip=told,
    )


def _axis(**more: Any) -> Json:
    return {"tickCount": 6, "format": "d", "tickMinStep": 5, **more}


def _scale_title(look: Look, dimension: str, cuts: ChartRows) -> str:
    said = f"{look.label('scales', dimension)} ({look.say('scale_0_100')}"
    return (
        f"{said}, {look.say('cut', cut=look.number(cuts[0][dimension], 1))})"
        if cuts and not look.is_narrow
        else f"{said})"
    )


def _position_title(look: Look, answer: schemas.SatisfactionEngagement) -> str:
    first = answer.groups[0] if answer.groups else None
    if first is None:
        return look.say("nobody_shown")
    name = look.name(first.group)
    if not isinstance(first, schemas.GroupOk):
        return look.say("of_group", name=name, said=look.label("reasons", first.reason))
    if first.position is None:
        return look.say("both_scores", name=name, **_scores_in_words(look, first))
    if first.position.quadrant == "undetermined":
        chances = first.position.probabilities.model_dump()
        likely = max(chances, key=lambda key: chances[key])
        return look.say(
            "quadrant_unclear",
            name=name,
            quadrant=_inside(look, likely),
            chance=look.percent(chances[likely]),
        )
    return look.say("of_group", name=name, said=_inside(look, first.position.quadrant))


def _inside(look: Look, quadrant: str) -> str:
    return lower_first(look.label("quadrants", quadrant))


def _quadrants_in_words(look: Look, groups: Sequence[schemas.GroupOk], unseen: Sequence[object]) -> str:
    if not groups:
        return look.say("nobody_shown")
    first = groups[0]
    said = look.say(
        "quadrants_in_words",
        count=len(groups),
        name=look.name(first.group),
        **_scores_in_words(look, first),
    )
    return with_hidden(look, said, unseen)


def _scores_in_words(look: Look, group: schemas.GroupOk) -> dict[str, str]:
    return {
        dimension: look.number(score.score)
        for dimension, score in (("satisfaction", group.satisfaction), ("engagement", group.engagement))
    }


def _is_benchmark(groups: Sequence[schemas.GroupOk]) -> bool:
    return any(one.quadrants is not None and one.quadrants.mode == "benchmark" for one in groups)


def _no_place(look: Look, groups: Sequence[schemas.GroupOk]) -> list[str]:
    reasons = dict.fromkeys(_why_no_place(one) for one in groups if one.position is None)
    return [look.say("no_place", reason=look.label("reasons", reason)) for reason in reasons]


def _quadrants_notes(
    look: Look, answer: schemas.SatisfactionEngagement, groups: Sequence[schemas.GroupOk], rows: ChartRows
) -> list[str]:
    ellipses = any(one.position for one in groups)
    certain = look.percent(answer.ci_level)
    unlabelled = sum("label" not in row for row in rows)
    return [
        look.say("ellipse" if ellipses else "cross", level=certain),
        *_no_place(look, groups),
        *([look.say("benchmark_cuts")] if _is_benchmark(groups) else []),
        *([look.say("unlabelled", count=unlabelled)] if unlabelled else []),
    ]


# ------------------------------------------------------------------ gap


def gap(answer: schemas.SatisfactionEngagement, look: Look, order: str = "gap") -> Json:
    every = shown(answer.groups)
    unseen = hidden(look, answer.groups)
    groups = _by_gap(every) if order == "gap" else every[:MOST_ROWS]
    rows = [score_row(look, one) | _gap_of(look, one) for one in groups]
    column = Column.of(look, [row["name"] for row in rows], right=46 if look.is_narrow else 150)
    height = named(look, rows, column)
    return chart(
        look,
        title=_gap_title(look, every),
        description=_gap_in_words(look, every, unseen),
        data={"groups": rows, "hidden": unseen},
        views=[view(look.width, height, _gap_layers(look, rows, column))] if rows else [],
        notes=[
            *([look.say("gap_note", level=look.percent(answer.ci_level))] if rows else []),
            *left_out(look, groups, every, "the_furthest" if order == "gap" else "the_first"),
            *hidden_notes(look, unseen),
        ],
    )


def _by_gap(groups: Sequence[schemas.GroupOk]) -> list[schemas.GroupOk]:
    """Those furthest from none, whichever way; the most positive first."""
    furthest = sorted(groups, key=lambda one: -abs(one.gap.mean))[:MOST_ROWS]
    return sorted(furthest, key=lambda one: -one.gap.mean)


def _gap_of(look: Look, group: schemas.GroupOk) -> Json:
    found = group.gap
    label = look.signed(found.mean)
    if found.ci_low is not None and found.ci_high is not None and not look.is_narrow:
        label += f" ({look.signed(found.ci_low)} {look.say('to')} {look.signed(found.ci_high)})"
    return {"gap": found.mean, "gap_low": found.ci_low, "gap_high": found.ci_high, "label": label}


def _gap_layers(look: Look, rows: ChartRows, column: Column) -> list[Json]:
    theme = look.theme
    on = scale(span(_ends(rows), 10, 0, 100, least=LEAST), column.span)
    x = value("satisfaction", on, _axis(), look.say("scale_0_100"))
    hollow: Json = {"fill": theme.paper, "stroke": theme.ink, "strokeWidth": 1.8, "opacity": 1, "size": 75}
    return [
        mark(
            "rule",
            "groups",
            x=x,
            x2={"field": "engagement"},
            y=place("y"),
            strokeWidth=7,
            opacity=0.14,
            color=theme.ink,
        ),
        interval("groups", "satisfaction_low", "satisfaction_high", on, y=place("above"), color=theme.ink),
        interval("groups", "engagement_low", "engagement_high", on, y=place("below"), color=theme.accent),
        mark("point", "groups", x=x, y=place("above"), **hollow),
        mark(
            "point",
            "groups",
            x=value("engagement", on),
            y=place("below"),
            filled=True,
            color=theme.accent,
            opacity=1,
            size=75,
            tooltip=tooltip(
                look,
                ("name", look.say("group")),
                ("n", "n"),
                ("satisfaction", look.label("scales", "satisfaction")),
                ("engagement", look.label("scales", "engagement")),
                ("gap", look.say("gap")),
            ),
        ),
        text("groups", x=at(look.width), y=place("y"), shown="label", align="right", color=theme.ink),
        *row_labels(look, "groups"),
    ]


def _gap_title(look: Look, groups: Sequence[schemas.GroupOk]) -> str:
    if not groups:
        return look.say("nobody_shown")
    clear = [one for one in groups if _is_clear(one.gap)]
    if not clear:
        return look.say("gap_unclear")
    largest = max(clear, key=lambda one: abs(one.gap.mean))
    key = "gap_above" if largest.gap.mean > 0 else "gap_below"
    return look.say(key, name=look.name(largest.group), points=look.number(abs(largest.gap.mean)))


def _is_clear(gap: Gap) -> bool:
    """One that may be read, and is not 0."""
    if gap.interpretable is False:
        return False
    return gap.ci_low is not None and gap.ci_high is not None and gap.ci_low * gap.ci_high > 0


def _gap_in_words(look: Look, groups: Sequence[schemas.GroupOk], unseen: Sequence[object]) -> str:
    if not groups:
        return look.say("nobody_shown")
    by_gap = sorted(groups, key=lambda one: -one.gap.mean)
    high, low = by_gap[0], by_gap[-1]
    said = look.say(
        "gap_in_words",
        count=len(groups),
        high=look.name(high.group),
        high_gap=look.signed(high.gap.mean),
        low=look.name(low.group),
        low_gap=look.signed(low.gap.mean),
    )
    return with_hidden(look, said, unseen)
