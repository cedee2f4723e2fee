from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, present


@dataclass(frozen=True, slots=True)
class Gini:
    """0 (all alike) to 1; `corrected`, times n/(n - 1), reaches 1 in a small group too.

    `top_tenth` is the share, 0-1, of the tenth (rounded up) of the persons who have most.
    """

    n: int
    value: float | None
    corrected: float | None
    top_tenth: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class Reciprocity:
    """`value`, 0-1, is the share of the `edges` whose reverse exists too."""

    edges: int
    value: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class Density:
    """`value`, 0-1, is the share of the n(n - 1) possible edges that exist."""

    n: int
    edges: int
    value: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class Centralisation:
    """0 (all alike) to 1 (everybody points at one person)."""

    n: int
    value: float | None
    undefined: Undefined | None


def gini(amounts: ArrayLike) -> Gini:
    """Concentration of `amounts`, 0 or more, one a person, zeros included, NaN where missing (Gini 1912)."""
    x = np.sort(present(amounts))
    if x.size and x[0] < 0:
        raise ValueError("an amount is 0 or more")
    n, total = len(x), float(x.sum())
    if n == 0 or total == 0:
        return Gini(n, None, None, None, "too_few" if n == 0 else "zero_total")
    value = max(0.0, float((2 * np.arange(1, n + 1) - n - 1) @ (x / total)) / n)
    return Gini(
        n=n,
        value=value,
        corrected=value * n / (n - 1) if n > 1 else None,
        top_tenth=float(x[-ceil(n / 10) :].sum()) / total,
        undefined=None if n > 1 else "too_few",
    )


def reciprocity(edges: ArrayLike) -> Reciprocity:
    """Edgewise reciprocity (Wasserman & Faust 1994) of `edges`, m x 2: from, to, as integers of any kind.

    An edge given twice counts once, an edge to oneself not at all.
    """
    distinct = _distinct(edges)
    if not len(distinct):
        return Reciprocity(0, None, "no_edge")
    both_ways = np.unique(np.vstack([distinct, distinct[:, ::-1]]), axis=0)
    mutual = 2 * len(distinct) - len(both_ways)
    return Reciprocity(len(distinct), mutual / len(distinct), None)


def density(edges: ArrayLike, n: int) -> Density:
    """Density of a directed network of `n` persons (Wasserman & Faust 1994); edges as of `reciprocity`."""
    distinct = _distinct(edges)
    if len(np.unique(distinct)) > n:
        raise ValueError("the edges name more persons than there are")
    if n < 2:
        return Density(n, 0, None, "too_few")
    return Density(n, len(distinct), len(distinct) / (n * (n - 1)), None)


def centralisation(degrees: ArrayLike) -> Centralisation:
    """Of a directed network by in-degree or out-degree, one a person with zeros included (Freeman 1979)."""
    degree = present(degrees)
    n = len(degree)
    if n < 2:
        return Centralisation(n, None, "too_few")
    return Centralisation(n, float((degree.max() - degree).sum()) / (n - 1) ** 2, None)


def _distinct(edges: ArrayLike) -> NDArray[np.int64]:
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
