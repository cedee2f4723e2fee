"""Facets beside the dimension they are the mean of: who has fewer of them than most (disclosure.md R6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.metrics.disclosure.patterns import Measure
from app.metrics.disclosure.tree import Node
from app.metrics.formulas import Subtrees
from app.metrics.sample import Flags, Integers

ShownIn = dict[Measure, Integers]
"""By group of the tree, the nearest that shows the measure: itself, one around it, or -1."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`ordered` are all groups of the tree in the order in which they are tried, `parents` theirs by
    ordinal, -1 for none, and `shown` those of the headline. `group_of` has, for each region that headline
    numbers tell apart, the group it is left of.
    """

    ordered: Sequence[Node]
    parents: Integers
    shown: frozenset[int]
    group_of: Integers

    def totals(self, by_region: Integers) -> Integers:
        """Sums by group, of counts regions x columns."""
        direct = np.zeros((len(self.parents), by_region.shape[1]), dtype=np.int64)
        np.add.at(direct, self.group_of, by_region)
        subtrees = Subtrees(self.parents)
        return np.column_stack([subtrees.totals(column) for column in direct.T])


def even_out(
    shown_in: ShownIn, parts: Integers, regions: Integers, layout: Layout, is_sturdy: Flags, k: int
) -> ShownIn:
    """Hides facets, one a group at a time, until nothing undoes the dimension for all but a few.

    Take a times the dimension of a region, and b times each facet. A person of F facets is undone where
    all of his are used with b = -a / F: of a region that is one F, as persons with other numbers share a
    facet with him (the half rule). A facet is bound where using it takes k: where so many of its group's
    regions have it and are not undone, whatever is done with the other facets. Bound ones fall out, and
    then others may be bound. The regions where some are left have to be undone for all, or for all but k.
    """
    found, facets = dict(shown_in), list(shown_in)
    if not facets:
        return found
    use = _Use(np.column_stack([facet.known for facet in facets]), parts, regions, is_sturdy, k)
    while True:
        groups = np.column_stack([found[facet][layout.group_of] for facet in facets])
        exposed = use.exposed(groups)
        if not exposed:
            return found
        for group, number in _outermost(exposed, layout.parents).items():
            found[facets[number]] = _without(found[facets[number]], group, layout.parents)


def _outermost(exposed: Mapping[int, int], parents: Integers) -> dict[int, int]:
    """Those of groups below none of the others: what is hidden around a group may be all that it takes."""
    inside = set(exposed)
    for group in exposed:
        above = int(parents[group])
        while above >= 0 and above not in exposed:
            above = int(parents[above])
        if above < 0:
            inside.remove(group)
    return {group: facet for group, facet in exposed.items() if group not in inside}


def _without(nearest: Integers, group: int, parents: Integers) -> Integers:
    around = nearest[parents[group]] if parents[group] >= 0 else -1
    return np.where(nearest == group, around, nearest)


class _Use:
    """`known` is persons x facets."""

    def __init__(self, known: Flags, parts: Integers, regions: Integers, is_sturdy: Flags, k: int) -> None:
        self._known, self._parts, self._regions, self._k = known, parts, regions, k
        self._is_sturdy, self._count = is_sturdy, len(is_sturdy)
        self._n = np.bincount(regions, minlength=self._count)
        self._has = np.column_stack([np.bincount(regions[own], minlength=self._count) for own in known.T])

    def exposed(self, groups: Integers) -> dict[int, int]:
        """The facet to hide in each group that has one which is neither bound nor safe.

        `groups` is regions x facets: the group whose facet the region is part of, -1 for none.
        """
        used = (groups >= 0) & (self._has > 0) & ~self._is_sturdy[:, None]
        free = used
        while True:
            uneven = self._not_undone(free)
            bound = self._bound(groups, np.minimum(self._has, uneven[:, None]))
            if not np.any(free & bound):
                break
            free = free & ~bound
        few = (uneven > 0) & (uneven < self._k) | np.any(free & (self._has < self._k), axis=1)
        regions, facets = np.nonzero(free & few[:, None])
        return dict(sorted(zip(groups[regions, facets].tolist(), facets.tolist(), strict=True)))

    def _not_undone(self, free: Flags) -> Integers:
        """By region, how many are left at least when free facets undo the dimension."""
        undone = np.all(~self._known | free[self._regions], axis=1)
        width = int(self._parts.max(initial=0)) + 1
        cells = np.bincount(
            self._regions[undone] * width + self._parts[undone], minlength=self._count * width
        )
        return np.asarray(self._n - cells.reshape(self._count, width).max(axis=1))

    def _bound(self, groups: Integers, spread: Integers) -> Flags:
        """Whether the spreads of a facet in all regions of a group are k together: regions x facets."""
        bound = np.zeros(groups.shape, dtype=np.bool_)
        for facet, own in enumerate(groups.T):
            persons = np.where(self._is_sturdy, 0, spread[:, facet])
            total = np.bincount(own + 1, weights=persons)
            bound[:, facet] = total[own + 1] >= self._k
        return bound
