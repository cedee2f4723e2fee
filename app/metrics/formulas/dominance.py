"""How much of a number rests on one person, told from the design alone and never from an answer."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.intervals import ZERO_SPREAD


def capped(doses: ArrayLike, k: int) -> NDArray[np.float64]:
    """Each at most the largest dose that at least k persons reach; one a person, NaN where unknown."""
    own = np.asarray(doses, dtype=np.float64)
    known = np.sort(own[~np.isnan(own)])[::-1]
    return np.minimum(own, known[k - 1] if len(known) >= k else 0.0)


def drawn_in(counts: ArrayLike, k: int) -> NDArray[np.float64]:
    """As `capped`, of 2k or more; those above the cap count as much more as such ones usually have.

    That is the mean excess of an exponential tail, told by the distance from the k-th to the 2k-th largest
    (Rényi 1953): nothing of their own, so that a cap does not draw towards others a group that is higher.
    """
    own = np.asarray(counts, dtype=np.float64)
    largest = np.sort(own)[::-1]
    if len(own) < 2 * k:
        return capped(own, k)
    cap = largest[k - 1]
    excess = (cap - largest[2 * k - 1]) / (1 / np.arange(k, 2 * k)).sum()
    return np.where(own > cap, cap + excess, own)


def largest_leverage(predictors: ArrayLike, levels: ArrayLike) -> float:
    """The most that one row counts in a contrast of the predictors' coefficients, 0-1: its leverage.

    `predictors` is rows x p, or one a row; `levels` has a label a row, whose level is fitted too. A contrast
    is a sum of outcomes with weights, of which none has a larger share of the squares (Cauchy & Schwarz).
    """
    table = np.asarray(predictors, dtype=np.float64).reshape(len(np.asarray(levels)), -1)
    within = np.column_stack([_less_means(column, levels) for column in table.T])
    basis, sizes, _ = np.linalg.svd(within, full_matrices=False)
    kept = basis[:, sizes > ZERO_SPREAD]
    return float((kept**2).sum(axis=1).max(initial=0.0))


def largest_share(weights: ArrayLike, persons: ArrayLike | None = None) -> float:
    """The largest share that one person has of the squared weights of a sum, 0-1; 0 where there are none.

    `weights` has one a row and `persons` whose row it is, else each is of another.
    """
    squares: NDArray[np.float64] = np.asarray(weights, dtype=np.float64) ** 2
    if persons is not None:
        person = np.unique(np.asarray(persons), return_inverse=True)[1]
        squares = np.bincount(person, squares).astype(np.float64)
    total = float(squares.sum())
    return float(squares.max()) / total if total > 0 else 0.0


def less_levels(values: ArrayLike, persons: ArrayLike, waves: ArrayLike) -> NDArray[np.float64]:
    """What is left of the values, one a row, when each person and each wave has its own level."""
    levels = np.unique(np.asarray(waves))[1:]
    dummies = [_less_means(np.asarray(waves) == level, persons) for level in levels]
    own = _less_means(values, persons)
    if not dummies:
        return own
    x = np.column_stack(dummies)
    return np.asarray(own - x @ np.linalg.lstsq(x, own, rcond=None)[0])


def weights_of_leaving(days: ArrayLike, left: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each score counts for in Cox's model and in a rate ratio, where leaving goes with nothing.

    Left or not, less what was to be expected in the days under observation: the martingale residuals
    (Therneau, Grambsch & Fleming 1990), by Nelson & Aalen's hazard and by a constant one. The score test of
    either is the sum of scores with these weights.
    """
    own, gone = np.asarray(days, dtype=np.float64), np.asarray(left, dtype=np.float64)
    order = np.argsort(own, kind="stable")
    at_risk = len(own) - np.searchsorted(own[order], own[order], side="left")
    hazard = np.cumsum(gone[order] / at_risk)
    until = np.searchsorted(own[order], own, side="right")
    cumulated = np.concatenate([[0.0], hazard])[until]
    exposure = own.sum()
    rate = gone.sum() / exposure if exposure > 0 else 0.0
    return np.where(own > 0, gone - cumulated, 0.0), gone - rate * own


def _less_means(values: ArrayLike, levels: ArrayLike) -> NDArray[np.float64]:
    number = np.unique(np.asarray(levels), return_inverse=True)[1]
    own = np.asarray(values, dtype=np.float64)
    return np.asarray(own - (np.bincount(number, own) / np.bincount(number))[number])
