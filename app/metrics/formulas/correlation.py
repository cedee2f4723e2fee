from collections.abc import Callable
from dataclasses import dataclass
from math import atanh, copysign, sqrt, tanh

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_pairs, two_sided
from app.metrics.formulas.intervals import ZERO_SPREAD, Interval, Z

PERFECT = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Correlation:
    """`r` from -1 to 1, `p` two-sided. `undefined` says why `r`, or else `p` or `ci`, is missing."""

    n: int
    r: float | None
    ci: Interval | None
    p: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class Disattenuated:
    """`is_capped`: the estimate left -1 to 1 and was set to its end."""

    r: float
    is_capped: bool


def pearson(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Product-moment correlation of the persons with both (one value a person each, NaN where missing).

    95% interval by z = atanh(r) with error 1/sqrt(n - 3), from n = 4 (Fisher 1921); p from Student's t.
    """
    return _correlation(*complete_pairs(x, y), error_factor=lambda _: 1.0)


def spearman(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Rank correlation of the persons with both (one value a person each, NaN where missing), ties averaged.

    95% interval as Fisher's with error sqrt((1 + r^2/2)/(n - 3)) (Bonett & Wright 2000), wider than the plain
    one of scipy and pingouin; p from Student's t.
    """
    a, b = complete_pairs(x, y)
    return _correlation(_ranks(a), _ranks(b), error_factor=lambda r: sqrt(1 + r * r / 2))


def disattenuated(r: float, reliability_x: float, reliability_y: float) -> Disattenuated | None:
    """Correlation of what both measure, free of error (Spearman 1904); None at a reliability of 0 or less."""
    if min(reliability_x, reliability_y) <= 0:
        return None
    corrected = r / sqrt(reliability_x * reliability_y)
    is_capped = abs(corrected) > 1
    return Disattenuated(copysign(1.0, corrected) if is_capped else corrected, is_capped)


def _correlation(
    x: NDArray[np.float64], y: NDArray[np.float64], error_factor: Callable[[float], float]
) -> Correlation:
    n = len(x)
    if n < 2:
        return Correlation(n, None, None, None, "too_few")
    if min(x.std(), y.std()) <= ZERO_SPREAD:
        return Correlation(n, None, None, None, "zero_variance")
    r = _product_moment(x, y)
    p = two_sided(r * sqrt((n - 2) / (1 - r * r)), n - 2) if n > 2 and abs(r) < 1 else None
    if n < 4 or abs(r) == 1:
        return Correlation(n, r, None, p, "too_few" if n < 4 else "perfect")
    return Correlation(n, r, _fisher(r, error_factor(r) / sqrt(n - 3)), p, None)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1, those of equal values averaged."""
    _, place, alike = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(alike) - (alike - 1) / 2)[place])


def _product_moment(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    a, b = ((values - values.mean()) / values.std() for values in (x, y))
    r = float(a @ b) / len(a)
    return r if abs(r) < PERFECT else copysign(1.0, r)


def _fisher(r: float, error: float) -> Interval:
    return Interval(tanh(atanh(r) - Z * error), tanh(atanh(r) + Z * error))
