from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval, Z
from app.metrics.formulas.special import ndtr, ndtri

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
    weights = _drawn(random, count, draws)
    size = weights @ n
    means = weights @ sums / size[:, None]
    squares = _square(weights @ products / size[:, None], rows.shape[1])
    return Resamples(centre + means, _correlations(squares, means))


@dataclass(frozen=True, slots=True)
class PairSums:
    """Units x (n, sums, squares, products) x columns x columns, over the persons who have both columns."""

    sums: NDArray[np.float64]

    @classmethod
    def take(cls, table: NDArray[np.float64], seed: int = 0) -> "PairSums":
        """Of persons x columns, NaN where missing; each person a unit, or of very many some together."""
        ordered = table[np.lexsort(table.T)]
        given = np.ascontiguousarray((~np.isnan(ordered)).astype(np.float64).T)
        x = np.nan_to_num((ordered - np.nanmean(ordered, axis=0)) / np.nanstd(ordered, axis=0))
        x = np.ascontiguousarray(x.T)
        unit_of, count = _units(len(table), None, np.random.default_rng(seed))
        columns = range(table.shape[1])
        sums = np.empty((count, 4, len(columns), len(columns)))
        for kind, (own, other) in enumerate(((given, given), (x, given), (x * x, given), (x, x))):
            is_symmetric = own is other
            for row, column in product(columns, columns):
                if is_symmetric and column < row:
                    sums[:, kind, row, column] = sums[:, kind, column, row]
                else:
                    both = own[row] * other[column]
                    sums[:, kind, row, column] = np.bincount(unit_of, weights=both, minlength=count)
        return cls(sums)

    def correlations(self) -> NDArray[np.float64]:
        """1 x columns x columns."""
        return _of_pairs(self.sums.sum(axis=0)[None])

    def resampled(self, seed: int, draws: int) -> NDArray[np.float64]:
        """Draws x columns x columns, NaN where a draw has no such correlation."""
        count = len(self.sums)
        weights = _drawn(np.random.default_rng(seed), count, draws)
        return _of_pairs((weights @ self.sums.reshape(count, -1)).reshape(draws, *self.sums.shape[1:]))

    def left_out(self) -> NDArray[np.float64]:
        """Units x columns x columns: without each unit in turn."""
        return _of_pairs(self.sums.sum(axis=0) - self.sums)


def _of_pairs(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        _, means, squares, products = np.moveaxis(sums / sums[:, :1], 1, 0)
        variances = np.where(squares - means**2 > FLAT, squares - means**2, np.nan)
        covariances = products - means * means.transpose(0, 2, 1)
        spread = np.sqrt(variances * variances.transpose(0, 2, 1))
        return np.asarray(np.clip(covariances / spread, -1, 1))


def bca_interval(
    estimate: float, drawn: NDArray[np.float64], left_out: NDArray[np.float64], z: float = Z
) -> Interval:
    """BCa (Efron 1987), 95% unless `z` says otherwise; it holds the estimate.

    `left_out` has the estimate without each unit in turn.
    """
    below = ((drawn < estimate).sum() + (drawn <= estimate).sum()) / (2 * len(drawn))
    bias = float(ndtri(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn))))
    away = left_out.mean() - left_out
    spread = float((away**2).sum())
    acceleration = float((away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    tails = [bias + (bias + end) / max(1 - acceleration * (bias + end), FLAT) for end in (-z, z)]
    low, high = np.quantile(drawn, ndtr(tails))
    return Interval(min(float(low), estimate), max(float(high), estimate))


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


def _drawn(random: np.random.Generator, count: int, draws: int) -> NDArray[np.float64]:
    """How often each unit is in each draw."""
    units = random.integers(count, size=(draws, count)) + count * np.arange(draws)[:, None]
    return np.bincount(units.ravel(), minlength=draws * count).reshape(draws, count).astype(np.float64)


def _totals(
    centred: NDArray[np.float64], unit_of: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each unit the number of persons, the sums of columns and those of their products, each once."""

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(unit_of, weights=values, minlength=count).astype(np.float64)

    columns = np.ascontiguousarray(centred.T)
    pairs = zip(*np.tril_indices(len(columns)), strict=True)
    products = np.column_stack([total(columns[row] * columns[column]) for row, column in pairs])
    sums = np.column_stack([total(column) for column in columns])
    return np.bincount(unit_of, minlength=count).astype(np.float64), sums, products


def _square(pairs: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Draws x pairs, each once, as draws x size x size."""
    rows, columns = np.tril_indices(size)
    whole = np.empty((len(pairs), size, size))
    whole[:, rows, columns] = whole[:, columns, rows] = pairs
    return whole


def _correlations(squares: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """From mean products about any centre and the means about it, each a draw."""
    covariances = squares - means[:, :, None] * means[:, None, :]
    variances, places = np.diagonal(covariances, axis1=1, axis2=2), np.arange(means.shape[1])
    is_flat = variances <= np.maximum(ZERO_SPREAD**2, FLAT * np.diagonal(squares, axis1=1, axis2=2))
    spread = np.where(is_flat, np.inf, np.sqrt(np.maximum(variances, 0)))
    correlations = np.clip(covariances / (spread[:, :, None] * spread[:, None, :]), -1, 1)
    correlations[:, places, places] = 1
    return np.asarray(correlations)
