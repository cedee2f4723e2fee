"""How often the interval of recognition beside engagement holds the truth, where engaged people receive more.

The earlier engagement is measured with error: held equal as observed, part of it counts as recognition.
"""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.scales import reliability_of
from app.metrics.formulas import Lagged, lagged, within_persons
from app.metrics.formulas.lagged import DOSES
from tests.simulations.tables import SEED, Table

Floats = NDArray[np.float64]
SIZES: Final = (120, 400, 2000)
TRUTH: Final = 3.0
"""Points of engagement per unit of ln(1 + events)."""
NOISES: Final = (6.0, 12.0)
"""Standard deviation of a part's error, points: the reliability of three is about .92 and .75."""
PARTS: Final = 3
PERSONS_A_TEAM: Final = 8


class Organisation:
    """Persons in teams, engagement in parts at two waves, and recognition that follows the earlier one."""

    def __init__(self, random: np.random.Generator, persons: int, noise: float) -> None:
        teams = persons // PERSONS_A_TEAM
        self.team = np.arange(persons) % teams
        engaged = 65 + random.normal(0, 6, teams)[self.team] + random.normal(0, 12, persons)
        self.events = random.poisson(np.exp(0.4 + 0.04 * (engaged - 65)))
        after = 20 + 0.7 * engaged + TRUTH * np.log1p(self.events) + random.normal(0, 6, persons)
        self.earlier = engaged[:, None] + random.normal(0, noise, (persons, PARTS))
        self.later = after[:, None] + random.normal(0, noise, (persons, PARTS))

    def as_observed(self) -> Lagged:
        """What was served before."""
        return self._lagged(0.0)

    def served(self) -> Lagged:
        reliability = reliability_of(self.earlier).value
        assert reliability is not None
        return self._lagged(float(self.earlier.mean(axis=1).var(ddof=1)) * (1 - reliability))

    def _lagged(self, error_variance: float) -> Lagged:
        scores = self.later.mean(axis=1), self.earlier.mean(axis=1)
        return lagged(*scores, self.events, self.team, error_variance=error_variance)


def coverage(persons: int, noise: float, runs: int, seed: int = SEED) -> tuple[float, float, float, float]:
    """Share of intervals that hold the truth and mean error in points: as observed, and as served.

    Of the runs that are told: those of mostly error are withheld.
    """
    random = np.random.default_rng(seed)
    aim = TRUTH * np.log(2)
    held, errors, told = np.zeros(2), np.zeros(2), np.zeros(2)
    for _ in range(runs):
        organisation = Organisation(random, persons, noise)
        found = organisation.as_observed().association, organisation.served().association
        for way, association in enumerate(found):
            if association is not None:
                told[way] += 1
                held[way] += association.ci.low <= aim <= association.ci.high
                errors[way] += association.value - aim
    assert (told > 0.9 * runs).all()
    before, now = (held / told).tolist()
    error_before, error_now = (errors / told).tolist()
    return before, now, error_before, error_now


def coverage_of_doses(persons: int, runs: int, seed: int = SEED) -> tuple[float, float]:
    """Of the four adjusted means, the worst; and of the trend. Each dose adds as much as the one before."""
    random = np.random.default_rng(seed)
    held, of_trend = np.zeros(len(DOSES)), 0
    for _ in range(runs):
        organisation = Organisation(random, persons, 0.0)
        dose = np.searchsorted([low for low, _ in DOSES], organisation.events, side="right") - 1
        before = organisation.earlier.mean(axis=1)
        after = 20 + 0.7 * before + TRUTH * dose + random.normal(0, 12, persons)
        found = lagged(after, before, organisation.events, organisation.team)
        middle = 20 + 0.7 * float(before.mean())
        for own, of in enumerate(found.doses):
            assert of.ci is not None
            held[own] += of.ci.low <= middle + TRUTH * own <= of.ci.high
        assert found.trend is not None
        of_trend += found.trend.ci.low <= TRUTH <= found.trend.ci.high
    return float(held.min() / runs), of_trend / runs


def coverage_within(persons: int, runs: int, seed: int = SEED) -> float:
    """Of each person beside themselves over three waves, who differ in both for good."""
    random, held = np.random.default_rng(seed), 0
    for _ in range(runs):
        lasting = random.normal(0, 12, (persons, 1))
        events = random.poisson(np.exp(0.4 + 0.04 * lasting), (persons, 3)).astype(np.float64)
        events[:, 0] = np.nan
        scores = 65 + lasting + TRUTH * np.log1p(np.nan_to_num(events)) + random.normal(0, 8, (persons, 3))
        found = within_persons(scores, events).association
        assert found is not None
        held += found.ci.low <= TRUTH * np.log(2) <= found.ci.high
    return held / runs


RUNS: Final = 1000
TABLES: Final = [
    Table(
        "recognition beside engagement",
        ("persons", "error of a part"),
        ("coverage before", "served", "mean error before", "mean error served"),
        list(product(SIZES, NOISES)),
        lambda persons, noise: coverage(persons, noise, RUNS),
        f"{RUNS:,} organisations a row",
        coverage=["served"],
    ),
    Table(
        "doses of recognition",
        ("persons",),
        ("mean of a dose, the worst", "trend", "persons beside themselves"),
        [(persons,) for persons in SIZES],
        lambda persons: [*coverage_of_doses(persons, RUNS), coverage_within(persons, RUNS)],
        f"{RUNS:,} organisations a cell",
        coverage=["mean of a dose, the worst", "trend", "persons beside themselves"],
    ),
]
