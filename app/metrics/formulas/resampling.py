from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval

DRAWS = 1000
MOST_UNITS = 2000
"""More persons or clusters are merged at random into so many: their totals vary as much as before."""
FLAT = 1e-12
"""A variance below this part of the mean square is rounding; one person of 100,000 aside lies far above."""


@dataclass(frozen=True, slots=True)
class Resamples:
    """`means` is draws x columns, `correlations` draws x columns x columns (0 with a column that is flat)."""

    means: NDArray[np.float64]
    correlations: NDArray[np.float64]


def resample(
    rows: NDArray[np.float64], seed: int, draws: int = DRAWS, clusters: ArrayLike | None = None
) -> Resamples:
    """Bootstrap of complete persons x columns (Efron 1979), whole clusters where each person's is given.

    Draws add up sums and products that each unit has once, so they cost the same for any number of persons.
    The order of the rows decides nothing.
    """
    random = np.random.default_rng(seed)
    ordered = rows[np.lexsort(rows.T)] if clusters is None else rows
    unit_of, count = _units(len(rows), clusters, random)
    centre = rows.mean(axis=0)
    n, sums, products = _totals(ordered - centre, unit_of, count)
    weights = np.array(
        [np.bincount(random.integers(count, size=count), minlength=count) for _ in range(draws)], dtype=float
    )
    size = weights @ n
    means = weights @ sums / size[:, None]
    squares = (weights @ products.reshape(count, -1) / size[:, None]).reshape(draws, *products.shape[1:])
    return Resamples(centre + means, _correlations(squares, means))


def correlations_of(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns x columns, 0 with a column that is flat."""
    centred = rows - rows.mean(axis=0)
    squares, means = centred.T @ centred / len(rows), centred.mean(axis=0)
    return np.asarray(_correlations(squares[None], means[None])[0])


def percentile_interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [1 - UPPER_TAIL, UPPER_TAIL])
    return Interval(float(low), float(high))


def _units(
    persons: int, clusters: ArrayLike | None, random: np.random.Generator
) -> tuple[NDArray[np.int64], int]:
    """The unit each person is drawn with, and how many there are."""
    _, unit_of = np.unique(np.arange(persons) if clusters is None else clusters, return_inverse=True)
    count = int(unit_of.max()) + 1
    if count <= MOST_UNITS:
        return unit_of, count
    return (random.permutation(count) % MOST_UNITS)[unit_of], MOST_UNITS


def _totals(
    centred: NDArray[np.float64], unit_of: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each unit the number of persons, the sums of columns and those of their products."""

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(unit_of, weights=values, minlength=count).astype(np.float64)

    products = np.empty((count, centred.shape[1], centred.shape[1]))
    for row, one in enumerate(centred.T):
        for column, other in enumerate(centred.T[: row + 1]):
            products[:, row, column] = products[:, column, row] = total(one * other)
    sums = np.column_stack([total(column) for column in centred.T])
    return np.bincount(unit_of, minlength=count).astype(np.float64), sums, products


def _correlations(squares: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """From mean products about any centre and the means about it, each a draw."""
    covariances = squares - means[:, :, None] * means[:, None, :]
    variances, places = np.diagonal(covariances, axis1=1, axis2=2), np.arange(means.shape[1])
    is_flat = variances <= np.maximum(ZERO_SPREAD**2, FLAT * np.diagonal(squares, axis1=1, axis2=2))
    spread = np.where(is_flat, np.inf, np.sqrt(np.maximum(variances, 0)))
    correlations = np.clip(covariances / (spread[:, :, None] * spread[:, None, :]), -1, 1)
    correlations[:, places, places] = 1
    return np.asarray(correlations)
