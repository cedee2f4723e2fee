from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from app.metrics.formulas.intervals import ZERO_SPREAD, Interval

QUADRANTS: Final = ("thriving", "content", "stretched", "detached")
CUT: Final = 62.5
SIMULTANEOUS_CHI2 = float(chdtri(1, 0.05 / len(QUADRANTS)))


@dataclass(frozen=True, slots=True)
class QuadrantShare:
    """`share` and its simultaneous 95% interval, 0-1."""

    count: int
    share: float
    ci: Interval


def quadrant_of(satisfaction: NDArray[np.float64], engagement: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index into QUADRANTS of each person (POMP scores, none missing); a score on the cut is high."""
    low_satisfaction, low_engagement = (scores < CUT - ZERO_SPREAD for scores in (satisfaction, engagement))
    return 2 * low_satisfaction.astype(np.int64) + low_engagement


def quadrant_shares(
    satisfaction: NDArray[np.float64], engagement: NDArray[np.float64]
) -> dict[str, QuadrantShare] | None:
    """Shares of the persons with both POMP scores (one value a person each, NaN where missing) by quadrant.

    None without a person.
    """
    both = ~np.isnan(satisfaction + engagement)
    if not both.any():
        return None
    quadrants = quadrant_of(satisfaction[both], engagement[both])
    return shares_from(np.bincount(quadrants, minlength=len(QUADRANTS)))


def shares_from(counts: NDArray[np.int64]) -> dict[str, QuadrantShare]:
    n = int(counts.sum())
    return {name: _share(int(count), n) for name, count in zip(QUADRANTS, counts, strict=True)}


def _share(count: int, n: int) -> QuadrantShare:
    """Interval for multinomial proportions, all four at once (Goodman 1965)."""
    share, chi2 = count / n, SIMULTANEOUS_CHI2
    half = sqrt(chi2 * (chi2 + 4 * count * (1 - share)))
    width, centre = 2 * (n + chi2), 2 * count + chi2
    low, high = (centre - half) / width, (centre + half) / width
    return QuadrantShare(count, share, Interval(max(0.0, low), min(1.0, high)))
