"""What has changed since the wave before, of every group that both waves show."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from app.metrics.blocks.compared import Rounded, as_shown, coarser, shown_difference, shown_interval, shown_p
from app.metrics.blocks.measure import Measure, as_small
from app.metrics.blocks.pairs import MEASURES, Compared, Pairs
from app.metrics.blocks.repeaters import repeaters
from app.metrics.blocks.wave import ORGANIZATION, Bodies, Body, Wave, explained, of_each_group
from app.metrics.disclosure import Precision, shown_gap, shown_score
from app.metrics.formulas import Difference, benjamini_hochberg, holm, mean_difference, pearson, verdict
from app.metrics.sample import DIMENSIONS, Flags

ROUNDED: Final[Mapping[str, Rounded]] = {
    "satisfaction": shown_score,
    "engagement": shown_score,
    "gap": shown_gap,
    "enps": shown_gap,
}


@dataclass(frozen=True, slots=True)
class _Change:
    n_before: int
    n_after: int
    test: Difference
    method: Literal["overlapping", "independent"]
    precision: Precision


_Found = dict[int, _Change | Body]
"""By group; a Body says why there is no number."""


def changes(
    wave: Wave, previous: Wave, comparable: AbstractSet[str], erased: AbstractSet[int], may_link: bool
) -> Bodies:
    """For each group what changed from `previous` to `wave`, measure by measure.

    `comparable` are the measures whose questions are the same. `erased` has the groups of the previous wave
    of which so few answers were erased since that a change would tell them (R11). `may_link` says whether
    what one person answered in both may be put together.
    """
    pairs = Pairs.take(wave, previous, may_link)
    surveys = {"from_survey": str(previous.survey_id), "to_survey": str(wave.survey_id)}
    shown = [ordinal for ordinal, own in wave.plan.decisions.items() if own.precision is not None]
    found = {
        measure: _found(pairs, measure, comparable, erased, shown) if wave.has_both_dimensions else {}
        for measure in MEASURES
    }
    adjusted = _adjusted(found)

    def shown_changes(ordinal: int, _: Precision) -> Body:
        of_group = ((measure, own[ordinal]) for measure, own in found.items() if ordinal in own)
        told = [
            {"measure": measure, **surveys, **_told(own, adjusted.get((measure, ordinal)))}
            for measure, own in of_group
        ]
        again = [{**surveys, **repeaters(pairs, comparable, erased)}] if ordinal == ORGANIZATION else []
        return {"status": "ok", "n": wave.n(ordinal), "changes": told, "repeaters": again}

    return of_each_group(wave, shown_changes)


def _found(
    pairs: Pairs,
    measure: str,
    comparable: AbstractSet[str],
    erased: AbstractSet[int],
    shown: Iterable[int],
) -> _Found:
    then = {ordinal: pairs.before[ordinal] for ordinal in shown if ordinal in pairs.before}
    if measure not in comparable:
        changed = {"status": "undefined", "reason": "questions_changed", "verdict": "not_comparable"}
        return dict.fromkeys(then, changed)
    compared = Compared.take(measure, pairs)
    r = _correlation(pairs, compared)
    return {
        ordinal: _suppressed("erased") if before in erased else _change(pairs, compared, ordinal, before, r)
        for ordinal, before in then.items()
    }


def _suppressed(reason: str) -> Body:
    return {"status": "suppressed", "reason": reason}


def points(headline: Bodies, enps: Bodies) -> Bodies:
    """Each group's place in a series: of its frozen numbers, those that are followed over time."""
    return {ordinal: _point(body, enps[ordinal]) for ordinal, body in headline.items()}


def _point(headline: Body, enps: Body) -> Body:
    if headline["status"] != "ok":
        return {name: headline[name] for name in ("status", "reason")}
    gap = headline["gap"]
    scores = {
        **{dimension: _score(headline[dimension]) for dimension in DIMENSIONS},
        "gap": _score({**gap, "score": gap["mean"]}),
    }
    told = {"enps": _score(enps) if enps["status"] == "ok" else None}
    return {
        **{name: headline[name] for name in ("status", "n", "precision")},
        **explained((scores, "zero_variance"), (told, enps.get("reason", ""))),
    }


def _score(of: Body) -> Body:
    return {name: of[name] for name in ("score", "ci_low", "ci_high")}


# ------------------------------------------------------------------ one group, one measure


def _change(pairs: Pairs, compared: Compared, ordinal: int, before: int, r: float | None) -> _Change | Body:
    reason = _why_not(pairs, compared, ordinal, before)
    if reason is not None:
        return _suppressed(reason)
    now = _precision(pairs.wave, compared.of_now, ordinal)
    then = _precision(pairs.previous, compared.of_then, before)
    rounded = ROUNDED[compared.measure]
    first = as_shown(compared.of_then, before, then, rounded)
    second = as_shown(compared.of_now, ordinal, now, rounded)
    n_both, own_r = _both(pairs, compared, ordinal, before)
    if r is None or not _may_count(n_both, (first.n, second.n), pairs.k):
        n_both = 0
    precision = coarser(now, then)
    test = mean_difference(first, second, n_both, (own_r if precision == "exact" else r) or 0.0)
    if test is None:
        return {"status": "undefined", "reason": "zero_variance", "verdict": "inconclusive"}
    return _Change(first.n, second.n, test, "overlapping" if n_both else "independent", precision)


def _why_not(pairs: Pairs, compared: Compared, ordinal: int, before: int) -> str | None:
    """Why one of the waves does not show it."""
    sides = (pairs.wave, ordinal, compared.of_now), (pairs.previous, before, compared.of_then)
    for wave, own, measure in sides:
        n = int(measure.n[own])
        planned_as = "outcome:enps" if compared.measure == "enps" else compared.measure
        reason = wave.plan.decisions[own].reason or wave.why_hidden(planned_as, own, n)
        if reason is not None:
            return reason
    return None


def _precision(wave: Wave, measure: Measure, ordinal: int) -> Precision:
    of_group = wave.plan.decisions[ordinal].precision
    return "banded" if of_group is None else as_small(int(measure.n[ordinal]), of_group)


def _correlation(pairs: Pairs, compared: Compared) -> float | None:
    """Of the organisation's repeaters, for intervals that may not tell more of a group than is shown of it.

    None where it would itself tell more: then every group is compared as if nobody had answered twice.
    """
    sides = (pairs.wave, compared.of_now), (pairs.previous, compared.of_then)
    is_exact = all(_precision(wave, measure, ORGANIZATION) == "exact" for wave, measure in sides)
    n_both, r = _both(pairs, compared, ORGANIZATION, ORGANIZATION)
    sizes = [int(measure.n[ORGANIZATION]) for _, measure in sides]
    return r if is_exact and _may_count(n_both, sizes, pairs.k) else None


def _both(pairs: Pairs, compared: Compared, ordinal: int, before: int) -> tuple[int, float]:
    """How many are in the group in both waves, and how their two scores correlate."""
    if not pairs.is_linked:
        return 0, 0.0
    rows_now, rows_then = pairs.rows(
        _answered(pairs.wave, ordinal) & ~np.isnan(compared.now),
        _answered(pairs.previous, before) & ~np.isnan(compared.then),
    )
    return len(rows_now), pearson(compared.then[rows_then], compared.now[rows_now]).r or 0.0


def _answered(wave: Wave, ordinal: int) -> Flags:
    return wave.rollup.persons(ordinal)


def _may_count(n_both: int, sizes: Iterable[int], k: int) -> bool:
    """R9: those who answered twice are enough, and those who did not are none or enough, in both waves."""
    return n_both >= k and all(n == n_both or n - n_both >= k for n in sizes)


# ------------------------------------------------------------------ all together, and as it is told


def _adjusted(found: Mapping[str, _Found]) -> dict[tuple[str, int], float]:
    """Holm over the measures of the organisation; Benjamini & Hochberg over the groups of each measure."""
    tests = {
        (measure, ordinal): own.test.p
        for measure, groups in found.items()
        for ordinal, own in groups.items()
        if isinstance(own, _Change)
    }
    headline = [place for place in tests if place[1] == ORGANIZATION]
    adjusted = dict(zip(headline, holm([tests[place] for place in headline]).tolist(), strict=True))
    for measure in found:
        family = [place for place in tests if place[0] == measure and place[1] != ORGANIZATION]
        q_values = benjamini_hochberg([tests[place] for place in family]).tolist()
        adjusted |= dict(zip(family, q_values, strict=True))
    return adjusted


def _told(own: _Change | Body, adjusted: float | None) -> Body:
    if not isinstance(own, _Change) or adjusted is None:
        assert not isinstance(own, _Change)
        return own
    told = {
        "status": "ok",
        "precision": own.precision,
        "method": own.method,
        "n_before": own.n_before,
        "n_after": own.n_after,
        "difference": shown_difference(own.test.mean, own.precision),
        **shown_interval(own.test.ci, own.precision),
        "q": shown_p(adjusted, own.precision),
        "verdict": verdict(own.test.ci, adjusted),
    }
    return explained((told, "banded"))
