"""Satisfaction versus engagement: both scores, their gap, the quadrants and the position of every group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np

from app.metrics.blocks.compared import as_shown
from app.metrics.blocks.distinctness import is_not_distinct
from app.metrics.blocks.measure import Favour, Measure, shown_mean
from app.metrics.blocks.scales import MeasurementErrors
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, shown_dz, shown_gap, shown_score, shown_share
from app.metrics.formulas import (
    FIXED,
    QUADRANTS,
    gap_from,
    is_near_cut,
    position,
    quadrant_chances,
    quadrant_of,
    shares_from,
)
from app.metrics.formulas.position import Position as At
from app.metrics.formulas.quadrants import Cuts
from app.metrics.sample import DIMENSIONS, Floats, Integers, Rollup
from app.metrics.schemas import (
    Gap,
    HeadlineNumbers,
    HeadlineOk,
    Position,
    QuadrantCut,
    Quadrants,
    QuadrantShares,
    Score,
    Share,
)
from app.metrics.schemas.headline import ByQuadrant, Ellipse, Mode, Undivided

INTERPRETABLE_FROM: Final = 0.7
POSITION_FROM: Final = 10


def headline(wave: Wave) -> Mapping[int, HeadlineNumbers]:
    census = Census.take(wave, wave.rollup)

    def shown(ordinal: int, precision: Precision) -> HeadlineOk:
        return told(census, ordinal, precision, wave.shown_invited(ordinal), wave.why_no_invited())

    return of_each_group(wave, shown)


@dataclass(frozen=True, slots=True)
class Census:
    """What is known of every group, shown or not. `near_cut` and `chances` are sums over its persons.

    High and low are divided by `cuts`.
    """

    scores: dict[str, Measure]
    favour: dict[str, Favour]
    gap: Measure
    quadrants: Integers
    near_cut: Floats | None
    chances: Floats | None
    errors: MeasurementErrors
    why_undivided: Undivided | None
    mode: Mode
    cuts: Cuts

    @property
    def may_be_paired(self) -> bool:
        """Whether anything may be told of how the two scores of a person go together."""
        return self.why_undivided != "too_few_questions"

    @classmethod
    def take(cls, wave: Wave, rollup: Rollup) -> "Census":
        """Of the groups of `rollup`, whose persons are the headline set."""
        scores, questions = wave.both.dimensions, wave.both.questions
        s, e = (scores[dimension] for dimension in DIMENSIONS)
        of = MeasurementErrors.take(wave)
        cuts = cuts_of(wave)
        in_quadrant = quadrant_of(s, e, cuts)[:, None] == np.arange(len(QUADRANTS))
        near_cut = None if of.errors is None else is_near_cut(s, e, of.errors, cuts).astype(np.float64)
        chances = None if of.errors is None else quadrant_chances(s, e, of.errors, cuts)
        return cls(
            scores={name: Measure.take(rollup, scores[name]) for name in DIMENSIONS},
            favour={name: Favour.take(rollup, questions[:, wave.columns_of(name)]) for name in DIMENSIONS},
            gap=Measure.take(rollup, e - s),
            quadrants=rollup.sums(in_quadrant.astype(np.float64)).astype(np.int64),
            near_cut=None if near_cut is None else rollup.sums(near_cut),
            chances=None if chances is None else rollup.sums(chances),
            errors=of,
            why_undivided=why_undivided(wave),
            mode=wave.choices.division.mode,
            cuts=cuts,
        )


def cuts_of(wave: Wave) -> Cuts:
    """Those of the whole organisation are its scores as they are shown: a cut tells no more than these do."""
    chosen, precision = wave.choices.division.cuts, wave.plan.decisions[ORGANIZATION].precision
    if chosen is not None or precision is None:
        return chosen or FIXED
    s, e = (shown_score(float(wave.both.dimensions[name].mean()), precision) for name in DIMENSIONS)
    return s, e


def why_undivided(wave: Wave) -> Undivided | None:
    """Why there are neither quadrants nor a position."""
    if not wave.asks_enough:
        return "too_few_questions"
    return "not_distinct" if is_not_distinct(wave) else None


class _SpreadOfGap(TypedDict):
    ci_low: float | None
    ci_high: float | None
    dz: float | None


class _Reliability(TypedDict):
    reliability: float | None
    interpretable: bool | None


class _Expected(TypedDict):
    near_cut: float | None
    expected: ByQuadrant | None


def told(
    census: Census, ordinal: int, precision: Precision, invited: int | None, why_no_invited: str
) -> HeadlineOk:
    is_banded = precision == "banded"
    undefined = "banded" if is_banded else "zero_variance"
    satisfaction, engagement = (_score(census, name, ordinal, precision) for name in DIMENSIONS)
    spread, reliability = _spread_of_gap(census, ordinal, precision), _reliability(census)
    why_not_paired = None if census.may_be_paired else "too_few_questions"
    expected, why_not_expected = _expected(census, ordinal, precision)
    why_undivided = census.why_undivided
    position = None if why_undivided else _position(census, ordinal, precision)
    scores = {"satisfaction": satisfaction, "engagement": engagement}
    of_quadrants = {"quadrants": None if why_undivided else expected}
    return HeadlineOk(
        status="ok",
        n=int(census.gap.n[ordinal]),
        invited=invited,
        precision=precision,
        satisfaction=satisfaction,
        engagement=engagement,
        gap=Gap(mean=shown_gap(float(census.gap.mean[ordinal]), precision), **spread, **reliability),
        quadrants=None if why_undivided else _quadrants(census, ordinal, precision, expected),
        position=position,
        reasons=reasons_of(
            ({"invited": invited}, why_no_invited),
            (scores, undefined),
            ({"gap": spread}, why_not_paired or undefined),
            ({"gap": reliability}, why_not_paired or census.errors.reason or ""),
            (of_quadrants, why_undivided or why_not_expected),
            ({"position": position}, why_undivided or _why_no_position(precision)),
        ),
    )


def _score(census: Census, name: str, ordinal: int, precision: Precision) -> Score:
    return Score(
        **shown_mean(census.scores[name], ordinal, precision),
        **census.favour[name].shown(ordinal, precision),
    )


def _spread_of_gap(census: Census, ordinal: int, precision: Precision) -> _SpreadOfGap:
    if not census.may_be_paired:
        return {"ci_low": None, "ci_high": None, "dz": None}
    of, ci = gap_from(census.gap.moments(ordinal)), census.gap.interval(ordinal, precision)
    return {
        "ci_low": None if ci is None else shown_gap(ci.low, precision),
        "ci_high": None if ci is None else shown_gap(ci.high, precision),
        "dz": None if of.dz is None else shown_dz(of.dz, precision),
    }


def _reliability(census: Census) -> _Reliability:
    """The organisation's, the same for every group."""
    value = census.errors.of_difference if census.may_be_paired else None
    return {"reliability": value, "interpretable": None if value is None else value >= INTERPRETABLE_FROM}


# ------------------------------------------------------------------ what divides by the two cuts


def _quadrants(census: Census, ordinal: int, precision: Precision, expected: _Expected) -> Quadrants:
    return Quadrants(
        mode=census.mode,
        cut=QuadrantCut(satisfaction=census.cuts[0], engagement=census.cuts[1]),
        shares=_shares(census.quadrants[ordinal], precision),
        **expected,
    )


def _shares(counts: Integers, precision: Precision) -> QuadrantShares:
    thriving, content, stretched, detached = (
        Share(
            share=shown_share(of.share, precision),
            ci_low=shown_share(of.ci.low, precision),
            ci_high=shown_share(of.ci.high, precision),
        )
        for of in map(shares_from(counts).__getitem__, QUADRANTS)
    )
    return QuadrantShares(thriving=thriving, content=content, stretched=stretched, detached=detached)


def _expected(census: Census, ordinal: int, precision: Precision) -> tuple[_Expected, str]:
    """What the shares come to when the errors of measurement are allowed for; or why that is not told."""
    if precision == "banded":
        return {"near_cut": None, "expected": None}, "banded"
    if census.near_cut is None:
        return {"near_cut": None, "expected": None}, census.errors.reason or ""
    n = int(census.gap.n[ordinal])
    near_cut = shown_share(float(census.near_cut[ordinal]) / n, precision)
    if census.chances is None or census.chances[ordinal].min() < 0:
        return {"near_cut": near_cut, "expected": None}, "too_unreliable"
    chances = _by_quadrant((census.chances[ordinal] / n).tolist(), precision)
    return {"near_cut": near_cut, "expected": chances}, ""


def _why_no_position(precision: Precision) -> str:
    return "under_ten" if precision == "banded" else "zero_variance"


def _position(census: Census, ordinal: int, precision: Precision) -> Position | None:
    found = _small_position(census, ordinal) if precision == "banded" else _own_position(census, ordinal)
    if found is None:
        return None
    return Position(
        quadrant=found.quadrant or "undetermined",
        probability=shown_share(max(found.chances), precision),
        probabilities=_by_quadrant(list(found.chances), precision),
        ellipse=Ellipse(
            semi_major=shown_gap(found.ellipse.semi_major, precision),
            semi_minor=shown_gap(found.ellipse.semi_minor, precision),
            angle=shown_gap(found.ellipse.angle, precision),
        ),
    )


def _own_position(census: Census, ordinal: int) -> At | None:
    s, e, gap = (of.moments(ordinal) for of in (*census.scores.values(), census.gap))
    if s.sd is None or e.sd is None or gap.sd is None or not (s.has_spread and e.has_spread):
        return None
    sds = s.sd, e.sd
    return position(s.n, (s.mean, e.mean), sds, _correlation(*sds, gap.sd), census.cuts)


def _small_position(census: Census, ordinal: int) -> At | None:
    """From the scores as they are shown and the spread of all: it tells no more than these do."""
    s, e = (as_shown(of, ordinal, "banded", shown_score) for of in census.scores.values())
    if s.n < POSITION_FROM:
        return None
    spread_s, spread_e = (of.banded_sd for of in census.scores.values())
    r = _correlation(spread_s, spread_e, census.gap.banded_sd)
    return position(s.n, (s.mean, e.mean), (spread_s, spread_e), r, census.cuts)


def _correlation(s: float, e: float, gap: float) -> float:
    """From the spread of the two scores and of their difference."""
    return (s**2 + e**2 - gap**2) / (2 * s * e)


def _by_quadrant(shares: list[float], precision: Precision) -> ByQuadrant:
    thriving, content, stretched, detached = (shown_share(share, precision) for share in shares)
    return ByQuadrant(thriving=thriving, content=content, stretched=stretched, detached=detached)
