"""Which shares of options may be told (disclosure.md, least cell).

No number of a few persons, nor of all but a few, in a group or in what the groups told inside it leave of it.
"""

from collections.abc import Collection, Sequence

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

    def amounts(ordinal: int) -> Amounts | None:
        own = tuple(int(part) for part in parts[ordinal])
        return own if ordinal in exact and min(own, default=0) >= k else None

    nodes = in_order(tree_nodes(groups, parts.sum(axis=1)))
    nearest = select(nodes, lambda node: amounts(node.ordinal), lambda own: _is_safe(own, k))
    return {node.ordinal for node in nodes if nearest[node.ordinal] == node.ordinal}


def _is_safe(own: Amounts, k: int) -> bool:
    return not any(own) or min(own) >= k
