from dataclasses import dataclass
from math import exp, inf, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_rows
from app.metrics.formulas.intervals import ZERO_SPREAD, Interval, Z
from app.metrics.formulas.special import ndtr

MOST_STEPS = 50
SETTLED = 1e-10


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """Of leaving, per unit of the covariate, above 0: 1 is no association. `p` of the Wald test."""

    ratio: float
    ci: Interval
    p: float


@dataclass(frozen=True, slots=True)
class HazardRatios:
    """One of `ratios` a covariate, in order."""

    n: int
    leavers: int
    ratios: tuple[HazardRatio, ...]
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class RateRatio:
    """Rate of the one group over that of the other; `ci.high` is infinite when the other had no leaver."""

    ratio: float | None
    ci: Interval | None
    p: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """Of Cox's model at some coefficients: its logarithm, slope and curvature (negative Hessian)."""

    log: float
    slope: NDArray[np.float64]
    curvature: NDArray[np.float64]


def hazard_ratios(months: ArrayLike, left: ArrayLike, covariates: ArrayLike) -> HazardRatios:
    """Cox regression (Cox 1972) of leaving, tied months as Efron 1977 has them; 95% Wald intervals.

    `months` under observation and `left` (1 at the end of them, else 0) have one value a person; `covariates`
    is one-dimensional or persons x q, NaN where missing. Undefined where nobody left, where a covariate does
    not vary, repeats others or parts leavers from stayers completely. statsmodels and lifelines are as exact:
    not taken for two functions, as they bring pandas (and lifelines matplotlib) into the service.
    """
    table = np.column_stack([np.asarray(values, dtype=np.float64) for values in (months, left, covariates)])
    rows = complete_rows(table)
    n, leavers = len(rows), int(rows[:, 1].sum())
    x = rows[:, 2:]
    if not leavers or x.std(axis=0).min() <= ZERO_SPREAD:
        return HazardRatios(n, leavers, (), "zero_variance" if leavers else "no_leaver")
    scale = x.std(axis=0)
    fitted = _maximum(_Risk(rows[:, 0], rows[:, 1] > 0, (x - x.mean(axis=0)) / scale))
    if fitted is None:
        return HazardRatios(n, leavers, (), "not_identified")
    log_ratios, errors = fitted
    pairs = zip((log_ratios / scale).tolist(), (errors / scale).tolist(), strict=True)
    return HazardRatios(n, leavers, tuple(_hazard_ratio(*pair) for pair in pairs), None)


def rate_ratio(leavers: int, months: float, other_leavers: int, other_months: float) -> RateRatio:
    """Ratio of two Poisson rates, events over person-months above 0, with 95% score interval and test.

    Gu, Ng, Tang & Schucany 2008; the interval solves the score equation in closed form, where statsmodels
    searches for it.
    """
    if min(months, other_months) <= 0:
        raise ValueError("a rate needs months under observation")
    if leavers + other_leavers == 0:
        return RateRatio(None, None, None, "no_leaver")
    exposure = months / other_months
    z = (leavers - other_leavers * exposure) / sqrt((leavers + other_leavers) * exposure)
    return RateRatio(
        ratio=leavers / other_leavers / exposure if other_leavers else None,
        ci=_score_interval(leavers, other_leavers, exposure),
        p=float(2 * ndtr(-abs(z))),
        undefined=None if other_leavers else "no_leaver",
    )


def _hazard_ratio(log_ratio: float, error: float) -> HazardRatio:
    ci = Interval(exp(log_ratio - Z * error), exp(log_ratio + Z * error))
    return HazardRatio(exp(log_ratio), ci, float(2 * ndtr(-abs(log_ratio / error))))


def _score_interval(events: int, other_events: int, exposure: float) -> Interval:
    """Roots of (a - b x)^2 = z^2 (a + b) x, over the ratio of exposures."""
    middle = 2 * events * other_events + Z * Z * (events + other_events)
    root = sqrt(middle**2 - 4 * (events * other_events) ** 2)
    high = (middle + root) / (2 * other_events**2) if other_events else inf
    return Interval(2 * events**2 / (middle + root) / exposure, high / exposure)


class _Risk:
    """Cox's partial likelihood; persons are sorted so that those still at risk at a month come first."""

    def __init__(self, months: NDArray[np.float64], left: NDArray[np.bool_], x: NDArray[np.float64]) -> None:
        order = np.argsort(-months, kind="stable")
        self.x, self.left = x[order], left[order]
        leaving = -months[order][self.left]
        self.at_risk = np.searchsorted(-months[order], leaving, side="right") - 1
        _, self.tie_of, ties = np.unique(leaving, return_inverse=True, return_counts=True)
        starts = np.cumsum(ties) - ties
        self.done = (np.arange(len(leaving)) - starts[self.tie_of]) / ties[self.tie_of]
        self.tie_starts = starts

    def at(self, coefficients: NDArray[np.float64]) -> _Likelihood:
        eta = self.x @ coefficients
        weight = np.exp(eta - eta.max())
        first = weight[:, None] * self.x
        second = first[:, :, None] * self.x[:, None, :]
        total = self._at_risk(weight)
        mean = self._at_risk(first) / total[:, None]
        square = self._at_risk(second) / total[:, None, None]
        return _Likelihood(
            log=float((eta[self.left] - eta.max() - np.log(total)).sum()),
            slope=(self.x[self.left] - mean).sum(axis=0),
            curvature=(square - mean[:, :, None] * mean[:, None, :]).sum(axis=0),
        )

    def _at_risk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over those at risk at each leaving; of those who leave together a growing part is gone."""
        together = np.add.reduceat(values[self.left], self.tie_starts)[self.tie_of]
        done = self.done.reshape(-1, *(1,) * (values.ndim - 1))
        return np.asarray(np.cumsum(values, axis=0)[self.at_risk] - done * together)


def _maximum(risk: _Risk) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Coefficients and their standard errors by Newton's method, steps halved until they gain."""
    coefficients = np.zeros(risk.x.shape[1])
    here = risk.at(coefficients)
    for _ in range(MOST_STEPS):
        if np.linalg.eigvalsh(here.curvature)[0] <= SETTLED:
            return None
        step = np.linalg.solve(here.curvature, here.slope)
        if np.abs(step).max() < SETTLED:
            return coefficients, np.sqrt(np.diag(np.linalg.inv(here.curvature)))
        there = risk.at(coefficients + step)
        while there.log < here.log - SETTLED:
            step = step / 2
            there = risk.at(coefficients + step)
        coefficients, here = coefficients + step, there
    return None
