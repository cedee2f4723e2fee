"""`trend`: both scores and eNPS of a group over waves, with intervals and what is said of the changes."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from app.charts.letters import LINE, width_of, wrapped
from app.charts.levels import first_alone
from app.charts.look import Look
from app.charts.parts import ChartRows, Json, at, chart, mark, place, scale, span, text, value, view
from app.core.languages import month_in_words
from app.metrics import schemas
from app.metrics.schemas.trends import ChangeOk, ChangeUndefined, PointOk, TrendScore

LEFT: Final = 46
SCORES: Final = ("satisfaction", "engagement")
SIGNS: Final = {
    "increased": "↑",
    "decreased": "↓",
    "small_increase": "(↑)",
    "small_decrease": "(↓)",
    "practically_equal": "=",
    "inconclusive": "?",
    "not_comparable": "≠",
}
MEASURES: Final = ("satisfaction", "engagement", "enps")
EDGE: Final = 34
"""Pixels at either side of the waves."""
BESIDE: Final = 3
"""Pixels between two intervals of one wave."""


def trend(answer: schemas.Trends, look: Look) -> Json:
    group = answer.groups[0] if answer.groups else None
    rows = [] if group is None else list(_points(look, group))
    measures = [
        one for one in MEASURES if any(row["measure"] == one and row["score"] is not None for row in rows)
    ]
    changed = set() if group is None else {one.measure for one in group.changes}
    beside = [_name(look, one) for one in MEASURES if one in changed]
    plot = _plot(look, rows, beside)
    _place(rows, answer.waves, plot)
    waves, changes = (
        _waves(look, answer.waves, plot),
        [] if group is None else _changes(look, group, answer.waves, plot),
    )
    hidden = [] if group is None else _hidden(look, group, answer.waves)
    return chart(
        look,
        title=_title(look, answer, group),
        description=_in_words(look, answer, group),
        data={"points": rows, "waves": waves, "changes": changes, "hidden": hidden},
        views=list(_views(look, rows, waves, changes, measures, plot)),
        notes=[
            *(
                [
                    " ".join(
                        [look.say("trend_note", level=look.percent(answer.ci_level)), *_key(look, changes)]
                    )
                ]
                if measures
                else []
            ),
            *(look.say("wave_not_shown", wave=row["wave"], reason=row["reason"]) for row in hidden),
            *first_alone(look, answer.groups),
        ],
        left=LEFT,
    )


def _points(look: Look, group: schemas.TrendGroup) -> Iterator[Json]:
    """A wave that is not told of breaks the line."""
    for number, point in enumerate(group.points):
        for measure in MEASURES:
            score: TrendScore | None = getattr(point, measure) if isinstance(point, PointOk) else None
            told = {"score": None} if score is None else _told(look, measure, score)
            yield {"measure": measure, "wave": number, **told}


def _told(look: Look, measure: str, score: TrendScore) -> Json:
    label = [*wrapped(_name(look, measure), look.width * 0.3), look.number(score.score)]
    return {"score": score.score, "low": score.ci_low, "high": score.ci_high, "label": label}


def _plot(look: Look, rows: ChartRows, names: Sequence[str]) -> tuple[float, float]:
    """How wide the pictures are, and what is named at their right: `names` too, below them."""
    said = [line for row in rows for line in row.get("label", ())]
    longest = max(map(width_of, [*said, *names]), default=0)
    return look.width - LEFT - longest + EDGE - 16, longest


def _place(rows: ChartRows, waves: Sequence[schemas.TrendWave], plot: tuple[float, float]) -> None:
    last = {row["measure"]: row["wave"] for row in rows if row["score"] is not None}
    for row in rows:
        side = {"satisfaction": BESIDE, "engagement": -BESIDE}.get(row["measure"], 0)
        row |= {"x": _across(row["wave"], len(waves), plot[0]) + side, "label_x": plot[0] - EDGE + 12}
        if row["wave"] != last.get(row["measure"]) or row["wave"] != len(waves) - 1:
            row.pop("label", None)


def _across(wave: float, waves: int, width: float) -> float:
    return width / 2 if waves < 2 else EDGE + (width - 2 * EDGE) * wave / (waves - 1)


def _waves(look: Look, waves: Sequence[schemas.TrendWave], plot: tuple[float, float]) -> ChartRows:
    """Named as far as there is room."""
    every = max(1, -(-len(waves) * 46 // max(1, int(plot[0]))))
    return [
        {
            "wave": month_in_words(look.language, wave.survey.opened_at).split(),
            "x": _across(number, len(waves), plot[0]),
        }
        for number, wave in enumerate(waves)
        if (len(waves) - 1 - number) % every == 0
    ]


def _changes(
    look: Look, group: schemas.TrendGroup, waves: Sequence[schemas.TrendWave], plot: tuple[float, float]
) -> ChartRows:
    order = {wave.survey.id: number for number, wave in enumerate(waves)}
    room = (plot[0] - 2 * EDGE) / max(1, len(waves) - 1) + 20
    rows = []
    for change in group.changes:
        if change.measure in MEASURES and change.from_survey in order and change.to_survey in order:
            middle = (order[change.from_survey] + order[change.to_survey]) / 2
            rows.append(_change(look, change, room) | {"x": _across(middle, len(waves), plot[0])})
    return rows


def _change(look: Look, change: schemas.Change, room: float) -> Json:
    """The verdict in words where there is room for them; else its sign."""
    if change.status == "suppressed":
        return {"measure": change.measure, "said": "–", "reason": look.label("reasons", change.reason)}
    words = look.verdict(change.verdict)
    told = (
        {"difference": change.difference, "low": change.ci_low, "high": change.ci_high}
        if isinstance(change, ChangeOk)
        else {}
    )
    said = words if width_of(words) <= room else SIGNS[change.verdict]
    return {
        "measure": change.measure,
        "said": said,
        "verdict": look.label("verdicts", change.verdict),
        **told,
    }


def _key(look: Look, changes: ChartRows) -> Iterator[str]:
    """What the signs mean that stand in the picture."""
    used = {row["said"] for row in changes}
    told = [f"{sign} {look.verdict(verdict)}" for verdict, sign in SIGNS.items() if sign in used]
    if told:
        yield f"{', '.join(told)}."


def _hidden(
    look: Look, group: schemas.TrendGroup, waves: Sequence[schemas.TrendWave]
) -> list[dict[str, str]]:
    opened = {wave.survey.id: month_in_words(look.language, wave.survey.opened_at) for wave in waves}
    return [
        {"wave": opened[point.survey], "reason": look.label("reasons", point.reason)}
        for point in group.points
        if not isinstance(point, PointOk) and point.survey in opened
    ]


# ------------------------------------------------------------------ pictures


def _views(
    look: Look,
    rows: ChartRows,
    waves: ChartRows,
    changes: ChartRows,
    measures: Sequence[str],
    plot: tuple[float, float],
) -> Iterator[Json]:
    both = [one for one in measures if one in SCORES]
    if both:
        yield view(plot[0], 190, _picture(look, rows, both, (0, 100), 190))
    if "enps" in measures:
        yield view(plot[0], 110, _picture(look, rows, ["enps"], (-100, 100), 110))
    if measures:
        yield view(
            plot[0],
            2 * LINE,
            [text("waves", x=place("x"), y=at(LINE / 2), shown="wave", color=look.theme.muted)],
        )
    if measures and changes:
        yield _verdicts(look, changes, plot)


def _verdicts(look: Look, changes: ChartRows, plot: tuple[float, float]) -> Json:
    """A line for each measure, each verdict between its two waves."""
    said = [one for one in MEASURES if any(row["measure"] == one for row in changes)]
    for row in changes:
        row |= {"y": LINE * (said.index(row["measure"]) + 0.5), "name": _name(look, row["measure"])}
    beside: Json = {"x": at(plot[0] - EDGE + 12), "shown": "name", "align": "left"}
    shown = [
        text("changes", x=place("x"), y=place("y"), shown="said", color=look.theme.ink),
        text("changes", y=place("y"), color=_colour(look), **beside),
    ]
    return view(plot[0], LINE * len(said), shown)


def _colour(look: Look) -> Json:
    theme = look.theme
    return {"condition": {"test": "datum.measure == 'engagement'", "value": theme.accent}, "value": theme.ink}


def _name(look: Look, measure: str) -> str:
    return look.label("scales", measure).partition(" (")[0]


def _picture(
    look: Look, rows: ChartRows, measures: Sequence[str], ends: tuple[float, float], height: float
) -> list[Json]:
    theme = look.theme
    own = [row for row in rows if row["measure"] in measures]
    domain = span(
        [row.get(end) for row in own for end in ("score", "low", "high")], 5 if ends[0] == 0 else 10, *ends
    )
    _part_labels(own, domain, height)
    on = scale(domain)
    title = look.say("scale_0_100") if ends[0] == 0 else look.say("scale_enps")
    y = value(
        "low", on, {"tickCount": 3, "format": "d", "minExtent": LEFT - 20, "maxExtent": LEFT - 20}, title
    )
    chosen = " || ".join(f"datum.measure == '{one}'" for one in measures)
    colour = _colour(look)
    fill = {
        "condition": {"test": "datum.measure == 'satisfaction'", "value": theme.paper},
        **{"value": theme.accent if "engagement" in measures else theme.ink},
    }
    known = f"isValid(datum.low) && isValid(datum.high) && ({chosen})"
    x, score = place("x"), value("score", on)
    lines = mark(
        "line",
        "points",
        where=chosen,
        x=x,
        y=score,
        strokeWidth=2.5,
        detail={"field": "measure"},
        color=colour,
        invalid="break-paths-show-path-domains",
    )
    return [
        mark("rule", "points", where=known, x=x, y=y, y2={"field": "high"}, opacity=0.7, color=colour),
        lines,
        mark(
            "point",
            "points",
            where=f"isValid(datum.score) && ({chosen})",
            x=x,
            y=score,
            filled=True,
            size=80,
            opacity=1,
            strokeWidth=2,
            fill=fill,
            stroke=colour,
            shape={"condition": {"test": "datum.measure == 'enps'", "value": "square"}, "value": "circle"},
            tooltip=[{"field": one} for one in ("measure", "score", "low", "high")],
        ),
        text(
            "points",
            where=f"isValid(datum.label) && ({chosen})",
            x=place("label_x"),
            y=place("label_y"),
            shown="label",
            align="left",
            color=colour,
            dy={"expr": "-(length(datum.label) - 1) * 8.5"},
        ),
    ]


def _part_labels(rows: ChartRows, domain: Sequence[float], height: float) -> None:
    """The two names at the right, in the order of their scores and none over another."""
    low, high = domain
    named = sorted((row for row in rows if "label" in row), key=lambda row: -row["score"])
    free = 0.0
    for row in named:
        half = len(row["label"]) * (LINE - 2) / 2
        row["label_y"] = max(free + half, (high - row["score"]) / (high - low) * height)
        free = row["label_y"] + half
    below = height + 8
    for row in reversed(named):
        half = len(row["label"]) * (LINE - 2) / 2
        row["label_y"] = min(row["label_y"], below - half)
        below = row["label_y"] - half


# ------------------------------------------------------------------ words


def _last_changes(
    group: schemas.TrendGroup, waves: Sequence[schemas.TrendWave]
) -> tuple[UUID | None, list[ChangeOk | ChangeUndefined]]:
    """Up to the wave that is shown, and since which."""
    last = waves[-1].survey.id if waves else None
    found = [
        one
        for one in group.changes
        if one.to_survey == last and one.measure in SCORES and isinstance(one, ChangeOk | ChangeUndefined)
    ]
    return (found[0].from_survey if found else None), found


def _why_no_change(group: schemas.TrendGroup, waves: Sequence[schemas.TrendWave]) -> str | None:
    """Where there is a wave before, but of both scores the change is hidden."""
    last = waves[-1].survey.id if waves else None
    own = [one for one in group.changes if one.to_survey == last and one.measure in SCORES]
    reasons = [one.reason for one in own if one.status == "suppressed"]
    return reasons[0] if reasons and len(reasons) == len(own) else None


def _title(look: Look, answer: schemas.Trends, group: schemas.TrendGroup | None) -> str:
    if group is None:
        return look.say("nobody_shown")
    since, changes = _last_changes(group, answer.waves)
    last = group.points[-1] if group.points else None
    if last is not None and not isinstance(last, PointOk):
        return look.say("of_group", name=look.name(group.group), said=look.label("reasons", last.reason))
    name = look.name(group.group)
    opened = {wave.survey.id: wave.survey.opened_at for wave in answer.waves}
    if why := _why_no_change(group, answer.waves):
        return look.say("of_group", name=name, said=look.label("reasons", why))
    if since not in opened:
        return look.say("of_group", name=name, said=look.say("no_earlier_wave"))
    said = look.listed(list(_verdicts_in_words(look, changes)))
    return look.say("trend_finding", name=name, said=said, since=month_in_words(look.language, opened[since]))


def _verdicts_in_words(look: Look, changes: Sequence[ChangeOk | ChangeUndefined]) -> Iterator[str]:
    """Measures of which the same can be said, together."""
    for verdict in dict.fromkeys(one.verdict for one in changes):
        same = [look.label("scales", one.measure).lower() for one in changes if one.verdict == verdict]
        key = "change_unclear" if verdict == "inconclusive" else "said_of"
        yield look.say(key, measures=look.listed(same), verdict=look.verdict(verdict))


def _in_words(look: Look, answer: schemas.Trends, group: schemas.TrendGroup | None) -> str:
    said = look.say("trend_in_words", count=len(answer.waves))
    if group is None or not group.points or not isinstance(last := group.points[-1], PointOk):
        return said
    scores = {one: look.number(getattr(last, one).score) for one in SCORES}
    return f"{said} {look.say('trend_now', name=look.name(group.group), **scores)}"
