"""Releases while a survey is open (disclosure.md R2): each adds nobody or at least k to every region."""

import numpy as np

from app.metrics.disclosure.tree import in_order, none_or_enough, select, tree_nodes
from app.metrics.sample import Flags, Groups, Integers


def base_regions(groups: Groups, invited: Integers, k: int) -> Integers:
    """The number of the region of each group of the tree, fixed when the survey opens; -1 where there is
    none.

    `invited` has one a group, with all below it. The regions are the finest that hold k invited each: a
    region goes by the ordinal of the group it is left of when the groups shown inside are taken out.
    """
    nodes = tree_nodes(groups, invited)
    nearest = select(
        in_order(nodes),
        lambda node: (node.n,) if node.n >= k else None,
        lambda own: none_or_enough(own[0], k),
    )
    found = [nearest[ordinal] for ordinal in range(len(nodes))]
    return np.array([-1 if ordinal is None else ordinal for ordinal in found], dtype=np.int64)


def admit(regions: Integers, in_headline: Flags, k: int) -> Flags:
    """Which of those waiting join the next release; both arguments have one a waiting person.

    All of a region where k of them have both scores. Who has not adds to no number of the headline, but
    would be seen to have come by himself in the number that responded: they wait for others too, k of
    their own kind where nobody else waits.
    """
    number = np.unique(regions, return_inverse=True)[1]
    headline = np.bincount(number, weights=in_headline)[number] if len(number) else np.zeros(0)
    others = np.bincount(number, weights=~in_headline)[number] if len(number) else np.zeros(0)
    return np.asarray((headline >= k) | ((headline == 0) & (others >= k)))
