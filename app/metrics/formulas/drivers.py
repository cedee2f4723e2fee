from dataclasses import dataclass
from math import factorial, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_rows, is_complete
from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval
from app.metrics.formulas.resampling import DRAWS, correlations_of, resample
from app.metrics.formulas.special import ndtr, stdtrit

MOST_FOR_LMG = 12
SINGULAR = 1e-10
TARGET = 75.0


@dataclass(frozen=True, slots=True)
class Driver:
    """`importance` is a part of R2, `share` that part of the whole, 0-1 (LMG); the sign is that of `r`.

    All None for a predictor without variance.
    """

    importance: float | None
    share: float | None
    r: float | None


@dataclass(frozen=True, slots=True)
class RelativeImportance:
    """One of `drivers` a predictor, in order; their importances sum to `r2`, 0-1.

    `is_singular`: predictors repeat each other, so that what they share is split by convention.
    """

    n: int
    method: Literal["lmg", "johnson"]
    r2: float | None
    drivers: tuple[Driver, ...]
    is_singular: bool
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class ImportanceDraws:
    """Bootstrap of importances and of predictor means, draws x predictors, and of R2, one a draw.

    `correlations` are draws x (1 + predictors) x (1 + predictors), the outcome first. `units` is of how many
    persons, or whole clusters, they were drawn.
    """

    importance: NDArray[np.float64]
    means: NDArray[np.float64]
    r2: NDArray[np.float64]
    correlations: NDArray[np.float64]
    units: int


@dataclass(frozen=True, slots=True)
class ShareInterval:
    """95% intervals of a share of R2, 0-1, and of its rank, 1 for the largest."""

    ci: Interval
    rank: Interval


def relative_importance(outcome: ArrayLike, predictors: ArrayLike) -> RelativeImportance:
    """What each predictor is associated with of the variance of `outcome` (one a person), as parts of R2.

    `predictors` is persons x p, NaN where missing; complete persons count, more than p + 1. LMG, the mean
    gain in R2 over all orders (Lindeman, Merenda & Gold 1980; Groemping 2006); with more than 12 predictors
    Johnson's weights.
    """
    rows = complete_rows(_table(outcome, predictors))
    method: Literal["lmg", "johnson"] = "lmg" if rows.shape[1] - 1 <= MOST_FOR_LMG else "johnson"
    reason = _undefined(rows)
    if reason is not None:
        return RelativeImportance(len(rows), method, None, (), False, reason)
    correlations = correlations_of(rows)
    parts = (lmg_of if method == "lmg" else johnson_of)(correlations[None])[0]
    r2, is_used = _at_most_all(parts), rows[:, 1:].std(axis=0) > ZERO_SPREAD
    return RelativeImportance(
        n=len(rows),
        method=method,
        r2=r2,
        drivers=tuple(
            _driver(part, r2, r) if used else Driver(None, None, None)
            for part, r, used in zip(parts.tolist(), correlations[0, 1:].tolist(), is_used, strict=True)
        ),
        is_singular=_is_singular(correlations[1:, 1:]),
        undefined=None,
    )


def draw_importance(
    outcome: ArrayLike,
    predictors: ArrayLike,
    seed: int,
    draws: int = DRAWS,
    clusters: ArrayLike | None = None,
) -> ImportanceDraws | None:
    """Bootstrap of `relative_importance` over persons, or over whole `clusters` (a label a person).

    None where that is undefined.
    """
    rows = complete_rows(_table(outcome, predictors))
    if _undefined(rows) is not None:
        return None
    labels = None if clusters is None else np.asarray(clusters)[is_complete(_table(outcome, predictors))]
    drawn = resample(rows, seed, draws, labels)
    importance = (lmg_of if rows.shape[1] - 1 <= MOST_FOR_LMG else johnson_of)(drawn.correlations)
    r2 = np.minimum(1, importance.sum(axis=1))
    units = len(rows) if labels is None else len(np.unique(labels))
    return ImportanceDraws(importance, drawn.means[:, 1:], r2, drawn.correlations, units)


def importance_of_chance(drawn: NDArray[np.float64], n: int, seed: int) -> NDArray[np.float64]:
    """Part of R2, one a draw, that a random predictor put in beside the others gets.

    `drawn` has the correlations of outcome and predictors, of `n` persons each. Those of pure noise with them
    are normal around 0 as they are with one another (Tonidandel, LeBreton & Johnson 2009).
    """
    noise = np.random.default_rng(seed).normal(size=drawn.shape[:2])
    values, vectors = np.linalg.eigh(drawn)
    root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    own = np.einsum("dij,dj->di", root, noise) / np.sqrt(n - 1)
    size = drawn.shape[1]
    beside = np.ones((len(drawn), size + 1, size + 1))
    beside[:, :size, :size], beside[:, size, :size], beside[:, :size, size] = drawn, own, own
    parts = (lmg_of if size <= MOST_FOR_LMG else johnson_of)(beside)
    whole = parts.sum(axis=1)
    return np.asarray(parts[:, -1] / np.where(whole > ZERO_SPREAD, whole, np.inf))


def share_intervals(found: RelativeImportance, drawn: ImportanceDraws) -> tuple[ShareInterval, ...]:
    """One a driver of `found`, in order: it reaches as far as the draws as they are, or freed of bias.

    Noise adds to every importance alike, and so draws shares towards one another: once in the sample, and
    once more in a draw of it. Freed of twice the bias of a draw, draws lie about the truth (Efron &
    Tibshirani 1993, ch. 10), but not as far about it as they should; neither alone holds it in .95.
    """
    own = np.array([driver.importance or 0.0 for driver in found.drivers])
    excess = drawn.importance.mean(axis=0) - own
    freed = drawn.importance - 2 * excess
    left = drawn.r2 - 2 * excess.sum()
    both = [(drawn.importance, drawn.r2), (freed, left)]
    shares = [of_share(importance, r2) for importance, r2 in both]
    told = of_share(own[None], own.sum()[None])
    tail = _tail(drawn.units)
    of_shares = _reach([told, *(_percentiles(values, tail) for values in shares)])
    of_ranks = _reach([_percentiles(_ranks(importance), tail) for importance, _ in both])
    return tuple(
        ShareInterval(Interval(*ends), Interval(*places))
        for ends, places in zip(of_shares.T.tolist(), of_ranks.T.tolist(), strict=True)
    )


def of_share(importance: NDArray[np.float64], r2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of R2, 0-1, draws x predictors; where nothing is left of R2, 1 of what is above 0, and 0."""
    return np.asarray(np.clip(importance / np.maximum(r2, ZERO_SPREAD)[:, None], 0, 1))


def _tail(units: int) -> float:
    """Expanded percentiles, as far out as Student's t with the variance of a sample (Hesterberg 2015)."""
    return float(ndtr(-stdtrit(units - 1, UPPER_TAIL) * sqrt(units / (units - 1))))


def _percentiles(values: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    return np.asarray(np.quantile(values, [tail, 1 - tail], axis=0))


def _reach(intervals: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The lowest and the highest ends of some, 2 x predictors each; a row alone is both."""
    return np.stack(
        [np.min([of[0] for of in intervals], axis=0), np.max([of[-1] for of in intervals], axis=0)]
    )


def lever_priority(
    shares: NDArray[np.float64], means: NDArray[np.float64], target: float = TARGET
) -> NDArray[np.float64]:
    """Share of R2, 0-1, times the way from the mean to `target` (both POMP) in hundreds; shapes broadcast.

    Importance-performance map (Martilla & James 1977; Ringle & Sarstedt 2016).
    """
    return np.asarray(shares * np.maximum(0, target - means) / 100)


def chance_of_first(drawn: ImportanceDraws, target: float = TARGET) -> NDArray[np.float64]:
    """Part of the draws, 0-1 a predictor, in which its priority is the highest; a tie counts in parts.

    Draws in which none has a priority count for none.
    """
    priority = lever_priority(of_share(drawn.importance, drawn.r2), drawn.means, target)
    is_first = (priority == priority.max(axis=1, keepdims=True)) & (priority > 0)
    return np.asarray((is_first / np.maximum(1, is_first.sum(axis=1, keepdims=True))).mean(axis=0))


def lmg_of(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draws x p from draws x (p + 1) x (p + 1) correlations, the outcome first."""
    p = correlations.shape[-1] - 1
    r2_of_all = _by_least_squares if _is_singular(correlations[:, 1:, 1:]) else _by_elimination
    r2 = r2_of_all(correlations)
    return np.stack([_shapley(r2, predictor, p) for predictor in range(p)], axis=1)


def johnson_of(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative weights (Johnson 2000), shaped as of `lmg_of`; Thomas et al. 2014 advise against them."""
    values, vectors = np.linalg.eigh(correlations[:, 1:, 1:])
    root = np.sqrt(np.maximum(values, 0))
    loadings = vectors * root[:, None, :] @ vectors.transpose(0, 2, 1)
    inverse = np.divide(1, root, out=np.zeros_like(root), where=values > SINGULAR)
    half_inverse = vectors * inverse[:, None, :] @ vectors.transpose(0, 2, 1)
    weights = half_inverse @ correlations[:, 1:, :1]
    return np.asarray((loadings**2 @ weights**2)[..., 0])


def _table(outcome: ArrayLike, predictors: ArrayLike) -> NDArray[np.float64]:
    return np.column_stack([np.asarray(outcome, float), np.asarray(predictors, float)])


def _undefined(rows: NDArray[np.float64]) -> Undefined | None:
    n, columns = rows.shape
    if n <= columns:
        return "too_few"
    spread = rows.std(axis=0)
    return "zero_variance" if spread[0] <= ZERO_SPREAD or spread[1:].max() <= ZERO_SPREAD else None


def _at_most_all(parts: NDArray[np.float64]) -> float:
    return min(1.0, float(parts.sum()))


def _driver(importance: float, r2: float, r: float) -> Driver:
    return Driver(importance, importance / r2 if r2 > ZERO_SPREAD else None, r)


def _is_singular(correlations: NDArray[np.float64]) -> bool:
    """One of them at least; the least eigenvalue of a part is never below that of the whole."""
    return bool(np.linalg.eigvalsh(correlations).min() < SINGULAR)


def _by_elimination(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """R2 of every subset, given as bits, x draws: what each predictor adds to a subset of those before it is
    read off once these are swept out (Furnival 1971).
    """
    draws, size, _ = correlations.shape
    found = np.zeros((2 ** (size - 1), draws))
    left = [(0, 0, np.ascontiguousarray(np.moveaxis(correlations, 0, -1)))]
    while left:
        subset, swept, rest = left.pop()
        for place in range(1, len(rest)):
            own, variance = rest[place], rest[place, place]
            wider = subset | 1 << swept + place - 1
            found[wider] = found[subset] + own[0] ** 2 / variance
            if place + 1 < len(rest):
                kept = [0, *range(place + 1, len(rest))]
                beside = own[kept]
                without = rest[np.ix_(kept, kept)] - beside[:, None] * (beside / variance)[None, :]
                left.append((wider, swept + place, without))
    return found


def _by_least_squares(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    p = correlations.shape[-1] - 1
    return np.stack([_r2(correlations, _members(subset, p)) for subset in range(2**p)])


def _members(subset: int, p: int) -> list[int]:
    """Columns of a subset given as bits; the outcome is column 0."""
    return [1 + predictor for predictor in range(p) if subset >> predictor & 1]


def _r2(correlations: NDArray[np.float64], members: list[int]) -> NDArray[np.float64]:
    with_outcome = correlations[:, members, :1]
    among = correlations[:, members][:, :, members]
    return np.asarray((with_outcome * _least_squares(among, with_outcome)).sum(axis=(1, 2)))


def _least_squares(matrices: NDArray[np.float64], sides: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.pinv(matrices, rcond=SINGULAR, hermitian=True) @ sides)


def _shapley(r2: NDArray[np.float64], predictor: int, p: int) -> NDArray[np.float64]:
    """Gain in R2 by the predictor over the subsets without it, weighted by the orders they stand for."""
    without = np.array([subset for subset in range(2**p) if not subset >> predictor & 1])
    orders = [factorial(size) * factorial(p - 1 - size) / factorial(p) for size in range(p)]
    weights = np.array([orders[int(subset).bit_count()] for subset in without])
    return np.asarray(weights @ (r2[without | 1 << predictor] - r2[without]))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for the largest of each row."""
    return np.asarray((values[:, :, None] < values[:, None, :]).sum(axis=2) + 1, dtype=np.float64)
