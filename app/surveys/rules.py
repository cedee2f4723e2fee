"""What may be answered, who is invited and how an answer is kept. Pure: no I/O, nothing of ours."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from app.surveys.audience.rules import (
    ORGANIZATION,
    OTHER,
    Categories,
    Cell,
    MergedCells,
    Place,
    merge_categories,
    merge_cells,
)

DONT_KNOW = -1
NOT_ANSWERED = -2
UNKNOWN = "unknown"
"""Category of whoever has no value of a segment."""


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
            detail = (
                f"This answer is off the scale: send a whole number from {slot.low} to {slot.high}, or null."
            )
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


def categories_of(segments: Mapping[str, str], dimensions: Sequence[str]) -> Categories:
    return tuple(segments.get(name, UNKNOWN) for name in dimensions)


def freeze_cells(
    places: Sequence[Place], parents: Sequence[int | None], k: int, *, is_merged: bool
) -> MergedCells:
    """The cells of the people at these places, with the cell of each; categories under k are "other".

    Merged ones hold at least k people each (disclosure.md R9a).
    """
    placed = _reported(places, k)
    counts = Counter(placed)
    cells = [Cell(team, categories, counts[team, categories]) for team, categories in sorted(counts)]
    found = (
        merge_cells(cells, parents, k) if is_merged else MergedCells(tuple(cells), tuple(range(len(cells))))
    )
    index = dict(zip(sorted(counts), found.index, strict=True))
    return MergedCells(found.cells, tuple(index[place] for place in placed))


def _reported(places: Sequence[Place], k: int) -> list[Place]:
    columns = zip(*(categories for _, categories in places), strict=True)
    names = [merge_categories(Counter(column), k) for column in columns]
    return [
        (team, tuple(reported[own] for reported, own in zip(names, categories, strict=True)))
        for team, categories in places
    ]


def with_room_for_anybody(
    cells: Sequence[Cell], places: Sequence[Place], teams: int, dimensions: int
) -> list[Cell]:
    """For access open: also "other" and "unknown" of each team that keeps its people, or has none on file.

    Such a cell tells no more than the team. Of a team with fewer than k people not even that is kept.
    """
    invited = {(cell.team, cell.categories): cell.invited for cell in cells}
    kept, manned = {cell.team for cell in cells}, {team for team, _ in places}
    room = {
        (team, (category,) * dimensions)
        for team in range(teams)
        if team in kept or team not in manned
        for category in (OTHER, UNKNOWN)
    }
    return [Cell(*place, invited.get(place, 0)) for place in sorted(invited.keys() | room)]


@dataclass(frozen=True)
class OpenCells:
    """The cells that responses without a name may fall in: by place, with the teams that lead there."""

    dimensions: Sequence[str]
    categories: Set[tuple[str, str]]
    teams: Mapping[str, int]
    parents: Mapping[int, int | None]
    cells: Mapping[Place, int]

    def cell_of(self, team: int, segments: Mapping[str, str]) -> int:
        """The cell that says most of what the respondent said."""
        place = team, tuple(self._category(name, segments.get(name, UNKNOWN)) for name in self.dimensions)
        return next(self.cells[said] for said in coarser_places(place, self.parents) if said in self.cells)

    def _category(self, dimension: str, value: str) -> str:
        return value if (dimension, value) in self.categories else OTHER


def coarser_places(place: Place, parents: Mapping[int, int | None]) -> Iterator[Place]:
    """The place itself, then what says less and less: last categories as "other", then the teams above."""
    team, categories = place
    for kept in reversed(range(len(categories) + 1)):
        yield team, (*categories[:kept], *(OTHER,) * (len(categories) - kept))
    above = parents[team]
    while above is not None:
        yield above, (OTHER,) * len(categories)
        above = parents[above]


def categories_to_report(cells: Iterable[Cell], dimensions: Sequence[str]) -> list[tuple[str, str]]:
    """(dimension, category) by dimension and name, "other" and "unknown" last."""
    last = {OTHER: 1, UNKNOWN: 2}
    found = {(place, category) for cell in cells for place, category in enumerate(cell.categories)}
    ordered = sorted(found, key=lambda one: (one[0], last.get(one[1], 0), one[1]))
    return [(dimensions[place], category) for place, category in ordered]


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
