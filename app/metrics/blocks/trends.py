"""What has changed since the wave before, of every group that both waves show."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from app.metrics.blocks.compared import (
    FURTHEST,
    FURTHEST_OF_SIGNED,
    Rounded,
    as_shown,
    coarser,
    shown_detectable,
    shown_difference,
    shown_interval,
    shown_p,
)
from app.metrics.blocks.measure import Measure
from app.metrics.blocks.pairs import MEASURES, Compared, Pairs, measure_of
from app.metrics.blocks.repeaters import repeaters
from app.metrics.blocks.wave import ORGANIZATION, Wave, reasons_of
from app.metrics.disclosure import Precision, shown_gap, shown_score
from app.metrics.formulas import (
    Difference,
    Moments,
    benjamini_hochberg,
    holm,
    mean_difference,
    pearson,
    verdict,
)
from app.metrics.sample import DIMENSIONS, Flags
from app.metrics.schemas import (
    Change,
    EnpsNumbers,
    EnpsOk,
    Followed,
    HeadlineNumbers,
    HeadlineOk,
    PlaceUndefined,
    Score,
    Standing,
    Suppressed,
    Suppression,
)
from app.metrics.schemas.trends import (
    Between,
    ChangeOk,
    ChangeSuppressed,
    ChangeUndefined,
    Incomparable,
    MeasureName,
    Pairing,
    PlaceOk,
    Repeaters,
    ToldMoments,
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
    pairing: Pairing
    precision: Precision


_Found = Mapping[int, _Change | ChangeSuppressed | ChangeUndefined]
"""By group."""


@dataclass(frozen=True, slots=True)
class Since:
    """What is told of a group beside its place."""

    changes: list[Change]
    repeaters: list[Repeaters]


MomentsTold = Mapping[int, Mapping[MeasureName, ToldMoments]]
"""By group, what is told of its measures: no more is known of them to whoever reads the release."""


def changes(
    wave: Wave,
    previous: Wave,
    incomparable: Mapping[MeasureName, Incomparable],
    erased: AbstractSet[int],
    may_link: bool,
    *,
    is_anybody_erased: bool = False,
    told_then: MomentsTold | None = None,
) -> dict[int, Since]:
    """For each group what changed from `previous` to `wave`, measure by measure.

    `incomparable` has the measures whose questions are not the same, and why. `erased` has the groups of the
    previous wave of which so few of those asked were erased since that nothing new is told of them (R11).
    `may_link` says whether what one person answered in both may be put together: never once anybody was
    erased. Changes are differences from `told_then`, what the release of the previous wave told: so they
    stand on the persons it stood on, of each measure, whoever was erased since.
    """
    linkable = Pairs.take(wave, previous, may_link)
    is_erased = linkable.is_linked and (is_anybody_erased or bool(erased))
    pairs = Pairs.take(wave, previous, may_link=False) if is_erased else linkable
    sides = _Sides(told(wave), told(previous) if told_then is None else told_then)
    shown = [ordinal for ordinal, own in wave.plan.decisions.items() if own.precision is not None]
    found = {
        measure: _found(pairs, sides, measure, incomparable.get(measure), erased, shown)
        if wave.has_both_dimensions
        else {}
        for measure in MEASURES
    }
    adjusted = _adjusted(found)

    def since(ordinal: int) -> Since:
        of_group = ((measure, own[ordinal]) for measure, own in found.items() if ordinal in own)
        return Since(
            changes=[
                _told(pairs, measure, own, adjusted.get((measure, ordinal))) for measure, own in of_group
            ],
            repeaters=[repeaters(pairs, incomparable, is_erased=is_erased)]
            if ordinal == ORGANIZATION
            else [],
        )

    return {ordinal: since(ordinal) for ordinal in shown} if wave.has_both_dimensions else {}


@dataclass(frozen=True, slots=True)
class _Sides:
    now: MomentsTold
    then: MomentsTold


def told(wave: Wave) -> MomentsTold:
    """Each measure of each group that is shown, as it is shown."""
    shown = [ordinal for ordinal, own in wave.plan.decisions.items() if own.precision is not None]
    if not wave.has_both_dimensions:
        return {}
    measures = {measure: measure_of(wave, measure) for measure in _asked(wave)}
    return {
        ordinal: {
            measure: _moments(wave, measure, of, ordinal)
            for measure, of in measures.items()
            if _why_hidden(wave, measure, ordinal, int(of.n[ordinal])) is None
        }
        for ordinal in shown
    }


def _asked(wave: Wave) -> list[MeasureName]:
    asks_enps = len(wave.sample.instrument.outcomes().get("enps", [])) == 1
    return [measure for measure in MEASURES if measure != "enps" or asks_enps]


def _moments(wave: Wave, measure: MeasureName, of: Measure, ordinal: int) -> ToldMoments:
    group = wave.plan.decisions[ordinal].precision
    precision = "banded" if group is None else of.precision(ordinal, group)
    shown = as_shown(of, ordinal, precision, ROUNDED[measure])
    return ToldMoments(n=shown.n, mean=shown.mean, sd=shown.sd or 0.0, precision=precision)


def _why_hidden(wave: Wave, measure: MeasureName, ordinal: int, n: int) -> Suppression | None:
    reason = wave.plan.decisions[ordinal].reason
    return reason or wave.why_hidden("outcome:enps" if measure == "enps" else measure, ordinal, n)


def _found(
    pairs: Pairs,
    sides: _Sides,
    measure: MeasureName,
    why_not: Incomparable | None,
    erased: AbstractSet[int],
    shown: Iterable[int],
) -> _Found:
    then = {ordinal: pairs.before[ordinal] for ordinal in shown if ordinal in pairs.before}
    if why_not is not None:
        changed = ChangeUndefined(
            measure=measure,
            **between(pairs),
            status="undefined",
            reason=why_not,
            verdict="not_comparable",
        )
        return dict.fromkeys(then, changed)
    compared = Compared.take(measure, pairs)
    r = _correlation(pairs, compared, sides)
    return {
        ordinal: _suppressed(pairs, measure, "erased")
        if before in erased
        else _change(pairs, compared, sides, ordinal, before, r)
        for ordinal, before in then.items()
    }


def between(pairs: Pairs) -> Between:
    return {"from_survey": pairs.previous.survey_id, "to_survey": pairs.wave.survey_id}


def _suppressed(
    pairs: Pairs, measure: MeasureName, reason: Suppression | Literal["erased"]
) -> ChangeSuppressed:
    return ChangeSuppressed(measure=measure, **between(pairs), status="suppressed", reason=reason)


def followed(
    headlines: Mapping[int, HeadlineNumbers],
    enps: Mapping[int, EnpsNumbers],
    since: Mapping[int, Since],
    moments: MomentsTold = MappingProxyType({}),
) -> dict[int, Followed]:
    """Where each group is in the series, of its frozen numbers, and what changed on the way there."""
    nothing = Since([], [])
    return {
        ordinal: Followed(
            status="ok",
            point=_place(headline, enps[ordinal]),
            changes=since.get(ordinal, nothing).changes,
            repeaters=since.get(ordinal, nothing).repeaters,
            moments=dict(moments.get(ordinal, {})),
        )
        for ordinal, headline in headlines.items()
    }


def _place(headline: HeadlineNumbers, enps: EnpsNumbers) -> Standing:
    if isinstance(headline, Suppressed):
        return headline
    if not isinstance(headline, HeadlineOk):
        assert headline.reason == "dimension_missing", "else a headline is told, or hidden"
        return PlaceUndefined(status="undefined", reason="dimension_missing")
    scores = {
        "satisfaction": _score(headline.satisfaction),
        "engagement": _score(headline.engagement),
    }
    gap = TrendScore(score=headline.gap.mean, ci_low=headline.gap.ci_low, ci_high=headline.gap.ci_high)
    told = _score(enps) if isinstance(enps, EnpsOk) else None
    why_not = enps.reasons.get("ci_low", "") if isinstance(enps, EnpsOk) else enps.reason
    return PlaceOk(
        status="ok",
        n=headline.n,
        precision=headline.precision,
        satisfaction=scores["satisfaction"],
        engagement=scores["engagement"],
        gap=gap,
        enps=told,
        reasons=reasons_of(
            (scores, "zero_variance"),
            ({"gap": gap}, headline.reasons.get("gap.ci_low", "")),
            ({"enps": told}, why_not),
        ),
    )


def _score(of: Score | EnpsOk) -> TrendScore:
    return TrendScore(score=of.score, ci_low=of.ci_low, ci_high=of.ci_high)


# ------------------------------------------------------------------ one group, one measure


def _change(
    pairs: Pairs, compared: Compared, sides: _Sides, ordinal: int, before: int, r: float | None
) -> _Change | ChangeSuppressed | ChangeUndefined:
    now, then = (
        side.get(own, {}).get(compared.measure) for side, own in ((sides.now, ordinal), (sides.then, before))
    )
    if now is None or then is None:
        return _suppressed(pairs, compared.measure, _why_not(pairs, compared, ordinal, before, now is None))
    if compared.measure == "gap" and not pairs.may_be_paired:
        return _suppressed(pairs, compared.measure, "crossing")
    first, second = (Moments(one.n, one.mean, one.sd) for one in (then, now))
    n_both, own_r = _both(pairs, compared, ordinal, before)
    if r is None or not _may_count(n_both, (first.n, second.n), pairs.k):
        n_both = 0
    precision = coarser(now.precision, then.precision)
    test = mean_difference(first, second, n_both, (own_r if precision == "exact" else r) or 0.0)
    if test is None:
        return ChangeUndefined(
            measure=compared.measure,
            **between(pairs),
            status="undefined",
            reason="zero_variance",
            verdict="inconclusive",
        )
    return _Change(first.n, second.n, test, _pairing(n_both, first.n, second.n), precision)


def _pairing(n_both: int, n_before: int, n_after: int) -> Pairing:
    if not n_both:
        return "independent"
    return "full" if n_both == n_before == n_after else "partial"


def _why_not(pairs: Pairs, compared: Compared, ordinal: int, before: int, is_now: bool) -> Suppression:
    """Why that wave does not show it."""
    wave, own, of = (
        (pairs.wave, ordinal, compared.of_now) if is_now else (pairs.previous, before, compared.of_then)
    )
    return _why_hidden(wave, compared.measure, own, int(of.n[own])) or "below_minimum"


def _correlation(pairs: Pairs, compared: Compared, sides: _Sides) -> float | None:
    """Of the organisation's repeaters, for intervals that may not tell more of a group than is shown of it.

    None where it would itself tell more: then every group is compared as if nobody had answered twice.
    """
    of_all = [side.get(ORGANIZATION, {}).get(compared.measure) for side in (sides.now, sides.then)]
    told = [one for one in of_all if one is not None and one.precision == "exact"]
    n_both, r = _both(pairs, compared, ORGANIZATION, ORGANIZATION)
    may_count = _may_count(n_both, [one.n for one in told], pairs.k)
    return r if len(told) == len(of_all) and may_count else None


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
    q, smallest = shown_p(adjusted, own.precision), pairs.wave.choices.smallest_change
    furthest = FURTHEST if measure in DIMENSIONS else FURTHEST_OF_SIGNED
    return ChangeOk(
        measure=measure,
        **between(pairs),
        status="ok",
        precision=own.precision,
        pairing=own.pairing,
        n_before=own.n_before,
        n_after=own.n_after,
        difference=shown_difference(own.test.mean, own.precision),
        **shown_interval(own.test.ci, own.precision, furthest),
        q=q,
        detectable=shown_detectable(own.test.detectable, own.precision, furthest),
        smallest_change=smallest,
        verdict=verdict(own.test, adjusted, smallest),
        reasons=reasons_of(({"q": q}, "banded")),
    )
