from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.intervals import Interval

LEAST_WEIGHT: Final = 0.3
MOST_WEIGHT: Final = 3.0


@dataclass(frozen=True, slots=True)
class Weights:
    """`weights` has one a stratum, their mean over the respondents 1; `deff` is 1 or more.

    `trimmed` counts the strata whose weight was cut to its bounds.
    """

    weights: NDArray[np.float64]
    trimmed: int
    deff: float
    effective_n: float


def response_rate(responded: int, invited: int) -> float | None:
    """Responses per eligible invited person, 0-1. None when nobody was.

    AAPOR's RR2 where those responded who answered anything, its RR1 where those who answered everything.
    """
    return responded / invited if invited else None


def manski_bounds(mean: float, n: int, population: int) -> Interval:
    """Worst-case bounds, 0-100, of the mean of `population` persons of whom `n` average `mean` (Manski 1989).

    The others may all stand at 0 or all at 100.
    """
    answered, silent = n * mean / population, (population - n) / population
    return Interval(answered, answered + 100 * silent)


def post_stratified(respondents: ArrayLike, population: ArrayLike) -> Weights:
    """Weights that give each stratum its part of the population (Holt & Smith 1979), trimmed once to 0.3-3.

    One count a stratum, respondents above 0. The design factor 1 + cv(w)^2 is Kish's (1965).
    """
    n, invited = np.asarray(respondents, dtype=np.float64), np.asarray(population, dtype=np.float64)
    full = invited / n * n.sum() / invited.sum()
    cut = np.clip(full, LEAST_WEIGHT, MOST_WEIGHT)
    weights = cut * n.sum() / float(cut @ n)
    total = float(n.sum())
    deff = float(weights**2 @ n) / total
    return Weights(weights, int((cut != full).sum()), deff, total / deff)
