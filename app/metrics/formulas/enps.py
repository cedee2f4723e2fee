from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from app.metrics.formulas.intervals import Interval, Z


@dataclass(frozen=True, slots=True)
class Enps:
    """Scores and `se` from -100 to 100. `ci` is the one to report; `wald` collapses when all answer alike."""

    n: int
    promoters: int
    passives: int
    detractors: int
    score: float
    se: float
    wald: Interval
    ci: Interval


def enps(ratings: NDArray[np.integer]) -> Enps | None:
    """Employee Net Promoter Score of integers 0-10, one a person: 9-10 promote, 0-6 detract (Reichheld 2003).

    Standard error, and adjusted interval (three answers added: .75, 1.5, .75), of Rocks 2016. None at n = 0.
    """
    if ratings.size == 0:
        return None
    if ratings.min() < 0 or ratings.max() > 10:
        raise ValueError("a rating lies off 0-10")
    promoters, detractors = np.count_nonzero(ratings >= 9), np.count_nonzero(ratings <= 6)
    return enps_from(int(promoters), int(ratings.size - promoters - detractors), int(detractors))


def enps_from(promoters: int, passives: int, detractors: int) -> Enps:
    """`enps` of counted answers, one at least."""
    n = promoters + passives + detractors
    score, se = _score_and_error(promoters, detractors, n)
    centre, spread = _score_and_error(promoters + 0.75, detractors + 0.75, n + 3)
    return Enps(
        n=n,
        promoters=promoters,
        passives=passives,
        detractors=detractors,
        score=score,
        se=se,
        wald=Interval(score - Z * se, score + Z * se),
        ci=Interval(max(-100.0, centre - Z * spread), min(100.0, centre + Z * spread)),
    )


def _score_and_error(promoters: float, detractors: float, n: int) -> tuple[float, float]:
    up, down = promoters / n, detractors / n
    return 100 * (up - down), 100 * sqrt((up + down - (up - down) ** 2) / n)
