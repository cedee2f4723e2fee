from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """`tau2` is the variance of the true means, `mu` their centre, `q` Cochran's heterogeneity at tau2 = 0.

    One `weight` (0 = no word of its own, 1 = taken as is) and one `means` (shrunken) a group, in order.
    """

    groups: int
    mu: float | None
    tau2: float | None
    q: float | None
    weights: tuple[float, ...]
    means: tuple[float, ...]
    undefined: Undefined | None


def shrinkage(means: ArrayLike, variances: ArrayLike) -> Shrinkage:
    """Empirical-Bayes means of groups (Efron & Morris 1975), tau2 by Paule & Mandel 1982.

    `means`, one a group; `variances` are those of the means, above 0: within-group mean square / n_g. At
    tau2 = 0 every group gets the common mean. No protection: the raw mean can be computed back.
    """
    m, v = np.asarray(means, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if len(m) < 2:
        return Shrinkage(len(m), None, None, None, (), (), "too_few")
    if v.min() <= 0:
        return Shrinkage(len(m), None, None, None, (), (), "zero_variance")
    tau2 = _paule_mandel(m, v)
    mu, weights = _centre(m, v, tau2), tau2 / (tau2 + v)
    return Shrinkage(
        groups=len(m),
        mu=mu,
        tau2=tau2,
        q=_heterogeneity(0.0, m, v),
        weights=tuple(weights.tolist()),
        means=tuple((mu + weights * (m - mu)).tolist()),
        undefined=None,
    )


def _paule_mandel(means: NDArray[np.float64], variances: NDArray[np.float64]) -> float:
    """Where heterogeneity, which falls as tau2 rises, meets its expectation G - 1."""
    df = len(means) - 1
    if _heterogeneity(0.0, means, variances) <= df:
        return 0.0
    highest = float(((means - means.mean()) ** 2).sum()) / df

    def excess(tau2: float) -> float:
        return _heterogeneity(tau2, means, variances) - df

    import scipy  # noqa: PLC0415 as in app.metrics.formulas.special

    return float(scipy.optimize.brentq(excess, 0.0, highest, xtol=1e-14))


def _heterogeneity(tau2: float, means: NDArray[np.float64], variances: NDArray[np.float64]) -> float:
    return float(((means - _centre(means, variances, tau2)) ** 2 / (variances + tau2)).sum())


def _centre(means: NDArray[np.float64], variances: NDArray[np.float64], tau2: float) -> float:
    return float(np.average(means, weights=1 / (variances + tau2)))
