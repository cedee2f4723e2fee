from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FAVOURABLE_FROM = 62.5
UNFAVOURABLE_TO = 37.5


@dataclass(frozen=True, slots=True)
class Favourability:
    """Shares 0-1 of the `n` answered values; they sum to 1."""

    n: int
    favourable: float
    neutral: float
    unfavourable: float


def pomp(
    answers: ArrayLike, low: ArrayLike, high: ArrayLike, is_reversed: ArrayLike = False
) -> NDArray[np.float64]:
    """Percent of maximum possible, 0-100 (Cohen, Cohen, Aiken & West 1999).

    `answers` has any shape, NaN where missing (NaN out); scale ends and polarity broadcast against it.
    One division of exact integers, so that a value on a cut-off lies exactly on it.
    """
    x, lo, hi = (np.asarray(values, dtype=np.float64) for values in (answers, low, high))
    if np.any(lo >= hi):
        raise ValueError("a scale needs low < high")
    if np.any((x < lo) | (x > hi)):
        raise ValueError("an answer lies off its scale")
    return np.asarray(100 * np.where(is_reversed, hi - x, x - lo) / (hi - lo))


def scale_scores(items: NDArray[np.float64]) -> NDArray[np.float64]:
    """Person means under the half rule: at least ceil(k/2) of k values present, else NaN (Newman 2014).

    `items` is persons x k on one unit, NaN where missing; the result has one value a person.
    """
    answered = ~np.isnan(items)
    count = answered.sum(axis=1)
    total = np.where(answered, items, 0.0).sum(axis=1)
    enough = count >= max(1, (items.shape[1] + 1) // 2)
    scores = np.full(len(items), np.nan)
    np.divide(total, count, out=scores, where=enough)
    return scores


def is_favourable(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(scores >= FAVOURABLE_FROM)


def is_unfavourable(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(scores <= UNFAVOURABLE_TO)


def favourable(scores: NDArray[np.float64]) -> Favourability | None:
    """Shares of POMP values (any shape, NaN where missing) at 62.5 or more, at 37.5 or less, and between.

    On 1-5 these are the answers 4-5, 1-2 and 3. The cut-offs are this project's own. None without any value.
    """
    n = int(np.count_nonzero(~np.isnan(scores)))
    if n == 0:
        return None
    high, low = np.count_nonzero(is_favourable(scores)), np.count_nonzero(is_unfavourable(scores))
    return Favourability(n=n, favourable=high / n, neutral=(n - high - low) / n, unfavourable=low / n)
