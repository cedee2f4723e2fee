"""Which categories and cells an anonymous survey keeps apart (disclosure.md R9a). Pure, nothing of ours.

Decided when the survey opens, from the numbers invited alone; an anonymous response stores its merged cell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

OTHER: Final = "other"
ORGANIZATION: Final = 0

Categories = tuple[str, ...]
Place = tuple[int, Categories]


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
            alike: dict[Categories, list[Place]] = {}
            for categories in self._at.get(team, {}):
                alike.setdefault(categories[:kept], []).append((team, categories))
            for prefix in sorted(alike):
                self._merge_alike(alike[prefix], (team, (*prefix, *self._others(kept))))

    def _merge_alike(self, alike: Sequence[Place], merged: Place) -> None:
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

    def _places(self) -> list[Place]:
        return [(team, categories) for team, own in self._at.items() for categories in own]

    def _invited(self, place: Place) -> int:
        team, categories = place
        return sum(self._cells[cell].invited for cell in self._at.get(team, {}).get(categories, []))

    def _smallest(self, places: Iterable[Place]) -> list[Place]:
        """None or one."""
        return sorted(places, key=lambda place: (self._invited(place), place))[:1]

    def _move(self, places: Iterable[Place], to: Place) -> None:
        moved = [cell for team, categories in places for cell in self._at[team].pop(categories)]
        if moved:
            self._at.setdefault(to[0], {}).setdefault(to[1], []).extend(moved)
