from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, is_complete, two_sided
from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval, Z
from app.metrics.formulas.special import ndtr, stdtrit

Errors = Literal["HC3", "cluster"]
SINGULAR = 1e-10
LEAST_TRUE: Final = 0.25
"""What errors of measurement must leave of the predictors' spread, in its narrowest direction [C]."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """In units of the outcome per unit of the predictor; `p` of the test against 0."""

    value: float
    se: float
    ci: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Regression:
    """One of `coefficients` a predictor, in order. `covariance` is theirs with the constant first.

    `constant` is the outcome where all predictors are 0; `clusters` is None with HC3 errors.
    """

    n: int
    clusters: int | None
    errors: Errors
    r2: float | None
    constant: float | None
    coefficients: tuple[Coefficient, ...]
    covariance: NDArray[np.float64]
    quantile: float
    undefined: Undefined | None


def robust_regression(
    outcome: ArrayLike,
    predictors: ArrayLike,
    absorbed: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    error_variance: ArrayLike | None = None,
) -> Regression:
    """Least squares with a constant: `outcome` one a row, `predictors` rows x p, NaN where missing.

    `absorbed` has a label a row, each of which gets a level of its own (fixed effects). Without `clusters`
    errors are HC3 (MacKinnon & White 1985) with normal intervals; with them, a label a row, cluster-robust
    (Liang & Zeger 1986; factor of Stata) with t(clusters - 1). `error_variance` is that of each predictor's
    errors of measurement, 0 or more, which is taken off its spread (Fuller 1987, section 2.2); it is held to
    be known. `too_unreliable` where it leaves too little.
    """
    table = np.column_stack([np.asarray(outcome, dtype=np.float64), np.asarray(predictors, dtype=np.float64)])
    complete = is_complete(table)
    rows = table[complete]
    levels = None if absorbed is None else _numbered(absorbed, complete)
    groups = None if clusters is None else _numbered(clusters, complete)
    errors: Errors = "HC3" if groups is None else "cluster"
    noise = _noise(rows, levels, error_variance)
    reason = _undefined(rows, levels, groups, noise)
    if reason is not None:
        return Regression(len(rows), _count(groups), errors, None, None, (), np.empty((0, 0)), Z, reason)
    own = rows if levels is None else _within(rows, levels)
    x = np.column_stack([np.ones(len(own)), own[:, 1:]])
    inverse = np.linalg.inv(x.T @ x - np.diag(noise))
    beta = inverse @ (x.T @ own[:, 0])
    rest = own[:, 0] - x @ beta
    back = noise * beta / len(own)
    if groups is None:
        leverage = np.einsum("ij,jk,ik->i", x, inverse, x) + _of_levels(levels, len(own))
        scores = x * (rest / np.maximum(1 - leverage, SINGULAR))[:, None] + back
        factor, quantile, df = 1.0, Z, None
    else:
        scores = np.zeros((groups.max() + 1, x.shape[1]))
        np.add.at(scores, groups, x * rest[:, None] + back)
        df = len(scores) - 1
        fitted = x.shape[1] + _free_levels(levels, groups)
        factor = len(scores) / df * (len(own) - 1) / (len(own) - fitted)
        quantile = float(stdtrit(df, UPPER_TAIL))
    covariance = factor * inverse @ (scores.T @ scores) @ inverse
    if groups is not None and levels is not None:
        covariance[0, 0] += _of_middle(rest, levels, x.shape[1])
    outcome_less_mean = own[:, 0] - own[:, 0].mean()
    explained = float(outcome_less_mean @ (x @ beta)) / float(outcome_less_mean @ outcome_less_mean)
    return Regression(
        n=len(own),
        clusters=_count(groups),
        errors=errors,
        r2=min(1.0, max(0.0, explained)),
        constant=float(beta[0]),
        coefficients=tuple(
            _coefficient(value, sqrt(variance), quantile, df)
            for value, variance in zip(beta[1:].tolist(), np.diag(covariance)[1:].tolist(), strict=True)
        ),
        covariance=covariance,
        quantile=quantile,
        undefined=None,
    )


def _coefficient(value: float, se: float, quantile: float, df: int | None) -> Coefficient:
    t = value / se if se > 0 else np.inf
    p = float(2 * ndtr(-abs(t))) if df is None else two_sided(t, df)
    return Coefficient(value, se, Interval(value - quantile * se, value + quantile * se), p)


def _undefined(
    rows: NDArray[np.float64],
    levels: NDArray[np.int64] | None,
    groups: NDArray[np.int64] | None,
    noise: NDArray[np.float64],
) -> Undefined | None:
    free = len(rows) - rows.shape[1] - (0 if levels is None else int(levels.max(initial=0)))
    if free <= 0 or (groups is not None and groups.max(initial=0) < 1):
        return "too_few"
    own = rows if levels is None else _within(rows, levels)
    spread = own.std(axis=0)
    if spread.min() <= ZERO_SPREAD:
        return "zero_variance"
    scaled = (own[:, 1:] - own[:, 1:].mean(axis=0)) / spread[1:]
    observed = scaled.T @ scaled / len(own)
    if np.linalg.eigvalsh(observed)[0] < SINGULAR:
        return "not_identified"
    true = observed - np.diag(noise[1:] / len(own) / spread[1:] ** 2)
    return "too_unreliable" if noise.any() and np.linalg.eigvalsh(true)[0] < LEAST_TRUE else None


def _of_middle(rest: NDArray[np.float64], levels: NDArray[np.int64], columns: int) -> float:
    """Squared error of the mean of all, unseen by clusters that are levels: there the rest adds up to 0."""
    return float(rest @ rest) / (len(rest) - int(levels.max()) - columns) / len(rest)


def _noise(
    rows: NDArray[np.float64], levels: NDArray[np.int64] | None, error_variance: ArrayLike | None
) -> NDArray[np.float64]:
    """The sum of squares that errors of measurement add to each column of the design, the constant first."""
    if error_variance is None:
        return np.zeros(rows.shape[1])
    free = len(rows) - (1 if levels is None else int(levels.max(initial=0)) + 1)
    return np.array([0.0, *(free * np.asarray(error_variance, dtype=np.float64))])


def _numbered(labels: ArrayLike, complete: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.unique(np.asarray(labels)[complete], return_inverse=True)[1].astype(np.int64)


def _count(groups: NDArray[np.int64] | None) -> int | None:
    return None if groups is None else int(groups.max(initial=-1)) + 1


def _within(rows: NDArray[np.float64], levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each column less the mean of its level, and back on the mean of all."""
    sizes = np.bincount(levels)
    means = np.column_stack([np.bincount(levels, column) / sizes for column in rows.T])
    return np.asarray(rows - means[levels] + rows.mean(axis=0))


def _of_levels(levels: NDArray[np.int64] | None, n: int) -> NDArray[np.float64]:
    """What the levels add to the leverage of each row."""
    return np.zeros(n) if levels is None else 1 / np.bincount(levels)[levels] - 1 / n


def _free_levels(levels: NDArray[np.int64] | None, groups: NDArray[np.int64]) -> int:
    """How many levels count as fitted: none where each lies in one cluster (Cameron & Miller 2015)."""
    if levels is None:
        return 0
    crossing = len(np.unique(np.column_stack([levels, groups]), axis=0)) > levels.max() + 1
    return int(levels.max()) if crossing else 0
