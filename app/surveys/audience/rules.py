"""Who is asked, in which groups, and which categories and cells are kept apart. Pure, nothing of ours.

Decided when the survey opens, from the numbers invited alone; an anonymous response stores its merged cell
(disclosure.md R9a).
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

OTHER: Final = "other"
UNKNOWN = "unknown"
"""Category of whoever has no value of a segment."""
ORGANIZATION: Final = 0

Categories = tuple[str, ...]
CellKey = tuple[int, Categories]


@dataclass(frozen=True, slots=True)
class Cell:
    """The `invited` (at least one) who are direct members of the team, by ordinal, in these categories.

    One category a dimension, dimensions in the order of priority.
    """

    team: int
    categories: Categories
    invited: int


@dataclass(frozen=True, slots=True)
class MergedCells:
    """`cells` in order of team and categories; `index` has the place in it of each cell given."""

    cells: tuple[Cell, ...]
    index: tuple[int, ...]


def merge_categories(counts: Mapping[str, int], k: int) -> dict[str, str]:
    """What each category of a dimension is reported as: itself, or "other".

    Those under k become "other", and after them the smallest, then the first by name, until "other" holds k
    or nobody. Where one is left the dimension tells nobody apart and is to be withheld.
    """
    reported = {OTHER: OTHER} if OTHER in counts else {}
    others = counts.get(OTHER, 0)
    for name in sorted(counts.keys() - {OTHER}, key=lambda name: (counts[name], name)):
        joins = counts[name] < k or 0 < others < k
        reported[name] = OTHER if joins else name
        others += counts[name] if joins else 0
    return reported


def merge_cells(cells: Sequence[Cell], parents: Sequence[int | None], k: int) -> MergedCells:
    """Cells of at least k invited each; where the whole organisation has fewer, one cell with all of it.

    `parents` has the ordinal above each team, a team before all below it. In each team, the deepest first,
    the cells under k become "other" in their last dimension, then in the last two, and so on; while they are
    too few together, the smallest cell they could have been part of joins them. What is still too few is the
    whole team, and moves up to the parent: a team of k keeps all its people.
    """
    merging = _Merging(cells, k)
    for team in reversed(range(len(parents))):
        merging.merge_within(team)
        merging.move_up(team, parents[team])
    merging.complete_the_organization()
    return merging.result()


class _Merging:
    """The cells given, and where each of them lies by now."""

    def __init__(self, cells: Sequence[Cell], k: int) -> None:
        self._cells, self._k = cells, k
        self._dimensions = len(cells[0].categories) if cells else 0
        self._at: dict[int, dict[Categories, list[int]]] = {}
        for number, cell in enumerate(cells):
            self._at.setdefault(cell.team, {}).setdefault(cell.categories, []).append(number)

    def merge_within(self, team: int) -> None:
        for kept in reversed(range(self._dimensions)):
            alike: dict[Categories, list[CellKey]] = {}
            for categories in self._at.get(team, {}):
                alike.setdefault(categories[:kept], []).append((team, categories))
            for prefix in sorted(alike):
                self._merge_alike(alike[prefix], (team, (*prefix, *self._others(kept))))

    def _merge_alike(self, alike: Sequence[CellKey], merged: CellKey) -> None:
        small = {place for place in alike if self._invited(place) < self._k}
        self._move(small, merged)
        if small and self._invited(merged) < self._k:
            self._move(self._smallest(place for place in alike if place not in small), merged)

    def move_up(self, team: int, parent: int | None) -> None:
        if parent is not None:
            small = [(team, own) for own in self._at.get(team, {}) if self._invited((team, own)) < self._k]
            self._move(small, (parent, self._others()))

    def complete_the_organization(self) -> None:
        """What moved all the way up and is still too few takes the smallest cell of any team."""
        rest = (ORGANIZATION, self._others())
        if 0 < self._invited(rest) < self._k:
            self._move(self._smallest(place for place in self._places() if place != rest), rest)

    def result(self) -> MergedCells:
        index = [0] * len(self._cells)
        places = sorted(self._places())
        for number, (team, categories) in enumerate(places):
            for cell in self._at[team][categories]:
                index[cell] = number
        return MergedCells(tuple(Cell(*place, self._invited(place)) for place in places), tuple(index))

    def _others(self, kept: int = 0) -> Categories:
        return (OTHER,) * (self._dimensions - kept)

    def _places(self) -> list[CellKey]:
        return [(team, categories) for team, own in self._at.items() for categories in own]

    def _invited(self, place: CellKey) -> int:
        team, categories = place
        return sum(self._cells[cell].invited for cell in self._at.get(team, {}).get(categories, []))

    def _smallest(self, places: Iterable[CellKey]) -> list[CellKey]:
        """None or one."""
        return sorted(places, key=lambda place: (self._invited(place), place))[:1]

    def _move(self, places: Iterable[CellKey], to: CellKey) -> None:
        moved = [cell for team, categories in places for cell in self._at[team].pop(categories)]
        if moved:
            self._at.setdefault(to[0], {}).setdefault(to[1], []).extend(moved)


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
    places: Sequence[CellKey], parents: Sequence[int | None], k: int, *, is_merged: bool
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


def _reported(places: Sequence[CellKey], k: int) -> list[CellKey]:
    columns = zip(*(categories for _, categories in places), strict=True)
    names = [merge_categories(Counter(column), k) for column in columns]
    return [
        (team, tuple(reported[own] for reported, own in zip(names, categories, strict=True)))
        for team, categories in places
    ]


def with_room_for_anybody(
    cells: Sequence[Cell], places: Sequence[CellKey], teams: int, dimensions: int
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
    cells: Mapping[CellKey, int]

    def cell_of(self, team: int, segments: Mapping[str, str]) -> int:
        """The cell that says most of what the respondent said."""
        place = team, tuple(self._category(name, segments.get(name, UNKNOWN)) for name in self.dimensions)
        return next(self.cells[said] for said in coarser_places(place, self.parents) if said in self.cells)

    def _category(self, dimension: str, value: str) -> str:
        return value if (dimension, value) in self.categories else OTHER


def coarser_places(place: CellKey, parents: Mapping[int, int | None]) -> Iterator[CellKey]:
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
