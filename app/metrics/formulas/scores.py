from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.intervals import ZERO_SPREAD, Interval, Moments, Z, score_interval, t_quantile

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


@dataclass(frozen=True, slots=True)
class Pool:
    """Sums over the `n` persons who answered any of their answers, of those of a kind, and of the squares."""

    n: int
    answers: float
    of_kind: float
    answers_squared: float
    of_kind_squared: float
    product: float

    def share(self) -> Moments | None:
        """Share 0-1 of the pooled answers that are of the kind, persons being clusters (Cochran 1977).

        The sd is that of the linearised ratio, so that sd / sqrt(n) is the error of the share. None at n = 0.
        """
        if self.n == 0:
            return None
        share = self.of_kind / self.answers
        if self.n == 1:
            return Moments(1, share, None)
        squares = self.of_kind_squared - 2 * share * self.product + share**2 * self.answers_squared
        sd = sqrt(max(0.0, squares) / (self.n - 1)) * self.n / self.answers
        return Moments(self.n, share, sd if sd > ZERO_SPREAD else 0.0)

    def interval(self) -> Interval | None:
        """Of the share, 95%: Wilson's on the number of answers that the clusters are worth.

        Korn & Graubard 1998; Dean & Pagano 2015. None below two persons.
        """
        of = self.share()
        if of is None or of.sd is None:
            return None
        variance = of.sd**2 / of.n
        worth = of.mean * (1 - of.mean) / variance if variance > 0 and 0 < of.mean < 1 else of.n
        fewer = (Z / t_quantile(of.n - 1)) ** 2
        return score_interval(of.mean, min(worth, self.answers) * fewer)
