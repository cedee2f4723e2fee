from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval

DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Resamples:
    """`means` is draws x columns, `correlations` draws x columns x columns (0 with a column that is flat)."""

    means: NDArray[np.float64]
    correlations: NDArray[np.float64]


def resample(
    rows: NDArray[np.float64], seed: int, draws: int = DRAWS, clusters: ArrayLike | None = None
) -> Resamples:
    """Bootstrap of complete persons x columns (Efron 1979), whole clusters where each person's is given.

    A person drawn twice is a weight of 2, so that no draw copies the rows.
    """
    _, cluster_of = np.unique(np.arange(len(rows)) if clusters is None else clusters, return_inverse=True)
    count, random = int(cluster_of.max()) + 1, np.random.default_rng(seed)
    weights = (np.bincount(random.integers(count, size=count), minlength=count) for _ in range(draws))
    drawn = (_weighted(rows, weight[cluster_of].astype(np.float64)) for weight in weights)
    means, correlations = zip(*drawn, strict=True)
    return Resamples(np.array(means), np.array(correlations))


def correlations_of(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns x columns, 0 with a column that is flat."""
    return _weighted(rows, np.ones(len(rows)))[1]


def percentile_interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [1 - UPPER_TAIL, UPPER_TAIL])
    return Interval(float(low), float(high))


def _weighted(
    rows: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centred before squaring: the difference of two sums would give a flat column a spread."""
    total = weights.sum()
    means = weights @ rows / total
    centred = rows - means
    covariances = (centred * weights[:, None]).T @ centred / total
    spread = np.sqrt(np.diag(covariances))
    return means, _scaled(covariances, np.where(spread > ZERO_SPREAD, spread, np.inf))


def _scaled(covariances: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    correlations = covariances / np.outer(spread, spread)
    np.fill_diagonal(correlations, 1)
    return np.asarray(correlations)
