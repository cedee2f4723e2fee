"""`facets` and `questions`: who answered favourably, neutrally or unfavourably, and how sure the first is."""

from collections.abc import Sequence

from app.charts.levels import first_alone, left_out
from app.charts.look import Look
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
    text,
    tooltip,
    value,
    view,
)
from app.charts.rows import MOST_ROWS, Column, named, row_labels
from app.metrics import schemas
from app.metrics.schemas.facets import FacetOk, QuestionOk

STATES = ("favourable", "neutral", "unfavourable")
THICK = 18
ENDS = {
    "favourable": ("0", "datum.favourable"),
    "neutral": ("datum.favourable", "min(1, datum.favourable + datum.neutral)"),
    "unfavourable": (
        "min(1, datum.favourable + datum.neutral)",
        "min(1, datum.favourable + datum.neutral + datum.unfavourable)",
    ),
}
"""Rounded shares may be more than all together."""
Part = schemas.Facet | schemas.FacetQuestion


def facets(answer: schemas.Facets, look: Look) -> Json:
    group = first_of(answer)
    parts: Sequence[Part] = group.facets if isinstance(group, schemas.FacetsGroupOk) else ()
    return _bars(answer, group, parts, look)


def questions(answer: schemas.Facets, look: Look) -> Json:
    group = first_of(answer)
    parts: Sequence[Part] = group.questions if isinstance(group, schemas.FacetsGroupOk) else ()
    return _bars(answer, group, parts, look)


def first_of(answer: schemas.Facets) -> schemas.FacetsGroup | None:
    return answer.groups[0] if answer.groups else None


def _bars(
    answer: schemas.Facets, group: schemas.FacetsGroup | None, parts: Sequence[Part], look: Look
) -> Json:
    drawn = _drawn(parts)
    every, rows = _rows(look, parts), _rows(look, drawn)
    column = Column.of(look, [row["name"] for row in rows], right=96)
    height = named(look, rows, column, lowest=28)
    hidden = [row for row in every if "reason" in row]
    has_shares = any("favourable" in row for row in rows)
    return chart(
        look,
        title=_title(look, group, every),
        description=_in_words(look, group, every),
        data={"rows": rows, "key": _key(look) if has_shares else []},
        views=_views(look, column, height, has_shares) if rows else [],
        notes=[
            *([look.say("answers_note", level=look.percent(answer.ci_level))] if has_shares else []),
            *({look.say("some_not_shown", reason=row["reason"]): None for row in hidden}),
            *left_out(look, drawn, parts, "the_ends"),
            *first_alone(look, answer.groups),
        ],
    )


def _drawn(parts: Sequence[Part]) -> list[Part]:
    """From both ends of the order, as many as there is room for: in the middle least is to be seen."""
    told = sorted((one for one in parts if _favourable(one) is not None), key=_from_the_top)
    untold = [one for one in parts if _favourable(one) is None]
    half = MOST_ROWS // 2
    return [*told[:half], *told[half:][-half:], *untold][:MOST_ROWS]


def _from_the_top(part: Part) -> float:
    """The most favourable first, what is not shown last."""
    share = _favourable(part)
    return 1 if share is None else -share


def _rows(look: Look, parts: Sequence[Part]) -> ChartRows:
    """Under a heading for each dimension, in the order they came in."""
    rows: ChartRows = []
    for dimension in dict.fromkeys(one.dimension for one in parts):
        own = sorted((one for one in parts if one.dimension == dimension), key=_from_the_top)
        rows += [_heading(look, dimension), *(_row(look, one) for one in own)]
    return rows


def _heading(look: Look, dimension: str) -> Json:
    name = look.say("outcome") if dimension == "outcome" else look.label("scales", dimension)
    return {"name": name, "is_heading": True}


def _favourable(part: Part) -> float | None:
    return part.favourable if isinstance(part, FacetOk | QuestionOk) else None


def _row(look: Look, part: Part) -> Json:
    if not isinstance(part, FacetOk | QuestionOk):
        return {"name": part.title, "reason": look.label("reasons", part.reason), "said": look.say("hidden")}
    if part.favourable is None:
        why = part.reasons.get("favourable", "five_options_only")
        return {
            "name": part.title,
            "n": part.n,
            "score": part.score,
            "reason": look.label("reasons", why),
            "said": look.say("score_of", score=look.number(part.score)),
        }
    return {
        "name": part.title,
        "n": part.n,
        "score": part.score,
        **{state: getattr(part, state) for state in STATES},
        "low": part.favourable_ci_low,
        "high": part.favourable_ci_high,
        "percent": look.percent(part.favourable),
        "said_n": f"{look.percent(part.favourable)} · n {part.n}",
    }


def _key(look: Look) -> ChartRows:
    """What the colours mean, side by side."""
    room = look.width / len(STATES)
    return [
        {"state": state, "name": look.say(state), "x": room * place} for place, state in enumerate(STATES)
    ]


def _colour(look: Look, state: str) -> str:
    return {
        "favourable": look.theme.favourable,
        "neutral": look.theme.neutral,
        "unfavourable": look.theme.unfavourable,
    }[state]


def _legend(look: Look) -> Json:
    squares = [
        mark(
            "point",
            "key",
            where=f"datum.state == '{state}'",
            x=place("x"),
            y=at(10),
            shape={"value": "square"},
            filled=True,
            size=120,
            opacity=1,
            color=_colour(look, state),
            xOffset=7,
        )
        for state in STATES
    ]
    return view(
        look.width,
        20,
        [
            *squares,
            text("key", x=place("x"), y=at(10), shown="name", align="left", dx=18, color=look.theme.muted),
        ],
    )


def _views(look: Look, column: Column, height: float, has_shares: bool) -> list[Json]:
    """No frame for shares where there are none: the scores alone."""
    said = [*_said(look, column), *row_labels(look, "rows")]
    if not has_shares:
        return [view(look.width, height, said)]
    return [_legend(look), view(look.width, height, [*_layers(look, column), *said])]


def _said(look: Look, column: Column) -> list[Json]:
    """In the place of a bar."""
    return haloed(
        look,
        "rows",
        where="isValid(datum.said)",
        x=at(column.span[0] + 6),
        y=place("y"),
        shown="said",
        align="left",
        fontStyle="italic",
        color=look.theme.muted,
    )


def _layers(look: Look, column: Column) -> list[Json]:
    theme = look.theme
    on = scale([0, 1], column.span)
    axis = value("favourable", on, {"tickCount": 5, "format": "%"}, look.say("share_axis"))
    return [
        *(_bar(look, state, on, axis) for state in STATES),
        interval("rows", "low", "high", on, y=place("y"), color=theme.paper, strokeWidth=5),
        interval("rows", "low", "high", on, y=place("y"), color=theme.ink, strokeWidth=2),
        text(
            "rows",
            where="isValid(datum.said_n)",
            x=at(look.width),
            y=place("y"),
            shown="said_n",
            align="right",
            color=theme.muted,
        ),
    ]


def _bar(look: Look, state: str, on: Json, axis: Json) -> Json:
    first, last = ENDS[state]
    told = tooltip(
        look,
        ("name", look.say("topic")),
        ("n", "n"),
        ("score", look.say("score")),
        *((one, look.say(one)) for one in STATES),
    )
    x = axis | {"field": "from"} if state == "favourable" else value("from", on)
    bar = mark(
        "rule",
        "rows",
        x=x,
        x2={"field": "until"},
        y=place("y"),
        strokeWidth=THICK,
        color=_colour(look, state),
        tooltip=told,
    )
    bar["transform"] = [
        {"filter": "isValid(datum.favourable)"},
        {"calculate": first, "as": "from"},
        {"calculate": last, "as": "until"},
    ]
    return bar


def _told(rows: ChartRows) -> ChartRows:
    return sorted((row for row in rows if "favourable" in row), key=lambda row: -row["favourable"])


def _title(look: Look, group: schemas.FacetsGroup | None, rows: ChartRows) -> str:
    if group is None:
        return look.say("nobody_shown")
    if not isinstance(group, schemas.FacetsGroupOk):
        return look.say("of_group", name=look.name(group.group), said=look.label("reasons", group.reason))
    told = _told(rows)
    if not told:
        return look.of_group(group.group, look.say(_without_shares(rows)))
    high, low = told[0], told[-1]
    said = look.say(
        _finding(told, rows),
        high=high["name"],
        low=low["name"],
        high_share=high["percent"],
        low_share=low["percent"],
    )
    return look.of_group(group.group, said)


def _finding(told: ChartRows, rows: ChartRows) -> str:
    """What is not shown may be more or less favourable than all that is."""
    if len(told) == 1:
        return "answers_of_one"
    return "answers_of_shown" if any("reason" in row for row in rows) else "answers_finding"


def _without_shares(rows: ChartRows) -> str:
    return "scores_alone" if any("score" in row for row in rows) else "nothing_shown"


def _in_words(look: Look, group: schemas.FacetsGroup | None, rows: ChartRows) -> str:
    said = look.say("answers_in_words", count=len(_told(rows)))
    return f"{_title(look, group, rows)}. {said}"
