"""Whether groups of the tree and categories of dimensions single anybody out together (disclosure.md R5a).

What follows from both is a sum of a term of the region and one of the category of each dimension: a value a
person. `is_safe` says that each such sum which differs within some region lives on k persons or more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from app.metrics.disclosure.support import lives_on_few
from app.metrics.sample import Flags, Floats, Integers

MOST_HALVED: Final = 12
"""Categories of which every division in two is looked at; with more, a bound at most a factor two lower."""

MOST_CATEGORIES: Final = 100
MOST_ATOMS_PROVED: Final = 300
AT_ONCE: Final = 128
FAR_APART: Final = 100

Holding = Literal["together", "apart", "loosely"]


@dataclass(frozen=True, slots=True)
class Table:
    """One a person: the number of their region, and of their category in each dimension."""

    regions: Integers
    dimensions: Sequence[Integers]

    def contexts(self, dimension: int) -> Integers:
        """One number for the persons alike in everything but the dimension."""
        others = [own for number, own in enumerate(self.dimensions) if number != dimension]
        return numbered(self.regions, *others)


def numbered(*codes: Integers) -> Integers:
    """A number from 0 for every combination of codes that occurs, in their order."""
    number = np.zeros(len(codes[0]), dtype=np.int64)
    for own in codes:
        rank = _ranked(own)
        number = _ranked(number * (rank.max(initial=0) + 1) + rank)
    return number


def _ranked(values: Integers) -> Integers:
    """The rank of each among the different values, by sorting only where they lie too far apart to be
    counted.
    """
    if not len(values):
        return values
    least = int(values.min())
    if int(values.max()) - least > FAR_APART * len(values):
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    is_there = np.bincount(values - least) > 0
    return np.asarray((np.cumsum(is_there) - 1)[values - least], dtype=np.int64)


def is_safe(table: Table, persons: Flags, k: int) -> bool:
    """Whether all that differs within a region lives on k or more of the `persons`.

    Where the mixture of each context does not show it, a small table is put to a proof, and anything but a
    proof is a no. For one dimension and all persons the contexts say it exactly: it is the least cut of the
    graph of regions and categories.
    """
    holdings = _holdings(table, persons, k)
    if "loosely" not in holdings and ("apart" not in holdings or _has_large_pieces(table, persons, k)):
        return True
    is_exact = len(table.dimensions) == 1 and bool(persons.all())
    return not is_exact and _is_proved(table, persons, k)


def holds_together(table: Table, persons: Flags, k: int) -> bool:
    """Whether every sum with a term that differs between categories lives on k or more of the `persons`: not
    even where each region has one category do the terms go without.
    """
    is_together = all(holding == "together" for holding in _holdings(table, persons, k))
    return is_together or _is_proved(table, persons, k, fixes_terms=True)


def _holdings(table: Table, persons: Flags, k: int) -> list[Holding]:
    """Of each dimension, the last one first, up to one that is held loosely."""
    holdings: list[Holding] = []
    for dimension in reversed(range(len(table.dimensions))):
        holdings.append(_holding(table, persons, dimension, k))
        if holdings[-1] == "loosely":
            break
    return holdings


def _holding(table: Table, persons: Flags, dimension: int, k: int) -> Holding:
    """How firmly the contexts hold the categories of a dimension together.

    In one context the terms of the region and the other dimensions are one number, which undoes the term of
    at most one side when the categories are divided in two. So a term that tells two sides apart lives in
    each context on the fewer of both sides at least.
    """
    codes = _ranked(table.dimensions[dimension])
    categories = int(codes.max(initial=0)) + 1
    if categories == 1:
        return "together"
    if categories > MOST_CATEGORIES:
        return "loosely"
    rows = _mixed(table.contexts(dimension)[persons], codes[persons], categories)
    mixing = _divided(*rows) if categories <= MOST_HALVED else _bounded(*rows)
    if np.any((mixing > 0) & (mixing < k)):
        return "loosely"
    return "together" if np.all(mixing >= k) else "apart"


def _mixed(contexts: Integers, codes: Integers, categories: int) -> tuple[Floats, Floats]:
    """The counts by category of each kind of context with two categories or more, and how many are alike."""
    cells, persons = np.unique(contexts * categories + codes, return_counts=True)
    context, code = np.divmod(cells, categories)
    is_mixed = np.bincount(context)[context] > 1
    kept, row = np.unique(context[is_mixed], return_inverse=True)
    table = np.zeros((len(kept), categories), dtype=np.int64)
    table[row, code[is_mixed]] = persons[is_mixed]
    rows, alike = np.unique(table, axis=0, return_counts=True)
    return rows.astype(np.float64), alike.astype(np.float64)


def _divided(rows: Floats, alike: Floats) -> Floats:
    """For each division of the categories in two: the fewer of both sides, over all contexts."""
    categories = rows.shape[1]
    divisions = np.arange(1, 2 ** (categories - 1))
    total = rows.sum(axis=1, keepdims=True)
    found = np.zeros(len(divisions))
    for start in range(0, len(divisions), AT_ONCE):
        some = divisions[start : start + AT_ONCE]
        side = rows @ ((some >> np.arange(categories)[:, None]) & 1).astype(np.float64)
        found[start : start + AT_ONCE] = alike @ np.minimum(side, total - side)
    return found


def _bounded(rows: Floats, alike: Floats) -> Floats:
    """Bounds on the same for all divisions: the least cut of each piece, and 0 where there are more pieces.

    A context of a and b persons gives a division a * b / (a + b): at most the fewer of both, at least half.
    """
    import scipy  # noqa: PLC0415 as in app.metrics.formulas.special

    weights = rows.T @ (rows * (alike / rows.sum(axis=1))[:, None])
    np.fill_diagonal(weights, 0)
    pieces, piece = scipy.sparse.csgraph.connected_components(scipy.sparse.csr_array(weights), directed=False)
    cuts = [_least_cut(weights[np.ix_(piece == own, piece == own)]) for own in range(pieces)]
    return np.array([cut for cut in cuts if cut is not None] + [0.0] * (pieces > 1))


def _least_cut(weights: Floats) -> float | None:
    """Of a connected graph (Stoer & Wagner 1997); None for a single node."""
    least = None
    while len(weights) > 1:
        joined, is_out = weights[0].copy(), np.ones(len(weights), dtype=np.bool_)
        is_out[0], last, cut = False, 0, 0.0
        for _ in range(len(weights) - 1):
            before, last = last, int(np.argmax(np.where(is_out, joined, -1.0)))
            cut, is_out[last] = float(joined[last]), False
            joined += weights[last]
        least = cut if least is None else min(least, cut)
        weights[before] += weights[last]
        weights[:, before] += weights[:, last]
        weights[before, before] = 0
        weights = np.delete(np.delete(weights, last, axis=0), last, axis=1)
    return least


def _has_large_pieces(table: Table, persons: Flags, k: int) -> bool:
    """Where no context mixes what lies apart, a value is one number on each piece of a region.

    A piece is what contexts connect. A region of one piece has one number then: nothing differs in it.
    """
    atoms = numbered(table.regions, *table.dimensions)
    firsts = np.unique(atoms[persons], return_index=True)[1]
    if len(firsts) <= atoms.max(initial=0):
        return False
    contexts = [table.contexts(dimension)[persons][firsts] for dimension in range(len(table.dimensions))]
    pieces = _pieces(contexts)
    persons_of = np.bincount(pieces, weights=np.bincount(atoms[persons]))
    whole = np.unique(pieces, return_index=True)[1]
    region = table.regions[persons][firsts][whole]
    shares = np.bincount(numbered(region))[numbered(region)]
    return bool(np.all((shares == 1) | (persons_of >= k)))


def _pieces(contexts: Sequence[Integers]) -> Integers:
    """The piece of each atom, given its context in each dimension."""
    import scipy  # noqa: PLC0415 as in app.metrics.formulas.special

    atoms = len(contexts[0])
    offsets = np.cumsum([atoms, *(int(own.max()) + 1 for own in contexts)])
    ends = np.concatenate([own + offset for own, offset in zip(contexts, offsets, strict=False)])
    starts = np.tile(np.arange(atoms), len(contexts))
    graph = scipy.sparse.csr_array((np.ones(len(starts)), (starts, ends)), shape=(offsets[-1], offsets[-1]))
    _, piece = scipy.sparse.csgraph.connected_components(graph, directed=False)
    return np.asarray(piece[:atoms], dtype=np.int64)


def _is_proved(table: Table, persons: Flags, k: int, fixes_terms: bool = False) -> bool:
    """Whether no value other than zero lives on fewer than k, by exhausting all.

    Regions with fewer than k of the persons are left aside, where the others fix the terms by themselves:
    where these are as many as can be told apart.
    """
    region = numbered(table.regions)
    is_thick = np.bincount(region[persons], minlength=region.max() + 1) >= k
    atoms = numbered(region, *table.dimensions)
    firsts = np.unique(atoms, return_index=True)[1]
    if len(firsts) > MOST_ATOMS_PROVED:
        return False
    terms = _terms([region, *table.dimensions], firsts)
    kept = is_thick[region[firsts]]
    inside = terms[kept]
    free = is_thick.sum() + sum(len(np.unique(own)) - 1 for own in table.dimensions)
    if (fixes_terms or not is_thick.all()) and np.linalg.matrix_rank(inside) < free:
        return False
    weights = np.bincount(atoms[persons], minlength=len(firsts))[kept]
    return lives_on_few(inside.T, weights, k) is False


def _terms(codes: Sequence[Integers], atoms: Integers) -> Integers:
    """Atoms x terms: 1 for the terms that an atom's value is the sum of."""
    return np.hstack([own[atoms][:, None] == np.unique(own) for own in codes]).astype(np.int64)
