"""Who responded, and what the scores would be with those who did not."""

from collections.abc import Mapping
from math import ceil, floor, sqrt

import numpy as np

from app.metrics.blocks.measure import Measure
from app.metrics.blocks.regions import regions_of, shown_teams
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, showing_complete, shown_score
from app.metrics.formulas import (
    Interval,
    Moments,
    Weights,
    manski_bounds,
    post_stratified,
    response_rate,
    t_interval,
)
from app.metrics.sample import DIMENSIONS, Floats, Integers, Rollup
from app.metrics.schemas import ParticipationNumbers, ParticipationOk, ParticipationScore, Undefined
from app.metrics.schemas.participation import Weighted, WeightedScore


def participation(wave: Wave) -> Mapping[int, ParticipationNumbers]:
    if wave.invited is None:
        return of_each_group(
            wave, lambda ordinal, _: Undefined(status="undefined", reason="no_frame", n=wave.n(ordinal))
        )
    everybody = Rollup(wave.sample.groups, wave.sample.places)
    rates = _Rates(wave, everybody.sizes, everybody.counts(wave.sample.is_complete))
    scores = {name: Measure.take(wave.rollup, wave.both.dimensions[name]) for name in DIMENSIONS}
    return of_each_group(wave, lambda ordinal, precision: _shown(wave, scores, rates, ordinal, precision))


class _Rates:
    """Of those invited to each group, who responded and who answered everything, where that may be told."""

    def __init__(self, wave: Wave, responded: Integers, complete: Integers) -> None:
        assert wave.invited is not None, "there is a frame"
        told = {ordinal for ordinal in wave.plan.decisions if wave.shown_invited(ordinal) is not None}
        self._wave, self.responded, self._complete = wave, responded, complete
        self._with_complete = showing_complete(wave.sample.groups, told, wave.invited, responded, complete)

    def response_rate(self, ordinal: int) -> float | None:
        return self._of(self.responded, ordinal)

    def complete_response_rate(self, ordinal: int) -> float | None:
        return self._of(self._complete, ordinal) if ordinal in self._with_complete else None

    def why_no_complete(self, ordinal: int) -> str:
        is_told = self._wave.shown_invited(ordinal) is not None
        return "few_complete" if is_told else self._wave.why_no_invited()

    def _of(self, counts: Integers, ordinal: int) -> float | None:
        invited = self._wave.shown_invited(ordinal)
        return None if invited is None else response_rate(int(counts[ordinal]), invited)


def _shown(
    wave: Wave, scores: dict[str, Measure], rates: _Rates, ordinal: int, precision: Precision
) -> ParticipationOk:
    invited = wave.shown_invited(ordinal)
    rate, complete = rates.response_rate(ordinal), rates.complete_response_rate(ordinal)
    satisfaction, engagement = (_score(scores[name], ordinal, precision, invited) for name in DIMENSIONS)
    weighted, why_not_weighted = (
        _weighted(wave, precision) if ordinal == ORGANIZATION else (None, "organization_only")
    )
    of_invited = {
        "invited": invited,
        "response_rate": rate,
        "satisfaction": satisfaction,
        "engagement": engagement,
    }
    return ParticipationOk(
        status="ok",
        n=wave.n(ordinal),
        responded=int(rates.responded[ordinal]),
        invited=invited,
        response_rate=rate,
        complete_response_rate=complete,
        precision=precision,
        satisfaction=satisfaction,
        engagement=engagement,
        weighted=weighted,
        reasons=reasons_of(
            (of_invited, "zero_variance" if invited else wave.why_no_invited()),
            ({"complete_response_rate": complete}, rates.why_no_complete(ordinal)),
            ({"weighted": weighted}, why_not_weighted),
        ),
    )


def _score(measure: Measure, ordinal: int, precision: Precision, invited: int | None) -> ParticipationScore:
    """The interval holds for the invited of today; the bounds allow any answer of those who gave none."""
    of = measure.moments(ordinal)
    score = shown_score(of.mean, precision)
    if invited is None:
        return ParticipationScore(score=score, ci_low=None, ci_high=None, bound_low=None, bound_high=None)
    ci, bounds = measure.interval(ordinal, precision, invited), _bounds(of, score, precision, invited)
    return ParticipationScore(
        score=score,
        ci_low=None if ci is None else shown_score(ci.low, precision),
        ci_high=None if ci is None else shown_score(ci.high, precision),
        bound_low=bounds.low,
        bound_high=bounds.high,
    )


def _bounds(of: Moments, score: float, precision: Precision, invited: int) -> Interval:
    """Of a group in whole numbers from every score that is shown as this one: they hold, and tell no more."""
    if precision == "exact":
        return manski_bounds(of.mean, of.n, invited)
    lowest, highest = (shown_score(end, precision) for end in (0.0, 100.0))
    least = 0.0 if score <= lowest else score - 0.5
    most = 100.0 if score >= highest else score + 0.5
    bounds = manski_bounds(least, of.n, invited).low, manski_bounds(most, of.n, invited).high
    return Interval(floor(_settled(bounds[0])), ceil(_settled(bounds[1])))


def _settled(bound: float) -> float:
    return round(bound, 9)


def _weighted(wave: Wave, precision: Precision) -> tuple[Weighted | None, str]:
    """The scores with every part of the organisation in proportion to those invited there.

    The parts are regions of groups whose n, scores and number of invited are told exactly, so that nothing
    follows from these numbers which those do not say.
    """
    if precision != "exact" or wave.invited is None or not wave.plan.decisions[ORGANIZATION].shows_invited:
        return None, "banded" if precision != "exact" else wave.why_no_invited()
    told = [
        ordinal
        for ordinal in shown_teams(wave)
        if wave.plan.decisions[ordinal].shows_invited and wave.plan.decisions[ordinal].precision == "exact"
    ]
    region = regions_of(wave, told)
    n = np.bincount(region[wave.rollup.places.team], minlength=len(region))
    invited = np.bincount(region, weights=_direct(wave, wave.invited), minlength=len(region))
    answered = n > 0
    if answered.sum() < 2:
        return None, "single_stratum"
    found = post_stratified(n[answered], invited[answered])
    weights = np.zeros(len(n))
    weights[answered] = found.weights
    each = weights[region[wave.rollup.places.team]]
    satisfaction, engagement = (
        weighted_score(wave.both.dimensions[name], each, found) for name in DIMENSIONS
    )
    weighted = Weighted(
        strata=int(answered.sum()),
        trimmed=found.trimmed,
        coverage=float(invited[answered].sum() / invited.sum()),
        deff=found.deff,
        effective_n=found.effective_n,
        satisfaction=satisfaction,
        engagement=engagement,
    )
    return weighted, "zero_variance"


def _direct(wave: Wave, invited: Integers) -> Integers:
    """Those invited as direct members of each group of the tree."""
    direct = invited[: len(wave.sample.groups.parents)].copy()
    for ordinal, parent in enumerate(wave.sample.groups.parents):
        if parent is not None:
            direct[parent] -= invited[ordinal]
    return direct


def weighted_score(scores: Floats, weights: Floats, found: Weights) -> WeightedScore:
    n, mean = len(scores), float(np.average(scores, weights=weights))
    variance = float(np.average((scores - mean) ** 2, weights=weights)) * n / (n - 1)
    ci = t_interval(Moments(n, mean, sqrt(variance * found.deff)))
    return WeightedScore(
        score=shown_score(mean, "exact"),
        ci_low=None if ci is None else shown_score(ci.low, "exact"),
        ci_high=None if ci is None else shown_score(ci.high, "exact"),
    )
