from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.drivers import TARGET, ImportanceDraws, chance_of_first


def chance_of_first_of_part(
    drawn: ImportanceDraws,
    means: ArrayLike,
    own_part: ArrayLike,
    variances: ArrayLike,
    correlations: NDArray[np.float64],
    seed: int,
    target: float = TARGET,
) -> NDArray[np.float64]:
    """`chance_of_first` for a part of those `drawn` of, weighed as the whole weighs, at its own scores.

    `means`, one a predictor, are drawn towards the whole but for `own_part`, 0-1; their errors have
    `variances` and correlate as the persons do. Draws move the whole, the part with it, and the part alone.
    """
    root = np.sqrt(np.asarray(variances, dtype=np.float64))
    errors = np.random.default_rng(seed).normal(size=drawn.means.shape) @ _square_root(correlations) * root
    moved = (1 - np.asarray(own_part)) * (drawn.means - drawn.means.mean(axis=0))
    return chance_of_first(replace(drawn, means=np.asarray(means) + moved + errors), target)


def _square_root(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(correlations)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T)
