"""What may be answered, who is invited and how an answer is kept. Pure: no I/O, nothing of ours."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DONT_KNOW = -1
NOT_ANSWERED = -2
ORGANIZATION = 0
"""Ordinal of the whole organisation among the frozen groups."""


@dataclass(frozen=True)
class Slot:
    """The place of one question in the array of answers, and its scale."""

    key: str
    low: int
    high: int


@dataclass(frozen=True)
class BadAnswer:
    key: str
    code: str
    detail: str


def check_answers(slots: Sequence[Slot], answers: Mapping[str, int | None]) -> list[BadAnswer]:
    """What is wrong with the answers, in the order they were given."""
    scales = {slot.key: slot for slot in slots}
    found = []
    for key, value in answers.items():
        slot = scales.get(key)
        if slot is None:
            found.append(BadAnswer(key, "unknown_question", "The questionnaire has no such question."))
        elif value is not None and not slot.low <= value <= slot.high:
            detail = f"An answer to this question is an integer from {slot.low} to {slot.high}."
            found.append(BadAnswer(key, "off_scale", detail))
    return found


def encode(slots: Sequence[Slot], answers: Mapping[str, int | None]) -> list[int]:
    """One slot a question: the answer, DONT_KNOW for null, NOT_ANSWERED where absent."""
    kept = {key: DONT_KNOW if value is None else value for key, value in answers.items()}
    return [kept.get(slot.key, NOT_ANSWERED) for slot in slots]


def decode(slots: Sequence[Slot], values: Sequence[int]) -> dict[str, int | None]:
    pairs = zip(slots, values, strict=True)
    return {slot.key: None if value == DONT_KNOW else value for slot, value in pairs if value != NOT_ANSWERED}


@dataclass(frozen=True)
class TeamNode:
    id: Hashable
    external_id: str
    name: str
    parent: Hashable | None


@dataclass(frozen=True)
class FrozenGroup:
    """A group of a survey. `parent` is the ordinal above; `depth` counts the teams above a team."""

    ordinal: int
    team: Hashable | None
    parent: int | None
    depth: int


def descendants(teams: Iterable[TeamNode], roots: Iterable[str]) -> set[Hashable]:
    """The ids of the teams named by their external ids, with all below them."""
    teams = list(teams)
    children = _children(teams)
    wanted = set(roots)
    stack = [team for team in teams if team.external_id in wanted]
    found: set[Hashable] = set()
    while stack:
        team = stack.pop()
        if team.id not in found:
            found.add(team.id)
            stack.extend(children[team.id])
    return found


def with_ancestors(teams: Iterable[TeamNode], ids: Iterable[Hashable]) -> set[Hashable]:
    parents = {team.id: team.parent for team in teams}
    found: set[Hashable] = set()
    for start in ids:
        step: Hashable | None = start
        while step is not None and step not in found:
            found.add(step)
            step = parents.get(step)
    return found


def freeze_groups(teams: Iterable[TeamNode], kept: set[Hashable]) -> list[FrozenGroup]:
    """The organisation and the kept teams in tree order: a team before those below it, siblings by name."""
    teams = [team for team in teams if team.id in kept]
    children = _children(teams)
    groups = [FrozenGroup(ORGANIZATION, None, None, 0)]
    stack = [(team, ORGANIZATION, 0) for team in reversed(children[None])]
    while stack:
        team, parent, depth = stack.pop()
        ordinal = len(groups)
        groups.append(FrozenGroup(ordinal, team.id, parent, depth))
        stack.extend((child, ordinal, depth + 1) for child in reversed(children[team.id]))
    return groups


def _children(teams: Iterable[TeamNode]) -> dict[Hashable | None, list[TeamNode]]:
    children: dict[Hashable | None, list[TeamNode]] = defaultdict(list)
    for team in sorted(teams, key=lambda team: (team.name, team.external_id)):
        children[team.parent].append(team)
    return children


def matches_segments(segments: Mapping[str, str], wanted: Mapping[str, Sequence[str]] | None) -> bool:
    return all(segments.get(name) in values for name, values in (wanted or {}).items())


def merged(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def silent_few(invited: int, responded: int) -> bool:
    """Whether so few are silent that the two counts together would name them."""
    return invited - responded in (1, 2)
