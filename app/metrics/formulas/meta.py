from dataclasses import dataclass
from math import sqrt, tanh

import numpy as np
from numpy.typing import ArrayLike

from app.metrics.formulas.complete import Undefined
from app.metrics.formulas.intervals import Interval, Z
from app.metrics.formulas.shrinkage import shrinkage


@dataclass(frozen=True, slots=True)
class PooledCorrelation:
    """`r` from -1 to 1; `prediction` holds the true correlation of a further study, `tau2` is on atanh(r)."""

    studies: int
    r: float | None
    ci: Interval | None
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
        return PooledCorrelation(of.groups, None, None, None, None, of.undefined)
    variance = 1 / float((1 / (variances + of.tau2)).sum())
    return PooledCorrelation(
        studies=of.groups,
        r=tanh(of.mu),
        ci=_interval(of.mu, variance),
        prediction=_interval(of.mu, variance + of.tau2),
        tau2=of.tau2,
        undefined=None,
    )


def _interval(mu: float, variance: float) -> Interval:
    half = Z * sqrt(variance)
    return Interval(tanh(mu - half), tanh(mu + half))
