"""Whether predictors explain anything of an outcome, and how much of it in the population."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import is_complete
from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval
from app.metrics.formulas.special import betainc, fdtrc, gammaln

FEWEST_CLUSTERS: Final = 20
SINGULAR: Final = 1e-5
"""Of the standard deviations of a basis: below, it repeats the others."""
WIDE: Final = 9
HALVINGS: Final = 34


@dataclass(frozen=True, slots=True)
class Explained:
    """`adjusted` is 0-1; `p` is of the test that nothing is explained, None where too few clusters or persons
    are left to test it.
    """

    adjusted: float
    p: float | None


def explained(
    r2: float, outcome: ArrayLike, predictors: ArrayLike, clusters: ArrayLike | None = None
) -> Explained:
    """`r2` of `outcome`, one a person, on `predictors`, persons x p, NaN where missing (Ezekiel 1930; F).

    With `clusters`, a label a person, whose members are alike: from 20 on the test is cluster-robust, with
    Hotelling's F for the few there are; with fewer it is F within clusters.
    """
    table = np.column_stack([np.asarray(outcome, dtype=np.float64), np.asarray(predictors, dtype=np.float64)])
    complete = is_complete(table)
    y, basis = table[complete, 0], _basis(table[complete, 1:])
    n, q = basis.shape
    of_persons = adjusted(r2, n, q)
    if clusters is None:
        return of_persons
    _, cluster_of, sizes = np.unique(np.asarray(clusters)[complete], return_inverse=True, return_counts=True)
    if len(sizes) >= FEWEST_CLUSTERS:
        return replace(of_persons, p=_robust_test(y, basis, cluster_of, len(sizes)))
    return replace(of_persons, p=_test_within(y, basis, cluster_of, sizes))


def adjusted(r2: float, n: int, q: int) -> Explained:
    """By n persons and q predictors alone, the persons being independent."""
    return Explained(min(max(1 - (1 - r2) * (n - 1) / (n - q - 1), 0.0), 1.0), _f_test(r2, q, n - q - 1))


def r2_interval(r2: float, n: float, p: int) -> Interval:
    """95% of the R2 of p predictors over n persons in the population they come from, all being normal.

    Exact: the sampling distribution as a mixture of betas (Gurland 1968), inverted; it holds the estimate.
    """
    if r2 >= 1:
        return Interval(1.0, 1.0)
    return Interval(_where(r2, n, p, UPPER_TAIL), max(_where(r2, n, p, 1 - UPPER_TAIL), r2))


def _basis(predictors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uncorrelated columns that span the predictors, those repeated or without spread left out."""
    centred = predictors - predictors.mean(axis=0)
    spread = centred.std(axis=0)
    left, sizes, _ = np.linalg.svd(
        centred[:, spread > ZERO_SPREAD] / spread[spread > ZERO_SPREAD], full_matrices=False
    )
    return np.asarray(left[:, sizes > SINGULAR * sizes.max(initial=1)] * sqrt(len(centred)))


def _f_test(r2: float, q: int, free: int) -> float | None:
    if free < 1 or q < 1:
        return None
    return 0.0 if r2 >= 1 else float(fdtrc(q, free, r2 / q / ((1 - r2) / free)))


def _robust_test(
    y: NDArray[np.float64], basis: NDArray[np.float64], cluster_of: NDArray[np.int64], clusters: int
) -> float | None:
    """Wald's with jackknifed errors, as Hotelling's T2 of as many clusters (Pustejovsky & Tipton 2018)."""
    n, q = basis.shape
    if clusters <= q or n <= q + 1:
        return None
    x = np.column_stack([np.ones(n), basis])
    slopes = x.T @ y / n
    rest = y - x @ slopes
    scores = np.array(
        [_score(x[own], rest[own], n) for own in (cluster_of == one for one in range(clusters))]
    )
    errors = (scores.T @ scores)[1:, 1:] * (clusters - 1) / clusters / n**2
    wald = float(slopes[1:] @ np.linalg.pinv(errors, hermitian=True) @ slopes[1:])
    return float(fdtrc(q, clusters - q, wald * (clusters - q) / (q * (clusters - 1))))


def _score(x: NDArray[np.float64], rest: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """What one cluster moves the slopes by when it is left out (Bell & McCaffrey 2002)."""
    hat = x @ x.T / n
    return np.asarray(x.T @ np.linalg.lstsq(np.eye(len(x)) - hat, rest, rcond=None)[0])


def _test_within(
    y: NDArray[np.float64],
    basis: NDArray[np.float64],
    cluster_of: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> float | None:
    own = np.column_stack([y, basis])
    means = np.column_stack([np.bincount(cluster_of, column) / sizes for column in own.T])
    within = own - means[cluster_of]
    x = _basis(within[:, 1:])
    total = float(within[:, 0] @ within[:, 0])
    if total <= ZERO_SPREAD:
        return None
    fitted = x @ (x.T @ within[:, 0]) / len(x)
    return _f_test(min(1.0, float(fitted @ fitted) / total), x.shape[1], len(y) - len(sizes) - x.shape[1])


def _where(r2: float, n: float, p: int, chance: float) -> float:
    """The true R2 at which one no larger than `r2` has this chance; 0 where there is none."""
    if _chance(r2, 0.0, n, p) < chance:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _chance(r2, middle, n, p) > chance else (low, middle)
    return low


def _chance(r2: float, true: float, n: float, p: int) -> float:
    """Of an R2 of at most `r2`: betas weighted by a negative binomial, of which the far ends are left out."""
    if true <= 0:
        return float(betainc(p / 2, (n - p - 1) / 2, r2))
    size = (n - 1) / 2
    mean = size * true / (1 - true)
    half = WIDE * sqrt(mean / (1 - true)) + 20
    j = np.arange(max(0, int(mean - half)), int(mean + half))
    log_weight = (
        gammaln(size + j) - gammaln(size) - gammaln(j + 1) + size * np.log1p(-true) + j * np.log(true)
    )
    return float(np.exp(log_weight) @ betainc(p / 2 + j, (n - p - 1) / 2, r2))
