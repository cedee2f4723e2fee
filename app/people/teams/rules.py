"""Which teams make a tree."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from enum import Enum, auto

MAXIMUM_LEVELS = 50
Parents = Mapping[str, str | None]
"""Each team and the one above it; None above a root."""


class Refusal(Enum):
    UNKNOWN_PARENT = auto()
    FAILED_PARENT = auto()
    CYCLE = auto()
    TOO_DEEP = auto()


def refused_teams(existing: Parents, wanted: Parents, failed: Collection[str | None]) -> dict[str, Refusal]:
    """Which of the wanted teams cannot have their parent, so that the others make a tree.

    A refused team stays where it was, which may put another in the wrong: hence the rounds.
    """
    refused: dict[str, Refusal] = {}
    while found := _refused_next(
        existing,
        {team: parent for team, parent in wanted.items() if team not in refused},
        {*failed, *refused},
    ):
        refused |= found
    return refused


def _refused_next(existing: Parents, wanted: Parents, failed: Collection[str | None]) -> dict[str, Refusal]:
    tree = {**existing, **wanted}
    orphans = {
        team: Refusal.FAILED_PARENT if parent in failed else Refusal.UNKNOWN_PARENT
        for team, parent in wanted.items()
        if parent is not None and parent not in tree
    }
    if orphans:
        return orphans
    moved = {team for team, parent in wanted.items() if team not in existing or existing[team] != parent}
    levels = levels_of(tree)
    if len(levels) < len(tree):
        return dict.fromkeys(_on_a_cycle(tree, tree.keys() - levels) & moved, Refusal.CYCLE)
    too_deep = (team for team, level in levels.items() if level > MAXIMUM_LEVELS)
    return {_nearest(team, tree, moved): Refusal.TOO_DEEP for team in too_deep}


def levels_of(parents: Parents) -> dict[str, int]:
    """The level of each team, 1 for a root; a team on or below a cycle has none."""
    below: defaultdict[str | None, list[str]] = defaultdict(list)
    for team, parent in parents.items():
        below[parent].append(team)
    levels: dict[str, int] = {}
    row, level = below[None], 1
    while row:
        levels |= dict.fromkeys(row, level)
        row, level = [child for team in row for child in below[team]], level + 1
    return levels


def _on_a_cycle(parents: Parents, rootless: Collection[str]) -> set[str]:
    """Going up from everywhere at once, only the cycles are left in the end."""
    left = set(rootless)
    while len(above := {parent for team in left if (parent := parents[team])}) < len(left):
        left = above
    return left


def _nearest(team: str, parents: Parents, among: Collection[str]) -> str:
    """The team itself or the nearest one above it that is among these."""
    while team not in among:
        parent = parents[team]
        assert parent is not None, "no team is too deep unless one above it moved"
        team = parent
    return team
