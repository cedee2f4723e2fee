"""Satisfaction versus engagement: both scores, their gap and the quadrants of every group."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.metrics.blocks.measure import Measure, answers_by_favour, shown_favour, shown_mean
from app.metrics.blocks.wave import Bodies, Body, Wave, missing, of_each_group
from app.metrics.disclosure import Precision, shown_dz, shown_gap, shown_share
from app.metrics.formulas import CUT, QUADRANTS, gap_from, quadrant_of, shares_from
from app.metrics.sample import DIMENSIONS, Integers


def headline(wave: Wave) -> Bodies:
    census = _Census.take(wave)
    return of_each_group(wave, lambda ordinal, precision: _shown(wave, census, ordinal, precision))


@dataclass(frozen=True, slots=True)
class _Census:
    """What is known of every group, shown or not."""

    scores: dict[str, Measure]
    answers: dict[str, Integers]
    gap: Measure
    quadrants: Integers

    @classmethod
    def take(cls, wave: Wave) -> "_Census":
        scores, questions = wave.both.dimensions, wave.both.questions
        satisfaction, engagement = (scores[dimension] for dimension in DIMENSIONS)
        in_quadrant = quadrant_of(satisfaction, engagement)[:, None] == np.arange(len(QUADRANTS))
        return cls(
            scores={name: Measure.take(wave.rollup, scores[name]) for name in DIMENSIONS},
            answers={
                name: answers_by_favour(wave.rollup, questions[:, wave.columns_of(name)])
                for name in DIMENSIONS
            },
            gap=Measure.take(wave.rollup, engagement - satisfaction),
            quadrants=wave.rollup.sums(in_quadrant.astype(np.float64)).astype(np.int64),
        )


def _shown(wave: Wave, census: _Census, ordinal: int, precision: Precision) -> Body:
    numbers = {
        **{name: _score(census, name, ordinal, precision) for name in DIMENSIONS},
        "gap": _gap(census.gap, ordinal, precision),
    }
    undefined = "banded" if precision == "banded" else "zero_variance"
    invited = wave.shown_invited(ordinal)
    return {
        "status": "ok",
        "n": wave.n(ordinal),
        "invited": invited,
        "precision": precision,
        **numbers,
        "quadrants": _quadrants(census.quadrants[ordinal], precision),
        "position": None,
        "reasons": {
            **missing({"invited": invited}, wave.why_no_invited()),
            **missing(numbers, undefined),
            **missing({"position": None, "quadrants": {"near_cut": None}}, "not_computed"),
        },
    }


def _score(census: _Census, name: str, ordinal: int, precision: Precision) -> Body:
    return {
        **shown_mean(census.scores[name], ordinal, precision),
        **shown_favour(census.answers[name][ordinal], precision),
    }


def _gap(measure: Measure, ordinal: int, precision: Precision) -> Body:
    of, ci = gap_from(measure.moments(ordinal)), measure.interval(ordinal, precision)
    return {
        "mean": shown_gap(of.mean, precision),
        "ci_low": None if ci is None else shown_gap(ci.low, precision),
        "ci_high": None if ci is None else shown_gap(ci.high, precision),
        "dz": None if of.dz is None else shown_dz(of.dz, precision),
    }


def _quadrants(counts: Integers, precision: Precision) -> dict[str, Any]:
    shares = {
        name: {
            "share": shown_share(of.share, precision),
            "ci_low": shown_share(of.ci.low, precision),
            "ci_high": shown_share(of.ci.high, precision),
        }
        for name, of in shares_from(counts).items()
    }
    return {
        "mode": "fixed",
        "cut": dict.fromkeys(DIMENSIONS, CUT),
        "near_cut": None,
        "shares": shares,
    }
