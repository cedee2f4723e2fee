from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_rows
from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval
from app.metrics.formulas.special import fdtri

SMALLEST_UNIQUENESS = 0.005
MOST_ROUNDS = 20_000
SETTLED = 1e-12
ROUNDING = 1e-12  # a sum of items varies less than this part of their variances by rounding only


@dataclass(frozen=True, slots=True)
class Alpha:
    """At most 1, negative where items run against each other: look for a question that was not reversed.

    `standardised` is the Spearman-Brown coefficient when there are two items; None beside an item in
    `flat_items` (its indexes have no variance). `if_deleted` has one value an item.
    """

    n: int
    items: int
    value: float | None
    ci: Interval | None
    standardised: float | None
    if_deleted: tuple[float | None, ...]
    flat_items: tuple[int, ...]
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class ItemRest:
    """Correlations -1 to 1, one an item: with the sum of the others, and with the sum of all.

    None where the item or that sum does not vary.
    """

    n: int
    rest: tuple[float | None, ...]
    total: tuple[float | None, ...]
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class Omega:
    """0-1. Loadings and residual variances are in the unit of the items; `standardised` weighs them alike.

    `heywood`: a residual variance ran into its floor, so the model fits badly.
    """

    n: int
    items: int
    value: float | None
    standardised: float | None
    loadings: tuple[float, ...]
    residual_variances: tuple[float, ...]
    heywood: bool
    undefined: Undefined | None


def cronbach_alpha(items: ArrayLike) -> Alpha:
    """Internal consistency of persons x k items on one unit, NaN where missing; complete persons count.

    Cronbach 1951; 95% interval of Feldt 1965.
    """
    rows = complete_rows(items)
    n, k = rows.shape
    reason = _undefined(rows)
    if reason is not None:
        return Alpha(n, k, None, None, None, (None,) * k, (), reason)
    covariances = _covariances(rows)
    of_all = _alpha_of(covariances, n)
    return replace(of_all, if_deleted=tuple(_alpha(_without(covariances, item)) for item in range(k)))


def consistency(items: ArrayLike) -> tuple[Alpha, tuple[float | None, ...]]:
    """Alpha without `if_deleted`, and the correlation of each item with the others, in one go."""
    rows = complete_rows(items)
    n, k = rows.shape
    reason = _undefined(rows)
    if reason is not None:
        return Alpha(n, k, None, None, None, (), (), reason), (None,) * k
    covariances = _covariances(rows)
    return _alpha_of(covariances, n), _with_the_rest(covariances)


def _alpha_of(covariances: NDArray[np.float64], n: int) -> Alpha:
    value, k = _alpha(covariances), len(covariances)
    flat = np.flatnonzero(np.diag(covariances) == 0)
    return Alpha(
        n=n,
        items=k,
        value=value,
        ci=None if value is None else _feldt(value, n, k),
        standardised=None if flat.size else _alpha(_correlations(covariances)),
        if_deleted=(),
        flat_items=tuple(flat.tolist()),
        undefined="zero_variance" if value is None else None,
    )


def item_rest(items: ArrayLike) -> ItemRest:
    """Corrected item-total correlations of persons x k items on one unit; complete persons count.

    Nunnally & Bernstein 1994.
    """
    rows = complete_rows(items)
    n, k = rows.shape
    reason = _undefined(rows)
    if reason is not None:
        return ItemRest(n, (None,) * k, (None,) * k, reason)
    covariances = _covariances(rows)
    own, with_total, total = np.diag(covariances), covariances.sum(axis=1), covariances.sum()
    of_total = _against(own, with_total, np.full(k, total))
    return ItemRest(n, _with_the_rest(covariances), of_total, None)


def _with_the_rest(covariances: NDArray[np.float64]) -> tuple[float | None, ...]:
    own, with_total, total = np.diag(covariances), covariances.sum(axis=1), covariances.sum()
    return _against(own, with_total - own, total - 2 * with_total + own)


def omega_total(items: ArrayLike) -> Omega:
    """Share of the sum's variance that one factor accounts for (McDonald 1999), maximum likelihood.

    `items` is persons x k, k at least 3, n above k, NaN where missing; complete persons count. The factor is
    found by EM (Rubin & Thayer 1982), which needs no optimiser and keeps residual variances positive.
    """
    rows = complete_rows(items)
    n, k = rows.shape
    reason: Undefined | None = "single_item" if k < 3 else "too_few" if n <= k else None
    covariances = _covariances(rows) if reason is None else np.zeros((k, k))
    if reason is None and not np.diag(covariances).all():
        reason = "zero_variance"
    if reason is not None:
        return Omega(n, k, None, None, (), (), False, reason)
    loadings, uniqueness = _one_factor(_correlations(covariances))
    spread = np.sqrt(np.diag(covariances))
    raw_loadings, residuals = loadings * spread, uniqueness * spread**2
    return Omega(
        n=n,
        items=k,
        value=_omega(raw_loadings, residuals),
        standardised=_omega(loadings, uniqueness),
        loadings=tuple(raw_loadings.tolist()),
        residual_variances=tuple(residuals.tolist()),
        heywood=bool((uniqueness <= SMALLEST_UNIQUENESS).any()),
        undefined=None,
    )


def measurement_error(sd: float, reliability: float) -> float:
    """Standard error of measurement in the unit of `sd`, for a reliability 0-1 (Lord & Novick 1968)."""
    return sd * sqrt(1 - reliability)


def error_of_mean(items: ArrayLike) -> float:
    """Standard error of measurement of the mean of persons x k items, k at least 2, in their unit: s sqrt(1 -
    alpha) (Lord & Novick 1968), at most s. Complete persons count.
    """
    rows = complete_rows(items)
    alpha = cronbach_alpha(rows).value
    return measurement_error(float(rows.mean(axis=1).std(ddof=1)), max(0.0, alpha or 0.0))


def error_of_composite(errors: Sequence[float]) -> float:
    """Of the mean of parts with these errors, which are independent: what a part has of its own is no error
    (Cronbach, Schoenemann & McKie 1965).
    """
    return sqrt(sum(error * error for error in errors)) / len(errors)


def difference_reliability(
    sd_x: float, sd_y: float, reliability_x: float, reliability_y: float, r: float
) -> float | None:
    """Reliability 0-1 of x - y, `r` their correlation (Cronbach & Furby 1970); None where x - y is flat."""
    shared = 2 * r * sd_x * sd_y
    variance = sd_x**2 + sd_y**2 - shared
    if variance <= ZERO_SPREAD**2:
        return None
    true = (sd_x**2 * reliability_x + sd_y**2 * reliability_y - shared) / variance
    return min(max(true, 0.0), 1.0)


def _undefined(rows: NDArray[np.float64]) -> Undefined | None:
    n, k = rows.shape
    return "single_item" if k < 2 else "too_few" if n < 2 else None


def _covariances(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exactly 0 for an item whose answers differ by rounding only."""
    centred = rows - rows.mean(axis=0)
    centred[:, rows.std(axis=0) <= ZERO_SPREAD] = 0
    return np.asarray(centred.T @ centred / (len(rows) - 1))


def _correlations(covariances: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = np.sqrt(np.diag(covariances))
    return np.asarray(covariances / np.outer(spread, spread))


def _without(covariances: NDArray[np.float64], item: int) -> NDArray[np.float64]:
    return np.delete(np.delete(covariances, item, axis=0), item, axis=1)


def _alpha(covariances: NDArray[np.float64]) -> float | None:
    k, total = len(covariances), float(covariances.sum())
    own = float(np.trace(covariances))
    if k < 2 or total <= ROUNDING * own:
        return None
    return min(1.0, k / (k - 1) * (1 - own / total))


def _feldt(alpha: float, n: int, k: int) -> Interval:
    df, of_items = n - 1, (n - 1) * (k - 1)
    low, high = (1 - (1 - alpha) * float(fdtri(df, of_items, tail)) for tail in (UPPER_TAIL, 1 - UPPER_TAIL))
    return Interval(low, high)


def _against(
    own: NDArray[np.float64], shared: NDArray[np.float64], sums: NDArray[np.float64]
) -> tuple[float | None, ...]:
    """Correlations of items with sums, from variances of both and the covariances between."""
    rounding = ROUNDING * own.sum()
    return tuple(
        float(min(max(covariance / sqrt(variance * of_sum), -1), 1))
        if variance > 0 and of_sum > rounding
        else None
        for variance, covariance, of_sum in zip(own, shared, sums, strict=True)
    )


def _one_factor(correlations: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standardised loadings, their sum not negative, and uniquenesses."""
    values, vectors = np.linalg.eigh(correlations)
    loadings = vectors[:, -1] * sqrt(values[-1])
    uniqueness = np.maximum(1 - loadings**2, SMALLEST_UNIQUENESS)
    for _ in range(MOST_ROUNDS):
        before = loadings, uniqueness
        loadings, uniqueness = _improved(correlations, *before)
        if max(np.abs(loadings - before[0]).max(), np.abs(uniqueness - before[1]).max()) < SETTLED:
            break
    return (-loadings if loadings.sum() < 0 else loadings), uniqueness


def _improved(
    correlations: NDArray[np.float64], loadings: NDArray[np.float64], uniqueness: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    weighted = loadings / uniqueness
    factor_variance = 1 / (1 + loadings @ weighted)
    scores = factor_variance * weighted
    with_scores = correlations @ scores
    improved = with_scores / (factor_variance + scores @ with_scores)
    return improved, np.maximum(1 - improved * with_scores, SMALLEST_UNIQUENESS)


def _omega(loadings: NDArray[np.float64], residuals: NDArray[np.float64]) -> float:
    common = loadings.sum() ** 2
    return float(common / (common + residuals.sum()))
