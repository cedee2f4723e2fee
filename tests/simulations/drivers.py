"""How often the interval of R2 holds the truth, and how often drivers speak of pure noise."""

from collections.abc import Callable
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.drivers import CORE, Analysis, analyse, as_shares
from app.metrics.formulas import draw_importance, importance_intervals, r2_interval, relative_importance
from app.metrics.formulas.intervals import Interval
from app.metrics.formulas.resampling import percentile_interval
from tests.metrics.waves import instrument_of, wave_of
from tests.simulations.tables import SEED, Table

Rows = NDArray[np.float64]
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
UNEQUAL: Final = np.array([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])
"""Weights of the levers."""
OF_CROWD: Final = 400_000
DRAWS: Final = 400
Estimator = Callable[[Rows, Rows, int], Interval]


def served(outcome: Rows, levers: Rows, seed: int) -> Interval:
    found = relative_importance(outcome, levers)
    assert found.r2 is not None
    return r2_interval(found.r2, found.n, levers.shape[1])


def percentiles(outcome: Rows, levers: Rows, seed: int) -> Interval:
    """What was served before."""
    drawn = draw_importance(outcome, levers, seed, draws=400)
    assert drawn is not None
    return percentile_interval(drawn.r2)


def coverage(estimator: Estimator, n: int, truth: float, runs: int, seed: int = SEED) -> float:
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


def opened(n: int, teams: int, alike: float, runs: int, seed: int = SEED) -> float:
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


def coverage_of_shares(n: int, r2: float, runs: int, seed: int = SEED) -> tuple[float, float]:
    """Of what six levers of unequal weight explain: over all of them, and of the one with the most."""
    random = np.random.default_rng(seed)
    truth = np.array([of.share for of in relative_importance(*unequal(random, OF_CROWD, r2)).drivers])
    held = np.zeros(len(truth))
    for run in range(runs):
        drawn = draw_importance(*unequal(random, n, r2), run, draws=DRAWS)
        assert drawn is not None
        intervals = importance_intervals(as_shares(drawn))
        held += [of.ci.low <= share <= of.ci.high for of, share in zip(intervals, truth, strict=True)]
    return float(held.mean() / runs), float(held[0] / runs)


def unequal(random: np.random.Generator, n: int, r2: float) -> tuple[Rows, Rows]:
    levers = np.sqrt(SHARED) * random.normal(size=(n, 1)) + np.sqrt(1 - SHARED) * random.normal(size=(n, 6))
    size = np.sqrt(UNEQUAL @ (np.full((6, 6), SHARED) + (1 - SHARED) * np.eye(6)) @ UNEQUAL)
    return np.sqrt(r2) * (levers @ UNEQUAL) / size + np.sqrt(1 - r2) * random.normal(size=n), levers


RUNS, OF_BOOTSTRAP, OF_SHARES, OF_GATE = 1000, 200, 400, 500
TABLES: Final = [
    Table(
        "R2",
        ("persons", "true R²"),
        ("before", "served"),
        list(product(SIZES, TRUTHS)),
        lambda n, truth: [
            coverage(of, n, truth, runs) for of, runs in ((percentiles, OF_BOOTSTRAP), (served, RUNS))
        ],
        f"{RUNS:,} surveys a cell, {OF_BOOTSTRAP} of what was before",
        coverage=["served"],
    ),
    Table(
        "shares of levers",
        ("persons", "R²"),
        ("of six levers", "of the first"),
        list(product((100, 200, 2000), (0.3, 0.7))),
        lambda n, r2: coverage_of_shares(n, r2, OF_SHARES),
        f"{OF_SHARES} surveys a row",
        coverage=["of six levers", "of the first"],
    ),
    Table(
        "the gate of drivers",
        ("persons", "teams", "ICC(1)"),
        ("opens on noise",),
        NOISE,
        lambda n, teams, alike: [opened(n, teams, alike, OF_GATE)],
        f"{OF_GATE} surveys a row",
    ),
]
