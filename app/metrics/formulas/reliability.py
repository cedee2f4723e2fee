from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, sqrt

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
    ((of_all, _),) = consistencies(np.array([n]), covariances[None] * (n - 1))
    without = np.stack([_without(covariances, item) for item in range(k)])
    return replace(of_all, if_deleted=_known(_alphas(without)))


def consistencies(
    n: NDArray[np.int64], products: NDArray[np.float64]
) -> list[tuple[Alpha, tuple[float | None, ...]]]:
    """Alpha without `if_deleted`, and the correlation of each item with the others, of many groups at once.

    `n` has how many persons each group has, two or more, and `products` is groups x k x k, k at least 2: the
    sums of products of deviations from the group's means.
    """
    k, own = products.shape[1], np.diagonal(products, axis1=1, axis2=2)
    is_flat = np.sqrt(own / n[:, None]) <= ZERO_SPREAD
    covariances = products / (n - 1)[:, None, None]
    covariances[is_flat[:, :, None] | is_flat[:, None, :]] = 0
    spread = np.sqrt(np.where(is_flat, 1, np.diagonal(covariances, axis1=1, axis2=2)))
    standardised = _alphas(covariances / (spread[:, :, None] * spread[:, None, :]))
    standardised[is_flat.any(axis=1)] = np.nan
    values = _alphas(covariances)
    numbers = np.column_stack([values, *_feldts(values, n, k), standardised]).tolist()
    return [
        (_told(size, flat, *of), _known(rest))
        for size, flat, of, rest in zip(n.tolist(), is_flat, numbers, _rests(covariances), strict=True)
    ]


def _told(n: int, flat: NDArray[np.bool_], value: float, low: float, high: float, both: float) -> Alpha:
    is_known = not isnan(value)
    return Alpha(
        n=n,
        items=len(flat),
        value=value if is_known else None,
        ci=Interval(low, high) if is_known else None,
        standardised=None if isnan(both) else both,
        if_deleted=(),
        flat_items=tuple(np.flatnonzero(flat).tolist()) if flat.any() else (),
        undefined=None if is_known else "zero_variance",
    )


def _known(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if isnan(value) else value for value in values.tolist())


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
    return ItemRest(n, _known(_rests(covariances[None])[0]), of_total, None)


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


def _alphas(covariances: NDArray[np.float64]) -> NDArray[np.float64]:
    """One a group, of groups x k x k; NaN where there is none."""
    k, total = covariances.shape[1], covariances.sum(axis=(1, 2))
    own = np.trace(covariances, axis1=1, axis2=2)
    is_known = (total > ROUNDING * own) & (k > 1)
    part = 1 - own / np.where(is_known, total, 1)
    return np.where(is_known, np.minimum(1.0, k / max(1, k - 1) * part), np.nan)


def _feldts(
    values: NDArray[np.float64], n: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends, one a group; groups of one size share their quantiles."""
    sizes, at = np.unique(n - 1, return_inverse=True)
    low, high = (fdtri(sizes, sizes * (k - 1), tail)[at] for tail in (UPPER_TAIL, 1 - UPPER_TAIL))
    return 1 - (1 - values) * low, 1 - (1 - values) * high


def _rests(covariances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations of each item with the sum of the others, groups x k; NaN where there is none."""
    own, with_total = np.diagonal(covariances, axis1=1, axis2=2), covariances.sum(axis=2)
    sums = with_total.sum(axis=1, keepdims=True) - 2 * with_total + own
    is_known = (own > 0) & (sums > ROUNDING * own.sum(axis=1, keepdims=True))
    spread = np.sqrt(np.where(is_known, own * sums, 1))
    return np.where(is_known, np.clip((with_total - own) / spread, -1, 1), np.nan)


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
