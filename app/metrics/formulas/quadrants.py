from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr

from app.metrics.formulas.intervals import ZERO_SPREAD, Interval

Quadrant = Literal["thriving", "content", "stretched", "detached"]
QUADRANTS: Final[tuple[Quadrant, ...]] = ("thriving", "content", "stretched", "detached")
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


def is_near_cut(
    satisfaction: NDArray[np.float64], engagement: NDArray[np.float64], errors: tuple[float, float]
) -> NDArray[np.bool_]:
    """Whether either score of a person lies within its standard error of measurement of the cut.

    POMP scores, none missing; `errors` of satisfaction and engagement in the same unit.
    """
    near_s, near_e = (
        np.abs(scores - CUT) < error for scores, error in zip((satisfaction, engagement), errors, strict=True)
    )
    return np.asarray(near_s | near_e)


def quadrant_chances(
    satisfaction: NDArray[np.float64], engagement: NDArray[np.float64], errors: tuple[float, float]
) -> NDArray[np.float64]:
    """Persons x QUADRANTS: the chance, 0-1, that the true scores lie there; arguments as of `is_near_cut`.

    P(high) = Phi((score - cut) / error), errors taken as independent (Lord & Novick 1968).
    """
    high_s, high_e = (
        _chance_of_high(scores, error)
        for scores, error in zip((satisfaction, engagement), errors, strict=True)
    )
    return np.column_stack(
        [high_s * high_e, high_s * (1 - high_e), (1 - high_s) * high_e, (1 - high_s) * (1 - high_e)]
    )


def _chance_of_high(scores: NDArray[np.float64], error: float) -> NDArray[np.float64]:
    if error <= ZERO_SPREAD:
        return (scores >= CUT - ZERO_SPREAD).astype(np.float64)
    return np.asarray(ndtr((scores - CUT) / error))
