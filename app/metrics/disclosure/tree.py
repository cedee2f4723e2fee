"""Which groups of an organisation's tree may be shown, and how precisely (disclosure.md 3.2).

Decided from who belongs to which set, never from what anybody answered.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.metrics.sample import Groups, Integers, Places, Rollup
from app.metrics.words import Precision, Suppression

Rule = Literal["R1", "R2", "R4", "R5a"]

EXACT_FROM = 20
NAMES_THE_SILENT = (1, 2)

NOBODY = Places(np.empty(0, dtype=np.int64), {})

Amounts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A group with counts of its whole subtree: `n` have both scores, of `responded`, of `invited`.

    The organisation is the one node without parent. `invited` is None where nobody was: there is no frame.
    """

    ordinal: int
    parent: int | None
    depth: int
    key: str
    n: int
    invited: int | None
    responded: int


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` is the one that hides a suppressed group. `left` counts the persons of a shown group of the tree
    who are in none of the groups shown inside it.
    """

    status: Literal["ok", "suppressed"]
    reason: Suppression | None
    precision: Precision | None
    shows_invited: bool
    rule: Rule | None = None
    left: int | None = None


Published = dict[Node, int | None]
"""The groups that are shown, each with its nearest shown ancestor, outermost first."""

Nearest = dict[int | None, int | None]
"""The nearest selected group of every node, which is the node itself where it was selected."""


def decide(nodes: Iterable[Node], k: int, among: AbstractSet[int] | None = None) -> dict[int, Decision]:
    """A decision for every ordinal; `k` is the smallest set of persons that may be shown.

    With `among`, no other group is shown: those that every release of the survey is made of (R2).
    """
    ordered = in_order(nodes)
    nearest = select(ordered, lambda node: _persons(node, k, among), lambda own: none_or_enough(own[0], k))
    published = {node: nearest[node.parent] for node in ordered if nearest[node.ordinal] == node.ordinal}
    precisions, with_invited = _precisions(published), _showing_invited(ordered, published)
    left = _left(published)
    decisions = {node.ordinal: _suppressed(node, k, among) for node in ordered}
    for node in published:
        ordinal = node.ordinal
        shows_invited = ordinal in with_invited
        decisions[ordinal] = Decision("ok", None, precisions[ordinal], shows_invited, left=left[ordinal])
    return decisions


def tree_nodes(groups: Groups, n: Integers) -> list[Node]:
    """Of groups of which only a number is known, one each with all below it."""
    depths = Rollup(groups, NOBODY).depths
    return [
        Node(ordinal, parent, int(depths[ordinal]), groups.keys[ordinal], int(n[ordinal]), None, 0)
        for ordinal, parent in enumerate(groups.parents)
    ]


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """R4: the order in which groups are tried."""
    return sorted(nodes, key=lambda node: (node.depth, -node.n, node.key))


def none_or_enough(amount: int, k: int) -> bool:
    return amount == 0 or amount >= k


def _persons(node: Node, k: int, among: AbstractSet[int] | None) -> Amounts | None:
    """R1: None for a group too small to show by itself."""
    if among is not None and node.ordinal not in among:
        return None
    return (node.n,) if _is_enough(node, k) else None


def _is_enough(node: Node, k: int) -> bool:
    return node.n >= k and (node.invited is None or node.invited >= k)


def _suppressed(node: Node, k: int, among: AbstractSet[int] | None) -> Decision:
    if not _is_enough(node, k):
        return Decision("suppressed", "below_minimum", None, False, rule="R1")
    is_of_no_release = among is not None and node.ordinal not in among
    return Decision("suppressed", "complementary", None, False, rule="R2" if is_of_no_release else "R4")


def _left(published: Published) -> dict[int, int]:
    left = {node.ordinal: node.n for node in published}
    for node, anchor in published.items():
        if anchor is not None:
            left[anchor] -= node.n
    return left


def select(
    ordered: Sequence[Node],
    amounts: Callable[[Node], Amounts | None],
    is_safe: Callable[[Amounts], bool],
) -> Nearest:
    """Selects each node, ancestors first, that leaves safe amounts in itself and in the group around it.

    In a tree the sets derivable from the selected groups are unions of what is left in each (R3), so looking
    at these two is enough. A node without amounts is passed over; the outermost one with amounts is always
    selected.
    """
    nearest: Nearest = {None: None}
    left: dict[int, Amounts] = {}
    for node in ordered:
        own, outer = amounts(node), nearest[node.parent]
        nearest[node.ordinal] = outer
        if own is None:
            continue
        rest = () if outer is None else _minus(left[outer], own)
        if outer is None or (is_safe(own) and is_safe(rest)):
            nearest[node.ordinal] = node.ordinal
            left[node.ordinal] = own
            if outer is not None:
                left[outer] = rest
    return nearest


def _minus(whole: Amounts, part: Amounts) -> Amounts:
    return tuple(a - b for a, b in zip(whole, part, strict=True))


def _precisions(published: Published) -> dict[int, Precision]:
    """R7: the parent and siblings of a banded group are whole numbers, except for the organisation."""
    coarse = {anchor for node, anchor in published.items() if node.n < EXACT_FROM}

    def precision(node: Node, anchor: int | None) -> Precision:
        if node.n < EXACT_FROM:
            return "banded"
        if anchor is None:
            return "exact"
        return "integer" if anchor in coarse or node.ordinal in coarse else "exact"

    return {node.ordinal: precision(node, anchor) for node, anchor in published.items()}


def _showing_invited(ordered: Sequence[Node], published: Published) -> set[int]:
    """R8: nothing derivable from the numbers shown leaves one or two persons who did not answer.

    A group with so few, in itself or in what its published parts leave of it, hides its `invited` at once.
    Of the others, outermost and larger first, each shows it that leaves no such count between numbers shown.
    The organisation's was told while the survey was open, so it counts as shown even where it is hidden now.
    """
    silent = {node.ordinal: _silent(node) for node in published if node.invited is not None}
    rest = silent.copy()
    for node, anchor in published.items():
        if anchor is not None and anchor in rest:
            rest[anchor] = _minus(rest[anchor], silent[node.ordinal])
    candidates = {
        ordinal: own for ordinal, own in silent.items() if _names_nobody(own) and _names_nobody(rest[ordinal])
    }
    nearest = select(
        ordered,
        lambda node: (silent if node.parent is None else candidates).get(node.ordinal),
        _names_nobody,
    )
    return {ordinal for ordinal in candidates if nearest[ordinal] == ordinal}


def showing_complete(
    groups: Groups, with_invited: AbstractSet[int], invited: Integers, responded: Integers, complete: Integers
) -> set[int]:
    """Of the groups that show `invited`, those that may tell how many answered everything (R8).

    Nothing derivable from the numbers shown leaves one or two who did, who skipped something, or who did not.
    All three have a number a group. A count that is not shown is known to nobody, so unlike that of the
    invited it is of no use in a subtraction.
    """
    apart = np.column_stack([invited - complete, responded - complete, complete])
    candidates = {
        ordinal: own
        for ordinal in with_invited
        if groups.is_team(ordinal) and _names_nobody(own := tuple(apart[ordinal].tolist()))
    }
    nodes = in_order(tree_nodes(groups, responded))
    nearest = select(nodes, lambda node: candidates.get(node.ordinal), _names_nobody)
    return {ordinal for ordinal in candidates if nearest[ordinal] == ordinal}


def _silent(node: Node) -> Amounts:
    invited = node.invited or 0
    return invited - node.responded, invited - node.n


def _names_nobody(silent: Amounts) -> bool:
    return not any(count in NAMES_THE_SILENT for count in silent)
