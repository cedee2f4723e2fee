"""How often the interval of recognition beside engagement holds the truth, where engaged people receive more.

The earlier engagement is measured with error: held equal as observed, part of it counts as recognition.
"""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.scales import reliability_of
from app.metrics.formulas import Lagged, lagged

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


def coverage(persons: int, noise: float, runs: int, seed: int = 1) -> tuple[float, float, float, float]:
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


def main(runs: int = 1000) -> None:
    print("recognition beside engagement, engaged people receive more")
    print("     n  noise  coverage before  served  mean error before  served")
    for persons, noise in product(SIZES, NOISES):
        before, now, error_before, error_now = coverage(persons, noise, runs)
        print(f"{persons:6d}{noise:7.1f}{before:17.3f}{now:8.3f}{error_before:19.2f}{error_now:8.2f}")
