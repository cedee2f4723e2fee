"""How often the interval of a rate of recognition holds the truth: it comes in clumps by person."""

from collections.abc import Callable
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.formulas import Pool, Rate, clumped_rate, drawn_in, poisson_rate, ratio_of_clumped
from app.metrics.formulas.intervals import Interval
from app.metrics.formulas.resampling import percentile_interval
from app.metrics.recognition.blocks import MOST_REACHED_BY
from tests.simulations.tables import SEED, Table

SIZES: Final = (20, 40, 200, 2000)
CLUMPS: Final = {"none": 0.0, "some": 2.0, "many": 0.5}
"""Shape of the gamma distribution of persons' own rates; 0 where all have the same."""
RATE: Final = 1.0
COMPARED: Final = ((10, 100), (20, 180), (40, 200), (200, 2000))
Estimator = Callable[[NDArray[np.int64], NDArray[np.float64]], Interval]


def pool_of(events: NDArray[np.int64] | NDArray[np.float64], months: NDArray[np.float64]) -> Pool:
    return Pool(
        len(events),
        float(months.sum()),
        float(events.sum()),
        float(months @ months),
        float(events @ events),
        float(events @ months),
    )


def served(events: NDArray[np.int64], months: NDArray[np.float64]) -> Interval:
    return _of(clumped_rate(pool_of(events, months)))


def poisson(events: NDArray[np.int64], months: NDArray[np.float64]) -> Interval:
    """What was served before."""
    return _of(poisson_rate(int(events.sum()), float(months.sum())))


def bootstrap(events: NDArray[np.int64], months: NDArray[np.float64]) -> Interval:
    draws = np.random.default_rng(1).integers(len(events), size=(400, len(events)))
    return percentile_interval(events[draws].sum(axis=1) / months[draws].sum(axis=1))


def coverage(estimator: Estimator, n: int, clumps: float, runs: int, seed: int = SEED) -> float:
    """Persons employed for one to three months, each with a rate of their own."""
    random = np.random.default_rng(seed)
    held = 0
    for _ in range(runs):
        interval = estimator(*drawn(random, n, RATE, clumps))
        held += interval.low <= RATE <= interval.high
    return held / runs


def drawn(
    random: np.random.Generator, n: int, rate: float, clumps: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    months = random.choice([1.0, 2.0, 3.0, 3.0, 3.0], n)
    own = random.gamma(clumps, rate / clumps, n) if clumps else np.full(n, rate)
    return random.poisson(own * months), months


def coverage_of_ratio(n: int, others: int, clumps: float, ratio: float, runs: int, seed: int = SEED) -> float:
    """Of a group whose true rate is so many times that of everybody else, who counts as it is served."""
    random = np.random.default_rng(seed)
    held = told = 0
    for _ in range(runs):
        groups = drawn(random, n, ratio * RATE, clumps), drawn(random, others, RATE, clumps)
        counted = drawn_in(np.concatenate([events for events, _ in groups]), MOST_REACHED_BY)
        own, rest = (
            pool_of(events, months)
            for events, (_, months) in zip(np.split(counted, [n]), groups, strict=True)
        )
        of = ratio_of_clumped(own, rest)
        if of is not None:
            told, held = told + 1, held + (of.ci.low <= ratio <= of.ci.high)
    return held / told


def _of(rate: Rate | None) -> Interval:
    assert rate is not None
    return rate.ci


RUNS, OF_BOOTSTRAP = 5000, 500
TABLES: Final = [
    Table(
        "rates",
        ("persons", "clumps"),
        ("Poisson", "bootstrap", "served"),
        list(product(SIZES, CLUMPS)),
        lambda n, clumps: [
            coverage(of, n, CLUMPS[clumps], runs)
            for of, runs in ((poisson, RUNS), (bootstrap, OF_BOOTSTRAP), (served, RUNS))
        ],
        f"{RUNS:,} samples a cell, {OF_BOOTSTRAP} of the bootstrap",
        coverage=["served"],
    ),
    Table(
        "ratios of rates",
        ("persons", "others", "clumps"),
        ("true ratio 1", "true ratio 2"),
        [(*sizes, clumps) for sizes, clumps in product(COMPARED, CLUMPS)],
        lambda n, others, clumps: [
            coverage_of_ratio(n, others, CLUMPS[clumps], ratio, RUNS) for ratio in (1.0, 2.0)
        ],
        f"{RUNS:,} samples a cell",
        coverage=["true ratio 1", "true ratio 2"],
    ),
]
