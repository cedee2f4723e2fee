"""Which shares of options, and which counts of some persons, may be told (disclosure.md, least cell and R8).

No number of a few persons, nor of all but a few, in a group or in what the groups told inside it leave of it.
"""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from app.metrics.disclosure.tree import Amounts, in_order, none_or_enough, select, tree_nodes
from app.metrics.sample import Flags, Groups, Integers


def left_out_by_lot(answered: Flags, regions: Integers, order: Integers, k: int) -> Flags:
    """Who counts of those who answered (R6): in each region those who do not are nobody or at least k.

    As many more are left out as that takes, those first in the order; of a region in which fewer than k would
    be left, everybody.
    """
    counted = answered.copy()
    for region in np.unique(regions):
        own = np.flatnonzero(regions == region)
        lacking = int(np.count_nonzero(~answered[own]))
        more = 0 if none_or_enough(lacking, k) else k - lacking
        drawn = own[answered[own]]
        drawn = drawn[np.argsort(order[drawn])]
        counted[drawn if len(drawn) - more < k else drawn[:more]] = False
    return counted


def tellable(of_all: Integers, k: int) -> list[int]:
    """The options of which one is chosen that can be told, from how often the whole organisation chose each.

    The others are those of fewer than k, and the next larger ones until together they are nobody or k.
    """
    largest_first = sorted(range(len(of_all)), key=lambda option: (-of_all[option], option))
    told = [option for option in largest_first if of_all[option] >= k]
    while told and not _rest_is_safe(of_all, told, k):
        told.pop()
    return sorted(told)


def _rest_is_safe(of_all: Integers, told: Sequence[int], k: int) -> bool:
    return len(told) == len(of_all) or int(of_all.sum() - of_all[told].sum()) >= k


def told_where(parts: Integers, groups: Groups, exact: Collection[int], k: int) -> set[int]:
    """The groups of the tree that tell how their persons divide over these parts; `parts` is groups x parts.

    All that can be derived are sums of parts over what is left between groups told, and each is k or more.
    """

    return _selected(parts, groups, exact, lambda own: min(own, default=0) >= k)


def count_told_where(
    some: Integers, counted: Integers, of: Integers, groups: Groups, among: Collection[int], k: int
) -> set[int]:
    """Of these groups, those of the tree that tell how many of their persons are of some kind.

    It is told beside `of`, how many the group has, and how many of them are counted in the score: so k are of
    the kind, k are not, and those who are neither of it nor counted are nobody or k, in the group and in what
    is left between groups told. That nobody is of it would tell something of everybody there.
    """

    def is_enough(own: Amounts) -> bool:
        kind, score, neither = own
        return kind >= k and score + neither >= k and none_or_enough(score, k) and none_or_enough(neither, k)

    parts = np.column_stack([some, counted, of - some - counted])
    return _selected(parts, groups, among, is_enough)


def rest_told_where(some: Integers, of: Integers, groups: Groups, among: Collection[int], k: int) -> set[int]:
    """Of these groups, those of the tree that may tell something of some of their persons: the others are
    nobody or k, in the group and in what is left between groups that tell it.
    """
    parts = np.column_stack([of - some, some])
    return _selected(parts, groups, among, lambda own: none_or_enough(own[0], k))


def _selected(
    parts: Integers, groups: Groups, among: Collection[int], is_enough: Callable[[Amounts], bool]
) -> set[int]:
    """Of these groups, those whose parts are enough in themselves and in what is left of the one around."""
    own = {
        ordinal: tuple(int(part) for part in parts[ordinal]) for ordinal in among if groups.is_team(ordinal)
    }
    enough = {ordinal: amounts for ordinal, amounts in own.items() if is_enough(amounts)}
    nodes = in_order(tree_nodes(groups, parts.sum(axis=1)))
    nearest = select(
        nodes, lambda node: enough.get(node.ordinal), lambda left: not any(left) or is_enough(left)
    )
    return {node.ordinal for node in nodes if nearest[node.ordinal] == node.ordinal}
