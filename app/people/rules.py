"""Team trees, merge patches and periods of employment."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import Enum, auto
from typing import Any, NamedTuple

MAXIMUM_LEVELS = 50
Parents = Mapping[str, str | None]
"""Each team and the one above it; None above a root."""


class Refusal(Enum):
    UNKNOWN_PARENT = auto()
    FAILED_PARENT = auto()
    CYCLE = auto()
    TOO_DEEP = auto()


class Period(NamedTuple):
    """Both days included. No first day: since always; no last day: not known."""

    starts_on: date | None
    ends_on: date | None


class Held(NamedTuple):
    """What may be asked of a person as of a day. The team is its identifier."""

    team: str | None
    manager: str | None
    segments: Mapping[str, str]


class Past(NamedTuple):
    """What was held until a day, that day included."""

    ends_on: date
    held: Held


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


def merge_patch(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396, section 2."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            inner = merged.get(name)
            merged[name] = merge_patch(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged


def is_rehire(current: Period, wanted: Period) -> bool:
    """A leaver who starts again after his last day, with no last day known."""
    return (
        current.ends_on is not None
        and wanted.starts_on is not None
        and wanted.starts_on > current.ends_on
        and wanted.ends_on is None
    )


def earlier_periods(earlier: Iterable[Period], current: Period, wanted: Period) -> list[Period]:
    """The periods before `wanted`. One that does not end before it was a mistake and is dropped."""
    closed = [current] if is_rehire(current, wanted) else []
    first_day = wanted.starts_on or date.min
    return [period for period in (*earlier, *closed) if period.ends_on and period.ends_on < first_day]


def held_on(past: Sequence[Past], present: Held, day: date) -> Held:
    """Of a past in the order of its days."""
    return next((one.held for one in past if one.ends_on >= day), present)


def changed_past(past: Sequence[Past], present: Held, wanted: Held, since: date) -> list[Past]:
    """The past of who holds `wanted` from that day on, whatever was on file for it and later days."""
    if since == date.min:
        return []
    day_before = since - timedelta(days=1)
    before = held_on(past, present, day_before)
    earlier = [one for one in past if one.ends_on < day_before]
    return earlier if before == wanted else [*earlier, Past(day_before, before)]
