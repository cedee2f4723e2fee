"""How often the interval of R2 holds the truth, and how often drivers speak of pure noise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil, floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.drivers import CLUSTERED_ABOVE, CORE, FEWEST_TEAMS, Analysis, analyse, tells_of_levers
from app.metrics.formulas import (
    ImportanceDraws,
    RelativeImportance,
    draw_importance,
    explained,
    icc,
    r2_interval,
    relative_importance,
    share_intervals,
)
from app.metrics.formulas.drivers import lmg_of
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
WEIGHTS: Final = {"unequal": np.array([1.0, 0.8, 0.6, 0.4, 0.2, 0.0]), "one alone": np.eye(6)[0]}
"""Of the levers."""
SHARES: Final = [
    (weights, n, *of)
    for weights, n in product(WEIGHTS, (100, 200, 2000))
    for of in ((0.1, 0.7, 0.0), (0.3, 0.5, 0.0), (0.3, 0.7, 0.2), (0.7, 0.5, 0.0))
]
"""Weights, persons, R2, how two levers correlate, and how much the people of one team are alike."""
TEAM: Final = 8
MOST_TRIES: Final = 10
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


@dataclass(frozen=True)
class Surveys:
    """Of n persons, six levers and an outcome each; all are normal."""

    weights: str
    n: int
    r2: float
    together: float
    alike: float

    @property
    def truth(self) -> Rows:
        """Shares of R2, from the correlations that all have."""
        among = np.full((6, 6), self.together) + (1 - self.together) * np.eye(6)
        weights = WEIGHTS[self.weights]
        with_outcome = np.sqrt(self.r2) * among @ weights / np.sqrt(weights @ among @ weights)
        whole = np.block([[np.ones((1, 1)), with_outcome[None]], [with_outcome[:, None], among]])
        return np.asarray(lmg_of(whole[None])[0] / self.r2)

    def one(self, random: np.random.Generator) -> tuple[Rows, Rows, NDArray[np.int64]]:
        """Outcome, levers and team of each."""
        teams = self.n // TEAM
        team = random.integers(teams, size=self.n)
        parts = np.sqrt(1 - self.alike) * random.normal(size=(self.n, 8))
        parts += np.sqrt(self.alike) * random.normal(size=(teams, 8))[team]
        levers = np.sqrt(self.together) * parts[:, :1] + np.sqrt(1 - self.together) * parts[:, 1:7]
        weights = WEIGHTS[self.weights]
        among = np.full((6, 6), self.together) + (1 - self.together) * np.eye(6)
        of_levers = levers @ weights / np.sqrt(weights @ among @ weights)
        return np.sqrt(self.r2) * of_levers + np.sqrt(1 - self.r2) * parts[:, 7], levers, team

    def told(self, runs: int, seed: int = SEED) -> Iterator[tuple[RelativeImportance, ImportanceDraws]]:
        """Of so many of which levers are spoken, as the block does it; fewer where hardly any is."""
        random, found = np.random.default_rng(seed), 0
        for _ in range(MOST_TRIES * runs):
            outcome, levers, team = self.one(random)
            is_alike = (icc(outcome, team).icc1 or 0.0) > CLUSTERED_ABOVE
            has_teams = len(np.unique(team)) >= FEWEST_TEAMS
            own = relative_importance(outcome, levers)
            assert own.r2 is not None
            if not tells_of_levers(explained(own.r2, outcome, levers, team if is_alike else None)):
                continue
            clusters = team if is_alike and has_teams else None
            drawn = draw_importance(outcome, levers, found, DRAWS, clusters)
            assert drawn is not None
            yield own, drawn
            found += 1
            if found == runs:
                return


def coverage_of_shares(of: Surveys, runs: int) -> tuple[float, ...]:
    """Of the lever with most by percentiles, which was served before; of it, of all six, and of their ranks,
    of which equal ones share some.
    """
    truth, held = of.truth, []
    first = 1 + (truth[None, :] > truth[:, None] + 1e-9).sum(axis=1)
    last = (truth[None, :] >= truth[:, None] - 1e-9).sum(axis=1)
    for found, drawn in of.told(runs):
        before = percentile_interval(drawn.importance[:, 0] / drawn.r2)
        intervals = share_intervals(found, drawn)
        holds = [one.ci.low <= share <= one.ci.high for one, share in zip(intervals, truth, strict=True)]
        ranked = [
            floor(one.rank.low) <= high and ceil(one.rank.high) >= low
            for one, low, high in zip(intervals, first, last, strict=True)
        ]
        held.append((before.low <= truth[0] <= before.high, holds[0], np.mean(holds), np.mean(ranked)))
    return tuple(float(value) for value in np.mean(held, axis=0))


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
        ("weights", "persons", "R²", "two levers", "ICC(1)"),
        ("before, of the first", "of the first", "of six levers", "ranks"),
        SHARES,
        lambda *of: coverage_of_shares(Surveys(*of), OF_SHARES),
        f"{OF_SHARES} surveys a row",
        coverage=["of the first", "of six levers"],
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
