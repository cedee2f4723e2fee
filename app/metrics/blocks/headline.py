"""Satisfaction versus engagement: both scores, their gap, the quadrants and the position of every group."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.metrics.blocks.distinctness import is_not_distinct
from app.metrics.blocks.measure import Favour, Measure, shown_mean
from app.metrics.blocks.scales import MeasurementErrors
from app.metrics.blocks.wave import Bodies, Body, Wave, explained, of_each_group
from app.metrics.disclosure import Precision, shown_dz, shown_gap, shown_share
from app.metrics.formulas import (
    CUT,
    QUADRANTS,
    gap_from,
    is_near_cut,
    position,
    quadrant_chances,
    quadrant_of,
    shares_from,
)
from app.metrics.sample import DIMENSIONS, Floats, Integers, Rollup

INTERPRETABLE_FROM: Final = 0.5


def headline(wave: Wave) -> Bodies:
    census = Census.take(wave, wave.rollup)

    def shown(ordinal: int, precision: Precision) -> Body:
        invited = {"invited": wave.shown_invited(ordinal)}
        return told(census, ordinal, precision, (invited, wave.why_no_invited()))

    return of_each_group(wave, shown)


@dataclass(frozen=True, slots=True)
class Census:
    """What is known of every group, shown or not. `near_cut` and `chances` are sums over its persons."""

    scores: dict[str, Measure]
    favour: dict[str, Favour]
    gap: Measure
    quadrants: Integers
    near_cut: Floats | None
    chances: Floats | None
    errors: MeasurementErrors
    is_not_distinct: bool

    @classmethod
    def take(cls, wave: Wave, rollup: Rollup) -> "Census":
        """Of the groups of `rollup`, whose persons are the headline set."""
        scores, questions = wave.both.dimensions, wave.both.questions
        s, e = (scores[dimension] for dimension in DIMENSIONS)
        of = MeasurementErrors.take(wave)
        in_quadrant = quadrant_of(s, e)[:, None] == np.arange(len(QUADRANTS))
        near_cut = None if of.errors is None else is_near_cut(s, e, of.errors).astype(np.float64)
        chances = None if of.errors is None else quadrant_chances(s, e, of.errors)
        return cls(
            scores={name: Measure.take(rollup, scores[name]) for name in DIMENSIONS},
            favour={name: Favour.take(rollup, questions[:, wave.columns_of(name)]) for name in DIMENSIONS},
            gap=Measure.take(rollup, e - s),
            quadrants=rollup.sums(in_quadrant.astype(np.float64)).astype(np.int64),
            near_cut=None if near_cut is None else rollup.sums(near_cut),
            chances=None if chances is None else rollup.sums(chances),
            errors=of,
            is_not_distinct=is_not_distinct(wave),
        )


def told(census: Census, ordinal: int, precision: Precision, invited: tuple[Body, str]) -> Body:
    """`invited` has the number invited, and the reason where it is None."""
    scores = {name: _score(census, name, ordinal, precision) for name in DIMENSIONS}
    undefined = "banded" if precision == "banded" else "zero_variance"
    body = explained(
        invited,
        ({**scores, "gap": _gap(census.gap, ordinal, precision)}, undefined),
        ({"gap": _reliability(census.errors)}, census.errors.reason or ""),
        *_divided(census, ordinal, precision),
    )
    return {"status": "ok", "n": int(census.gap.n[ordinal]), "precision": precision, **body}


def _score(census: Census, name: str, ordinal: int, precision: Precision) -> Body:
    return {
        **shown_mean(census.scores[name], ordinal, precision),
        **census.favour[name].shown(ordinal, precision),
    }


def _gap(measure: Measure, ordinal: int, precision: Precision) -> Body:
    of, ci = gap_from(measure.moments(ordinal)), measure.interval(ordinal, precision)
    return {
        "mean": shown_gap(of.mean, precision),
        "ci_low": None if ci is None else shown_gap(ci.low, precision),
        "ci_high": None if ci is None else shown_gap(ci.high, precision),
        "dz": None if of.dz is None else shown_dz(of.dz, precision),
    }


def _reliability(of: MeasurementErrors) -> Body:
    """The organisation's, the same for every group."""
    value = of.of_difference
    return {"reliability": value, "interpretable": None if value is None else value >= INTERPRETABLE_FROM}


def _divided(census: Census, ordinal: int, precision: Precision) -> Iterator[tuple[Body, str]]:
    """What divides persons or groups by the two cuts."""
    if census.is_not_distinct:
        yield {"quadrants": None, "position": None}, "not_distinct"
        return
    is_banded = precision == "banded"
    quadrants = {
        "mode": "fixed",
        "cut": dict.fromkeys(DIMENSIONS, CUT),
        "shares": _shares(census.quadrants[ordinal], precision),
    }
    yield {"quadrants": quadrants}, ""
    expected = {"near_cut": None, "expected": None} if is_banded else _expected(census, ordinal, precision)
    yield {"quadrants": expected}, "banded" if is_banded else census.errors.reason or ""
    yield (
        {"position": None if is_banded else _position(census, ordinal, precision)},
        "banded" if is_banded else "zero_variance",
    )


def _shares(counts: Integers, precision: Precision) -> dict[str, Body]:
    return {
        name: {
            "share": shown_share(of.share, precision),
            "ci_low": shown_share(of.ci.low, precision),
            "ci_high": shown_share(of.ci.high, precision),
        }
        for name, of in shares_from(counts).items()
    }


def _expected(census: Census, ordinal: int, precision: Precision) -> Body:
    """What the shares come to when the errors of measurement are allowed for."""
    if census.near_cut is None or census.chances is None:
        return {"near_cut": None, "expected": None}
    n = int(census.gap.n[ordinal])
    return {
        "near_cut": shown_share(float(census.near_cut[ordinal]) / n, precision),
        "expected": _by_quadrant((census.chances[ordinal] / n).tolist(), precision),
    }


def _position(census: Census, ordinal: int, precision: Precision) -> Body | None:
    s, e, gap = (of.moments(ordinal) for of in (*census.scores.values(), census.gap))
    if s.sd is None or e.sd is None or gap.sd is None or not (s.has_spread and e.has_spread):
        return None
    r = (s.sd**2 + e.sd**2 - gap.sd**2) / (2 * s.sd * e.sd)
    found = position(s.n, (s.mean, e.mean), (s.sd, e.sd), r)
    if found is None:
        return None
    return {
        "quadrant": found.quadrant or "undetermined",
        "probability": shown_share(max(found.chances), precision),
        "probabilities": _by_quadrant(list(found.chances), precision),
        "ellipse": {
            name: shown_gap(getattr(found.ellipse, name), precision)
            for name in ("semi_major", "semi_minor", "angle")
        },
    }


def _by_quadrant(shares: list[float], precision: Precision) -> dict[str, float]:
    return {name: shown_share(share, precision) for name, share in zip(QUADRANTS, shares, strict=True)}
