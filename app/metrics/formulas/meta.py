from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import atanh, sqrt, tanh
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, two_sided
from app.metrics.formulas.correlation import spearman
from app.metrics.formulas.intervals import UPPER_TAIL, Interval, Z
from app.metrics.formulas.shrinkage import shrinkage
from app.metrics.formulas.special import ndtr, stdtrit

NEARLY_PERFECT: Final = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class PooledCorrelation:
    """`r` from -1 to 1, `p` two-sided; `tau2` is on atanh(r).

    `prediction` holds the true correlation of a further study.
    """

    studies: int
    r: float | None
    ci: Interval | None
    p: float | None
    prediction: Interval | None
    tau2: float | None
    undefined: Undefined | None


def pooled_correlation(r: ArrayLike, n: ArrayLike) -> PooledCorrelation:
    """Random-effects mean of rank correlations, one a study, as metafor's rma(method="PM") has it.

    z = atanh(r) with variance (1 + r^2/2)/(n - 3) (Bonett & Wright 2000); tau2 by Paule & Mandel 1982; 95%
    normal intervals, the prediction's with tau2 added (Higgins, Thompson & Spiegelhalter 2009). Each r is
    strictly between -1 and 1, each n above 3, and the studies are taken to be independent.
    """
    rs, sizes = np.asarray(r, dtype=np.float64), np.asarray(n, dtype=np.float64)
    variances = (1 + rs * rs / 2) / (sizes - 3)
    of = shrinkage(np.arctanh(rs), variances)
    if of.mu is None or of.tau2 is None:
        return PooledCorrelation(of.groups, None, None, None, None, None, of.undefined)
    variance = 1 / float((1 / (variances + of.tau2)).sum())
    return PooledCorrelation(
        studies=of.groups,
        r=tanh(of.mu),
        ci=_interval(of.mu, variance),
        p=float(2 * ndtr(-abs(of.mu) / sqrt(variance))),
        prediction=_interval(of.mu, variance + of.tau2),
        tau2=of.tau2,
        undefined=None,
    )


@dataclass(frozen=True, slots=True)
class Study:
    """Two values of each unit, none missing, and which unit it is."""

    units: Sequence[str]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    def without(self, unit: str) -> "Study":
        kept = np.array([own != unit for own in self.units])
        units = [own for own in self.units if own != unit]
        return Study(units, self.first[kept], self.second[kept])


def correlation_of_same_units(studies: Sequence[Study]) -> PooledCorrelation:
    """As `pooled_correlation`, where one unit is in several studies, so that these are not independent.

    The error is that of leaving out each unit from all studies in turn (Tukey 1958), a cluster-robust one as
    Hedges, Tipton & Johnson 2010 ask for; the intervals are Student's with units - 1.
    """
    rs = [_rank_correlation(study) for study in studies]
    of = pooled_correlation(rs, [len(study.units) for study in studies])
    if of.r is None or of.tau2 is None:
        return of
    sizes = np.array([len(study.units) for study in studies])
    weights = 1 / ((1 + np.square(rs) / 2) / (sizes - 3) + of.tau2)
    units = sorted({unit for study in studies for unit in study.units})
    without = np.array([_mean([study.without(unit) for study in studies], weights) for unit in units])
    variance = (len(units) - 1) / len(units) * float(((without - without.mean()) ** 2).sum())
    quantile, mu = float(stdtrit(len(units) - 1, UPPER_TAIL)), atanh(of.r)
    return replace(
        of,
        ci=_interval(mu, variance, quantile),
        p=_p(mu, variance, len(units) - 1),
        prediction=_interval(mu, variance + of.tau2, quantile),
    )


def _p(mu: float, variance: float, df: int) -> float:
    if variance <= 0:
        return float(mu == 0)
    return two_sided(mu / sqrt(variance), df)


def _mean(studies: Sequence[Study], weights: NDArray[np.float64]) -> float:
    return float(np.average([atanh(_rank_correlation(study)) for study in studies], weights=weights))


def _rank_correlation(study: Study) -> float:
    """Short of 1 and -1, where few units may happen to stand in one order."""
    r = spearman(study.first, study.second).r or 0.0
    return min(max(r, -NEARLY_PERFECT), NEARLY_PERFECT)


def _interval(mu: float, variance: float, quantile: float = Z) -> Interval:
    half = quantile * sqrt(variance)
    return Interval(tanh(mu - half), tanh(mu + half))
