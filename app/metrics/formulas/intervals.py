from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from app.metrics.formulas.special import stdtrit

UPPER_TAIL = 0.975
Z: Final = 1.959963984540054
ZERO_SPREAD = 1e-9  # rounding of float means stays far below, a real difference between two persons far above


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Moments:
    """`sd` has n - 1 in the denominator; None for a single value."""

    n: int
    mean: float
    sd: float | None

    @property
    def has_spread(self) -> bool:
        return self.sd is not None and self.sd > ZERO_SPREAD


@dataclass(frozen=True, slots=True)
class MeanCi:
    """In the unit of the values. `undefined` says why there is no interval; `ci_population` also needs N."""

    n: int
    mean: float
    sd: float | None
    ci_process: Interval | None
    ci_population: Interval | None
    undefined: Literal["single_value", "zero_variance"] | None


def moments(values: NDArray[np.float64]) -> Moments | None:
    """`values` is one-dimensional, NaN where missing. None without any value."""
    present = values[~np.isnan(values)]
    if present.size == 0:
        return None
    sd = float(present.std(ddof=1)) if present.size > 1 else None
    return Moments(n=int(present.size), mean=float(present.mean()), sd=sd)


@lru_cache(maxsize=65_536)
def t_quantile(df: int) -> float:
    """Student's t that 2.5% exceed: groups of one size ask for the same."""
    return float(stdtrit(df, UPPER_TAIL))


def t_interval(of: Moments, population: int | None = None) -> Interval | None:
    """95% Student interval mean +- t(n-1) sd/sqrt(n), None where there is no spread to build it on.

    With `population` N the half width carries the finite-population factor sqrt(1 - n/N) (Cochran 1977).
    """
    if population is not None and population < of.n:
        raise ValueError("a population holds at least its sample")
    if of.sd is None or not of.has_spread:
        return None
    unsampled = 1.0 if population is None else 1 - of.n / population
    half = t_quantile(of.n - 1) * of.sd * sqrt(unsampled / of.n)
    return Interval(of.mean - half, of.mean + half)


def mean_ci(values: NDArray[np.float64], population: int | None = None) -> MeanCi | None:
    """Mean of one-dimensional `values` (NaN where missing) with its 95% intervals, None without any value.

    `ci_process` compares groups and waves; `ci_population` describes the `population` persons of today.
    """
    of = moments(values)
    if of is None:
        return None
    return MeanCi(
        n=of.n,
        mean=of.mean,
        sd=of.sd,
        ci_process=t_interval(of),
        ci_population=None if population is None else t_interval(of, population),
        undefined=None if of.has_spread else "single_value" if of.n == 1 else "zero_variance",
    )


def wilson(successes: int, n: int) -> Interval | None:
    """95% score interval of a proportion, 0-1 (Wilson 1927; Brown, Cai & DasGupta 2001). None when n = 0."""
    if n == 0:
        return None
    return score_interval(successes / n, n)


def score_interval(p: float, n: float) -> Interval:
    """Wilson's, of a share p of n answers or of as many as they are worth; n above 0."""
    weight = Z * Z / n
    centre = (p + weight / 2) / (1 + weight)
    half = sqrt(p * (1 - p) * weight + weight * weight / 4) / (1 + weight)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))
