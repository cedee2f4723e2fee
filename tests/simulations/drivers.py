"""How often the interval of R2 holds the truth, and how often drivers speak of pure noise."""

from collections.abc import Callable
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.drivers import CORE, Analysis, analyse
from app.metrics.formulas import draw_importance, r2_interval, relative_importance
from app.metrics.formulas.intervals import Interval
from app.metrics.formulas.resampling import percentile_interval
from tests.metrics.waves import instrument_of, wave_of

Table = NDArray[np.float64]
SIZES: Final = (100, 200, 500, 2000)
TRUTHS: Final = (0.0, 0.05, 0.3, 0.7)
LEVERS: Final = ("clarity", "recognition", "purpose", "connection", "resources_and_safety", "growth")
ASKED: Final = instrument_of(
    ("satisfaction", "pay"),
    ("engagement", "bond"),
    *(("engagement", lever) for lever in LEVERS),
    role=["basic", "core", *["condition"] * 6],
    lever=[None, None, *LEVERS],
    scale=(0, 10),
)
SHARED: Final = 0.5
"""Correlation of two levers."""
NOISE: Final = (
    (100, 10, 0.0),
    (300, 10, 0.0),
    (100, 25, 0.1),
    (100, 25, 0.3),
    (300, 60, 0.3),
    (300, 8, 0.3),
)
"""Persons, teams, and how much the answers within one are alike."""
Estimator = Callable[[Table, Table, int], Interval]


def served(outcome: Table, levers: Table, seed: int) -> Interval:
    found = relative_importance(outcome, levers)
    assert found.r2 is not None
    return r2_interval(found.r2, found.n, levers.shape[1])


def percentiles(outcome: Table, levers: Table, seed: int) -> Interval:
    """What was served before."""
    drawn = draw_importance(outcome, levers, seed, draws=400)
    assert drawn is not None
    return percentile_interval(drawn.r2)


def coverage(estimator: Estimator, n: int, truth: float, runs: int, seed: int = 1) -> float:
    """Six levers with one weight each, which explain so much of the outcome; all are normal."""
    random = np.random.default_rng(seed)
    held = 0
    for run in range(runs):
        in_common, own = random.normal(size=(n, 1)), random.normal(size=(n, 6))
        levers = np.sqrt(SHARED) * in_common + np.sqrt(1 - SHARED) * own
        explained = levers.sum(axis=1) / np.sqrt(6 + 30 * SHARED)
        outcome = np.sqrt(truth) * explained + np.sqrt(1 - truth) * random.normal(size=n)
        interval = estimator(outcome, levers, run)
        held += interval.low <= truth <= interval.high
    return held / runs


def opened(n: int, teams: int, alike: float, runs: int, seed: int = 1) -> float:
    """How often a lever may be named where no answer has to do with another but by team (`alike`: ICC)."""
    random = np.random.default_rng(seed)
    spoke = 0
    for _ in range(runs):
        team = random.integers(1, teams + 1, n)
        of_team = random.normal(size=(teams + 1, 8)) * np.sqrt(alike)
        own = np.sqrt(1 - alike) * random.normal(size=(n, 8))
        answers = np.clip(np.rint(6 + 2 * (of_team[team] + own)), 0, 10)
        wave = wave_of(ASKED, answers.astype(np.int64), team.tolist(), [None, *[0] * teams])
        found = analyse(wave)[0][CORE]
        spoke += isinstance(found, Analysis) and found.is_associated
    return spoke / runs


def main(runs: int = 1000) -> None:
    print("coverage of the interval of R2     n  truth  before  served")
    for n, truth in product(SIZES, TRUTHS):
        before, now = (coverage(estimator, n, truth, runs) for estimator in (percentiles, served))
        print(f"{n:36d}{truth:7.2f}{before:8.3f}{now:8.3f}")
    print("drivers speak of noise     n  teams  ICC  share")
    for n, teams, alike in NOISE:
        print(f"{n:28d}{teams:7d}{alike:5.1f}{opened(n, teams, alike, runs):7.3f}")
