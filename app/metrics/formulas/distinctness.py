from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined
from app.metrics.formulas.intervals import ZERO_SPREAD, Interval, Z
from app.metrics.formulas.resampling import DRAWS, PairSums, bca_interval

Z_99: Final = 2.5758293035489004
FEWEST_DEFINED: Final = 0.95


@dataclass(frozen=True, slots=True)
class Htmt:
    """From 0; .85 or .90 and more means that the two scales measure the same.

    `htmt2`, to be preferred, exists where every correlation is positive. `n` have every part. `undefined`
    says what is missing.
    """

    n: int
    htmt: float | None
    htmt2: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class HtmtIntervals:
    """95% and 99% BCa, holding their estimates; None where a twentieth of the draws have no such value."""

    htmt: Interval | None
    htmt2: Interval | None
    htmt_99: Interval | None
    htmt2_99: Interval | None


def htmt(first: ArrayLike, second: ArrayLike, fewest: int = 3) -> Htmt:
    """Heterotrait-monotrait ratio of two scales, each persons x its parts (two or more), NaN where missing.

    Mean absolute correlations (Henseler, Ringle & Sarstedt 2015); `htmt2` takes geometric means, for parts
    that load differently (Roemer, Schuberth & Henseler 2021). A correlation is over the persons who have both
    parts, `fewest` or more.
    """
    table, split = _joined(first, second)
    n = int((~np.isnan(table).any(axis=1)).sum())
    reason = _undefined(table, split, fewest)
    if reason is not None:
        return Htmt(n, None, None, reason)
    arithmetic, geometric = _estimates(PairSums.take(table), split)
    if np.isnan(arithmetic):
        return Htmt(n, None, None, "not_positive")
    return Htmt(n, arithmetic, *(None, "not_positive") if np.isnan(geometric) else (geometric, None))


def htmt_intervals(
    first: ArrayLike, second: ArrayLike, seed: int, draws: int = DRAWS, fewest: int = 3
) -> HtmtIntervals:
    """Bootstrap over persons (Efron 1987); arguments as of `htmt`."""
    table, split = _joined(first, second)
    if _undefined(table, split, fewest) is not None:
        return HtmtIntervals(None, None, None, None)
    sums = PairSums.take(table, seed)
    estimates = _estimates(sums, split)
    drawn = _ratios(sums.resampled(seed, draws), split)
    without = _ratios(sums.left_out(), split)
    of = list(zip(estimates, drawn, without, strict=True))
    return HtmtIntervals(*(_interval(*one, z) for z in (Z, Z_99) for one in of))


def _joined(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], int]:
    scales = [np.asarray(scale, dtype=np.float64) for scale in (first, second)]
    return np.hstack(scales), scales[0].shape[1]


def _undefined(table: NDArray[np.float64], split: int, fewest: int) -> Undefined | None:
    is_given = ~np.isnan(table)
    if min(split, table.shape[1] - split) < 2:
        return "single_item"
    if (is_given.astype(np.int64).T @ is_given).min() < fewest:
        return "too_few"
    return "zero_variance" if np.nanstd(table, axis=0).min() <= ZERO_SPREAD else None


def _estimates(sums: PairSums, split: int) -> tuple[float, float]:
    arithmetic, geometric = _ratios(sums.correlations(), split)
    return float(arithmetic[0]), float(geometric[0])


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


def _interval(
    estimate: float, drawn: NDArray[np.float64], without: NDArray[np.float64], z: float
) -> Interval | None:
    defined = drawn[~np.isnan(drawn)]
    if np.isnan(estimate) or len(defined) < FEWEST_DEFINED * len(drawn):
        return None
    return bca_interval(estimate, defined, without[~np.isnan(without)], z)
