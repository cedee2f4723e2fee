from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.intervals import ZERO_SPREAD, Interval
from app.metrics.formulas.special import ndtr, owens_t

Quadrant = Literal["thriving", "content", "stretched", "detached"]
QUADRANTS: Final[tuple[Quadrant, ...]] = ("thriving", "content", "stretched", "detached")
CUT: Final = 62.5
Cuts = tuple[float, float]
"""Of satisfaction and of engagement: from there on a score is high."""
FIXED: Final[Cuts] = (CUT, CUT)
NEARLY_ONE: Final = 1 - 1e-12
SIMULTANEOUS_CHI2: Final = 6.238532636909537


@dataclass(frozen=True, slots=True)
class QuadrantShare:
    """`share` and its simultaneous 95% interval, 0-1."""

    count: int
    share: float
    ci: Interval


def quadrant_of(
    satisfaction: NDArray[np.float64], engagement: NDArray[np.float64], cuts: Cuts = FIXED
) -> NDArray[np.int64]:
    """Index into QUADRANTS of each person (POMP scores, none missing); a score on the cut is high."""
    low_satisfaction, low_engagement = (
        scores < cut - ZERO_SPREAD for scores, cut in zip((satisfaction, engagement), cuts, strict=True)
    )
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
    satisfaction: NDArray[np.float64],
    engagement: NDArray[np.float64],
    errors: tuple[float, float],
    cuts: Cuts = FIXED,
) -> NDArray[np.bool_]:
    """Whether either score of a person lies within its standard error of measurement of the cut.

    POMP scores, none missing; `errors` of satisfaction and engagement in the same unit.
    """
    near_s, near_e = (
        np.abs(scores - cut) < error
        for scores, error, cut in zip((satisfaction, engagement), errors, cuts, strict=True)
    )
    return np.asarray(near_s | near_e)


def quadrant_chances(
    satisfaction: NDArray[np.float64],
    engagement: NDArray[np.float64],
    errors: tuple[float, float],
    cuts: Cuts = FIXED,
) -> NDArray[np.float64] | None:
    """Persons x QUADRANTS: the chance, 0-1, that the true scores lie there; arguments as of `is_near_cut`.

    True scores are drawn towards the means of all as far as the observed ones are unreliable (Kelley 1927;
    Lord & Novick 1968, 3.7; Livingston & Lewis 1995). None where the errors leave no true variance.
    """
    observed = np.column_stack([satisfaction, engagement])
    if len(observed) < 3:
        return None
    of_observed = np.cov(observed.T)
    of_true = of_observed - np.diag(np.square(errors))
    if np.linalg.eigvalsh(of_true).min() <= ZERO_SPREAD:
        return None
    drawn = np.linalg.solve(of_observed, of_true)
    means = observed.mean(axis=0)
    expected = means + (observed - means) @ drawn
    return _of_quadrants(expected - cuts, of_true - of_true @ drawn)


def _of_quadrants(above: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of bivariate normal scores with means so far above the cuts; without variance, on the cut is high."""
    sds = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    has_spread = sds > ZERO_SPREAD
    r = float(covariance[0, 1] / sds.prod()) if has_spread.all() else 0.0
    z = (above + np.where(has_spread, 0, ZERO_SPREAD)) / np.where(has_spread, sds, ZERO_SPREAD**2)
    both, (high_s, high_e) = both_below(z[:, 0], z[:, 1], r), ndtr(z.T)
    chances = np.column_stack([both, high_s - both, high_e - both, 1 - high_s - high_e + both])
    return np.asarray(np.clip(chances, 0, 1))


def both_below(h: ArrayLike, k: ArrayLike, r: float) -> NDArray[np.float64]:
    """Chance that two standard normal values of correlation r lie below h and k (Owen 1956)."""
    shared = min(max(r, -NEARLY_ONE), NEARLY_ONE)
    root = sqrt(1 - shared * shared)
    one, other = (np.where(np.asarray(ends) == 0, 1e-100, np.asarray(ends, dtype=float)) for ends in (h, k))
    tails = owens_t(one, (other - shared * one) / (one * root)) + owens_t(
        other, (one - shared * other) / (other * root)
    )
    return np.asarray((ndtr(one) + ndtr(other)) / 2 - tails - np.where(one * other < 0, 0.5, 0))
