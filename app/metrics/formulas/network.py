from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, present
from app.metrics.formulas.special import ive


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


@dataclass(frozen=True, slots=True)
class Mixing:
    """Of events between groups: how many, the share 0-1 that crosses, and the E-I index, -1 to 1."""

    events: int
    cross: float | None
    ei_index: float | None
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
        corrected=min(1.0, value * n / (n - 1)) if n > 1 else None,
        top_tenth=float(x[-ceil(n / 10) :].sum()) / total,
        undefined=None if n > 1 else "too_few",
    )


def gini_by_chance(mean: float, n: int) -> float | None:
    """Of n persons to whom `mean` each comes by chance alone, as a Poisson count (Ramasubban 1958)."""
    if n < 1 or mean <= 0:
        return None
    return float((ive(0, 2 * mean) + ive(1, 2 * mean)) * (n - 1) / n)


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


def mixing(givers: ArrayLike, receivers: ArrayLike, events: ArrayLike) -> Mixing:
    """How much crosses groups (Krackhardt & Stern 1988): the group of giver and of receiver, and how often.

    One of each a pair of persons.
    """
    weights = np.asarray(events, dtype=np.int64)
    total = int(weights.sum())
    if total == 0:
        return Mixing(0, None, None, "no_edge")
    cross = float(weights[np.asarray(givers) != np.asarray(receivers)].sum()) / total
    return Mixing(total, cross, 2 * cross - 1, None)


def cross_share_at_random(groups: ArrayLike) -> float | None:
    """Share of all ordered pairs of persons that lie in two groups; `groups` has one a person."""
    sizes = np.unique_counts(np.asarray(groups)).counts.astype(np.float64)
    n = float(sizes.sum())
    return None if n < 2 else float(1 - (sizes * (sizes - 1)).sum() / (n * (n - 1)))


def weak_components(edges: ArrayLike, n: int) -> int:
    """Parts that no edge joins, whatever its direction, of persons 0 to n - 1; who has no edge is one."""
    import scipy  # noqa: PLC0415 as in app.metrics.formulas.special

    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    graph = scipy.sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return int(scipy.sparse.csgraph.connected_components(graph, directed=False)[0])


def isolates(edges: ArrayLike, n: int) -> int:
    """How many of the `n` persons neither gave nor received."""
    return n - len(np.unique(_distinct(edges)))


def _distinct(edges: ArrayLike) -> NDArray[np.int64]:
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
