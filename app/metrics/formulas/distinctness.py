from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_rows
from app.metrics.formulas.intervals import ZERO_SPREAD, Interval
from app.metrics.formulas.resampling import DRAWS, correlations_of, percentile_interval, resample


@dataclass(frozen=True, slots=True)
class Htmt:
    """From 0; .85 or .90 and more means that the two scales measure the same.

    `htmt2`, to be preferred, exists where every correlation is positive. `undefined` says what is missing.
    """

    n: int
    htmt: float | None
    htmt2: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class HtmtIntervals:
    """95% percentile intervals; None where over half of the draws have no such value."""

    htmt: Interval | None
    htmt2: Interval | None


def htmt(first: ArrayLike, second: ArrayLike) -> Htmt:
    """Heterotrait-monotrait ratio of two scales, each persons x its items (two or more), NaN where missing.

    Mean absolute correlations (Henseler, Ringle & Sarstedt 2015); `htmt2` takes geometric means, for items
    that load differently (Roemer, Schuberth & Henseler 2021). Persons complete on both scales count.
    """
    rows, split = _joined(first, second)
    n = len(rows)
    reason = _undefined(rows, split)
    if reason is not None:
        return Htmt(n, None, None, reason)
    arithmetic, geometric = (float(value[0]) for value in _ratios(correlations_of(rows)[None], split))
    if np.isnan(arithmetic):
        return Htmt(n, None, None, "not_positive")
    return Htmt(n, arithmetic, *(None, "not_positive") if np.isnan(geometric) else (geometric, None))


def htmt_intervals(first: ArrayLike, second: ArrayLike, seed: int, draws: int = DRAWS) -> HtmtIntervals:
    """Bootstrap over persons; arguments as of `htmt`."""
    rows, split = _joined(first, second)
    if _undefined(rows, split) is not None:
        return HtmtIntervals(None, None)
    arithmetic, geometric = _ratios(resample(rows, seed, draws).correlations, split)
    return HtmtIntervals(_interval(arithmetic), _interval(geometric))


def _joined(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], int]:
    scales = [np.asarray(scale, dtype=np.float64) for scale in (first, second)]
    return complete_rows(np.hstack(scales)), scales[0].shape[1]


def _undefined(rows: NDArray[np.float64], split: int) -> Undefined | None:
    n, k = rows.shape
    if min(split, k - split) < 2:
        return "single_item"
    if n < 3:
        return "too_few"
    return "zero_variance" if rows.std(axis=0).min() <= ZERO_SPREAD else None


def _ratios(correlations: NDArray[np.float64], split: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """HTMT and HTMT2 of each of draws x k x k correlations, NaN where there is none."""
    within_first = _off_diagonal(correlations[:, :split, :split])
    within_second = _off_diagonal(correlations[:, split:, split:])
    between = correlations[:, :split, split:].reshape(len(correlations), -1)
    parts = between, within_first, within_second
    means = [np.abs(part).mean(axis=1) for part in parts]
    return _ratio(*means), _ratio(*(_geometric_mean(part) for part in parts))


def _off_diagonal(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = np.triu_indices(correlations.shape[-1], 1)
    return np.asarray(correlations[:, rows, columns])


def _geometric_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    is_defined = (values > 0).all(axis=1, keepdims=True)
    return np.asarray(np.exp(np.log(np.where(is_defined, values, np.nan)).mean(axis=1)))


def _ratio(
    between: NDArray[np.float64], within_first: NDArray[np.float64], within_second: NDArray[np.float64]
) -> NDArray[np.float64]:
    within = np.sqrt(within_first * within_second)
    missing = np.full(len(within), np.nan)
    return np.asarray(np.divide(between, within, out=missing, where=within > ZERO_SPREAD))


def _interval(values: NDArray[np.float64]) -> Interval | None:
    defined = values[~np.isnan(values)]
    return percentile_interval(defined) if 2 * len(defined) >= len(values) else None
