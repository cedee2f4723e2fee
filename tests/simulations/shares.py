"""How often the interval of a pooled favourable share holds the true share: answers of a person are alike."""

from collections.abc import Callable
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.formulas import Pool, t_interval
from app.metrics.formulas.intervals import Interval
from tests.simulations.tables import SEED, Table

SIZES: Final = (20, 40, 200, 2000)
TRUTHS: Final = (0.05, 0.2, 0.5, 0.8, 0.95)
QUESTIONS: Final = 5
ALIKE: Final = 0.3
"""Correlation of two answers of one person, being favourable or not."""
Estimator = Callable[[Pool], Interval | None]


def linearised(pool: Pool) -> Interval | None:
    """What was served before."""
    of = pool.share()
    return None if of is None else t_interval(of)


def served(pool: Pool) -> Interval | None:
    return pool.interval()


def coverage(estimator: Estimator, n: int, truth: float, runs: int, seed: int = SEED) -> float:
    """Persons have a chance of their own (beta), and answer 3 to 5 questions with it."""
    random = np.random.default_rng(seed)
    weight = 1 / ALIKE - 1
    held = 0
    for _ in range(runs):
        given = random.integers(3, QUESTIONS + 1, n)
        high = random.binomial(given, random.beta(truth * weight, (1 - truth) * weight, n))
        interval = estimator(pool_of(given, high))
        held += interval is not None and interval.low <= truth <= interval.high
    return held / runs


def pool_of(given: NDArray[np.int64], high: NDArray[np.int64]) -> Pool:
    return Pool(
        len(given),
        float(given.sum()),
        float(high.sum()),
        float((given**2).sum()),
        float((high**2).sum()),
        float((given * high).sum()),
    )


RUNS: Final = 10_000
TABLES: Final = [
    Table(
        "favourable shares",
        ("persons", "true share"),
        ("before", "served"),
        list(product(SIZES, TRUTHS)),
        lambda n, truth: [coverage(of, n, truth, RUNS) for of in (linearised, served)],
        f"{RUNS:,} samples a cell",
        coverage=["served"],
    )
]
