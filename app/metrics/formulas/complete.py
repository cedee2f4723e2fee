from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.special import stdtr

Undefined = Literal[
    "no_edge",
    "no_leaver",
    "not_identified",
    "not_positive",
    "perfect",
    "single_group",
    "single_item",
    "too_few",
    "too_unreliable",
    "zero_total",
    "zero_variance",
]


def complete_rows(table: ArrayLike) -> NDArray[np.float64]:
    """Rows of a persons x columns table without a missing value (NaN)."""
    rows = np.asarray(table, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError("a table is persons x columns")
    return rows[is_complete(rows)]


def is_complete(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(rows).any(axis=1))


def complete_pairs(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of the persons who have both, in order."""
    both = complete_rows(np.column_stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)]))
    return both[:, 0], both[:, 1]


def present(values: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    return given[~np.isnan(given)]


def two_sided(t: float, df: float) -> float:
    return float(2 * stdtr(df, -abs(t)))
