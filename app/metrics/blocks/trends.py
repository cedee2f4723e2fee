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
from app.metrics.blocks.wave import ORGANIZATION, Wave, reasons_of
from app.metrics.disclosure import Precision, shown_gap, shown_score
from app.metrics.formulas import Difference, benjamini_hochberg, holm, mean_difference, pearson, verdict
from app.metrics.sample import Flags
from app.metrics.schemas import (
    Change,
    EnpsNumbers,
    EnpsOk,
    Followed,
    HeadlineNumbers,
    HeadlineOk,
    Place,
    PlaceUndefined,
    Score,
    Suppressed,
    Suppression,
)
from app.metrics.schemas.trends import (
    Between,
    ChangeOk,
    ChangeSuppressed,
    ChangeUndefined,
    MeasureName,
    PlaceOk,
    Repeaters,
    TrendScore,
)

ROUNDED: Final[Mapping[MeasureName, Rounded]] = {
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


_Found = Mapping[int, _Change | ChangeSuppressed | ChangeUndefined]
"""By group."""


@dataclass(frozen=True, slots=True)
class Since:
    """What is told of a group beside its place."""

    changes: list[Change]
    repeaters: list[Repeaters]


def changes(
    wave: Wave, previous: Wave, comparable: AbstractSet[str], erased: AbstractSet[int], may_link: bool
) -> dict[int, Since]:
    """For each group what changed from `previous` to `wave`, measure by measure.

    `comparable` are the measures whose questions are the same. `erased` has the groups of the previous wave
    of which so few answers were erased since that a change would tell them (R11). `may_link` says whether
    what one person answered in both may be put together.
    """
    pairs = Pairs.take(wave, previous, may_link)
    shown = [ordinal for ordinal, own in wave.plan.decisions.items() if own.precision is not None]
    found = {
        measure: _found(pairs, measure, comparable, erased, shown) if wave.has_both_dimensions else {}
        for measure in MEASURES
    }
    adjusted = _adjusted(found)

    def since(ordinal: int) -> Since:
        of_group = ((measure, own[ordinal]) for measure, own in found.items() if ordinal in own)
        return Since(
            changes=[
                _told(pairs, measure, own, adjusted.get((measure, ordinal))) for measure, own in of_group
            ],
            repeaters=[repeaters(pairs, comparable, erased)] if ordinal == ORGANIZATION else [],
        )

    return {ordinal: since(ordinal) for ordinal in shown} if wave.has_both_dimensions else {}


def _found(
    pairs: Pairs,
    measure: MeasureName,
    comparable: AbstractSet[str],
    erased: AbstractSet[int],
    shown: Iterable[int],
) -> _Found:
    then = {ordinal: pairs.before[ordinal] for ordinal in shown if ordinal in pairs.before}
    if measure not in comparable:
        changed = ChangeUndefined(
            measure=measure,
            **between(pairs),
            status="undefined",
            reason="questions_changed",
            verdict="not_comparable",
        )
        return dict.fromkeys(then, changed)
    compared = Compared.take(measure, pairs)
    r = _correlation(pairs, compared)
    return {
        ordinal: _suppressed(pairs, measure, "erased")
        if before in erased
        else _change(pairs, compared, ordinal, before, r)
        for ordinal, before in then.items()
    }


def between(pairs: Pairs) -> Between:
    return {"from_survey": pairs.previous.survey_id, "to_survey": pairs.wave.survey_id}


def _suppressed(
    pairs: Pairs, measure: MeasureName, reason: Suppression | Literal["erased"]
) -> ChangeSuppressed:
    return ChangeSuppressed(measure=measure, **between(pairs), status="suppressed", reason=reason)


def followed(
    headlines: Mapping[int, HeadlineNumbers], enps: Mapping[int, EnpsNumbers], since: Mapping[int, Since]
) -> dict[int, Followed]:
    """Where each group is in the series, of its frozen numbers, and what changed on the way there."""
    nothing = Since([], [])
    return {
        ordinal: Followed(
            status="ok",
            point=_place(headline, enps[ordinal]),
            changes=since.get(ordinal, nothing).changes,
            repeaters=since.get(ordinal, nothing).repeaters,
        )
        for ordinal, headline in headlines.items()
    }


def _place(headline: HeadlineNumbers, enps: EnpsNumbers) -> Place:
    if isinstance(headline, Suppressed):
        return headline
    if not isinstance(headline, HeadlineOk):
        assert headline.reason == "dimension_missing", "else a headline is told, or hidden"
        return PlaceUndefined(status="undefined", reason="dimension_missing")
    scores = {
        "satisfaction": _score(headline.satisfaction),
        "engagement": _score(headline.engagement),
        "gap": TrendScore(score=headline.gap.mean, ci_low=headline.gap.ci_low, ci_high=headline.gap.ci_high),
    }
    told = _score(enps) if isinstance(enps, EnpsOk) else None
    why_not = "" if isinstance(enps, EnpsOk) else enps.reason
    return PlaceOk(
        status="ok",
        n=headline.n,
        precision=headline.precision,
        satisfaction=scores["satisfaction"],
        engagement=scores["engagement"],
        gap=scores["gap"],
        enps=told,
        reasons=reasons_of((scores, "zero_variance"), ({"enps": told}, why_not)),
    )


def _score(of: Score | EnpsOk) -> TrendScore:
    return TrendScore(score=of.score, ci_low=of.ci_low, ci_high=of.ci_high)


# ------------------------------------------------------------------ one group, one measure


def _change(
    pairs: Pairs, compared: Compared, ordinal: int, before: int, r: float | None
) -> _Change | ChangeSuppressed | ChangeUndefined:
    reason = _why_not(pairs, compared, ordinal, before)
    if reason is not None:
        return _suppressed(pairs, compared.measure, reason)
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
        return ChangeUndefined(
            measure=compared.measure,
            **between(pairs),
            status="undefined",
            reason="zero_variance",
            verdict="inconclusive",
        )
    return _Change(first.n, second.n, test, "overlapping" if n_both else "independent", precision)


def _why_not(pairs: Pairs, compared: Compared, ordinal: int, before: int) -> Suppression | None:
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


def _adjusted(found: Mapping[MeasureName, _Found]) -> dict[tuple[MeasureName, int], float]:
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


def _told(
    pairs: Pairs,
    measure: MeasureName,
    own: _Change | ChangeSuppressed | ChangeUndefined,
    adjusted: float | None,
) -> Change:
    if not isinstance(own, _Change):
        return own
    assert adjusted is not None, "every test is in a family"
    q = shown_p(adjusted, own.precision)
    return ChangeOk(
        measure=measure,
        **between(pairs),
        status="ok",
        precision=own.precision,
        method=own.method,
        n_before=own.n_before,
        n_after=own.n_after,
        difference=shown_difference(own.test.mean, own.precision),
        **shown_interval(own.test.ci, own.precision),
        q=q,
        verdict=verdict(own.test.ci, adjusted),
        reasons=reasons_of(({"q": q}, "banded")),
    )
