"""How often the interval of an association over waves of the same teams holds the truth."""

from collections.abc import Callable, Sequence
from itertools import product
from math import asin, pi
from typing import Final

import numpy as np

from app.metrics.blocks.outcomes import Point, across_waves, adjusted_together, association
from app.metrics.formulas import (
    PooledCorrelation,
    Study,
    correlation_of_same_units,
    pooled_correlation,
    spearman,
)
from app.metrics.sample import DIMENSIONS
from tests.simulations.tables import SEED, Table

ALPHA: Final = 0.05
TEAMS: Final = (12, 20, 40)
WAVES: Final = (2, 4)
TRUTHS: Final = (0.0, 0.5)
KEPT: Final = 0.7
"""Part of what teams differ in that is the same in every wave."""
Estimator = Callable[[Sequence[Study]], PooledCorrelation]
served: Final[Estimator] = correlation_of_same_units


def independent(studies: Sequence[Study]) -> PooledCorrelation:
    """What was served before."""
    found = [spearman(study.first, study.second) for study in studies]
    return pooled_correlation([of.r or 0.0 for of in found], [of.n for of in found])


def coverage(estimator: Estimator, teams: int, waves: int, r: float, runs: int, seed: int = SEED) -> float:
    """Score and KPI of a team are normal and correlate r, in what lasts and in what does not."""
    random = np.random.default_rng(seed)
    names, covariance = [str(team) for team in range(teams)], [[1, r], [r, 1]]
    truth, held = 6 / pi * asin(r / 2), 0
    for _ in range(runs):
        lasting = np.sqrt(KEPT) * random.multivariate_normal([0, 0], covariance, teams)
        passing = np.sqrt(1 - KEPT) * random.multivariate_normal([0, 0], covariance, (waves, teams))
        ci = estimator([Study(names, *(lasting + one).T) for one in passing]).ci
        held += ci is not None and ci.low <= truth <= ci.high
    return held / runs


def found_by_chance(teams: int, waves: int, runs: int, seed: int = SEED) -> tuple[float, float]:
    """How often some p, and some q, of a KPI is below .05 where neither score goes with it."""
    random = np.random.default_rng(seed)
    found = np.zeros(2)
    for _ in range(runs):
        lasting = np.sqrt(KEPT) * random.normal(size=(3, teams))
        passing = np.sqrt(1 - KEPT) * random.normal(size=(waves, 3, teams))
        points = [
            [Point(str(team), "", *of) for team, of in enumerate((lasting + one).T.tolist())]
            for one in passing
        ]
        told = adjusted_together(association("2027", points[-1]), across_waves(points))
        tests = [getattr(part, name) for part in told for name in DIMENSIONS]
        found += [min(of.p for of in tests) < ALPHA, min(of.q for of in tests) < ALPHA]
    by_p, by_q = (found / runs).tolist()
    return by_p, by_q


RUNS, OF_CHANCE = 2000, 1000
TABLES: Final = [
    Table(
        "waves",
        ("teams", "waves", "true r"),
        ("before", "served"),
        list(product(TEAMS, WAVES, TRUTHS)),
        lambda teams, waves, r: [coverage(of, teams, waves, r, RUNS) for of in (independent, served)],
        f"{RUNS:,} series a cell",
        coverage=["served"],
    ),
    Table(
        "chance in a KPI",
        ("teams", "waves"),
        ("some p", "some q"),
        list(product(TEAMS[:2], WAVES)),
        lambda teams, waves: found_by_chance(teams, waves, OF_CHANCE),
        f"{OF_CHANCE:,} series a row",
    ),
]
