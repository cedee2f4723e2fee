"""For which dimensions scores of some of the headline set may be shown by category (disclosure.md R5a, R6).

All categories of a dimension show a block of scores or none does. They show it of those who count in it, so
as with the tree a combination that takes the dimension away lives on those who are told of beside the blocks:
what tells their categories apart has to live on k of them too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.metrics.disclosure.categories import REST, Margin
from app.metrics.disclosure.counted import Counted, fewest_left, without
from app.metrics.disclosure.crossing import Table, holds_together, is_safe, numbered
from app.metrics.disclosure.patterns import Patterns
from app.metrics.disclosure.tree import none_or_enough
from app.metrics.sample import Flags, Integers


@dataclass(frozen=True, slots=True)
class ByCategory:
    """The dimensions each block is shown by, and the sets of persons on which all differences between their
    categories live.
    """

    margins: list[list[Margin]]
    leans_on: list[Flags]


@dataclass(frozen=True, slots=True)
class Segments:
    """`regions` are those the headline is told apart in, `parts` those in which scores are."""

    counted: Counted
    margins: Sequence[Margin]
    regions: Integers
    parts: Integers
    k: int

    def shown(self) -> ByCategory:
        chosen = {
            name: self._chosen(own, self.counted.beside[name])
            for name, own in self.counted.of_dimension.items()
        }
        of_blocks = [self._of_block(at, chosen) for at in range(len(self.counted.blocks))]
        leans_on = [
            persons
            for name, own in self.counted.of_dimension.items()
            if chosen[name]
            for persons in (max(self.counted.told(own), key=np.count_nonzero), *self.counted.beside[name])
            if persons.any()
        ]
        return ByCategory(of_blocks, leans_on)

    def _of_block(self, at: int, chosen: Mapping[str, list[Margin]]) -> list[Margin]:
        names = [name for name, own in self.counted.of_dimension.items() if at in own]
        if not names:  # who does not count in it is known by their number alone, which is to be enough too
            return self._chosen([at], (~self.counted.persons[at],))
        return [own for own in self.margins if all(own in chosen[name] for name in names)]

    def _chosen(self, blocks: Sequence[int], beside: Sequence[Flags]) -> list[Margin]:
        chosen: list[Margin] = []
        if any(self._is_in_part(at) for at in blocks):
            return chosen
        for margin in self.margins:
            if self._are_safe([*chosen, margin], self.counted.told(blocks), beside):
                chosen.append(margin)
        return chosen

    def _is_in_part(self, at: int) -> bool:
        block = self.counted.blocks[at]
        return bool(np.any(self.counted.partly[at] & [one.known for one in block.measures]))

    def _are_safe(self, margins: Sequence[Margin], told: Sequence[Flags], beside: Sequence[Flags]) -> bool:
        if not told:
            return False
        is_told = np.isin(self.parts, np.unique(self.parts[np.any(told, axis=0)]))
        apart = np.where(is_told, self.parts, len(self.parts) + self.regions)
        return (
            all(self._is_covered(persons, own) for persons in told for own in margins)
            and all(self._leaves_enough(own, persons, told) for persons in beside for own in margins)
            and all(self._holds(self.regions, margins, persons) for persons in told)
            and all(self._holds(apart, margins, persons) for persons in beside)
        )

    def _leaves_enough(self, margin: Margin, beside: Flags, told: Sequence[Flags]) -> bool:
        cells = numbered(self.parts, margin.codes)
        return all(
            none_or_enough(
                fewest_left(self.regions, beside & within, [persons & within for persons in told]), self.k
            )
            for within in (cells == cell for cell in range(int(cells.max()) + 1))
        )

    def _holds(self, regions: Integers, margins: Sequence[Margin], persons: Flags) -> bool:
        if not persons.any():
            return True
        table = Table(regions[persons], [own.codes[persons] for own in margins])
        return is_safe(table, np.ones(np.count_nonzero(persons), dtype=np.bool_), self.k)

    def _is_covered(self, counted: Flags, margin: Margin) -> bool:
        for category in (*margin.shown, REST):
            persons = margin.codes == category
            known = int(np.count_nonzero(counted & persons))
            if not none_or_enough(known, self.k) or not none_or_enough(
                int(np.count_nonzero(persons)) - known, self.k
            ):
                return False
        return True


def told_beside(
    patterns: Patterns,
    counted: Counted,
    margins: Sequence[Margin],
    regions: Integers,
    parts: Integers,
    k: int,
) -> Counted:
    """The scores that may be told exactly beside the headline of categories. What tells categories apart has,
    in a dimension, to live on k who count in one of its blocks; else nobody counts where categories mix.
    """
    table = Table(regions, [own.codes for own in margins])
    mixed = np.isin(parts, np.unique(parts[is_mixed(margins, regions)[regions]]))
    for name, own in counted.of_dimension.items():
        usual = [persons & counted.usual[name] for persons in counted.told(own)]
        if usual and mixed.any() and not any(holds_together(table, persons, k) for persons in usual):
            counted = without(patterns, counted, name, mixed, parts)
    return counted


def is_mixed(margins: Sequence[Margin], regions: Integers) -> Flags:
    """The regions with persons of several categories."""
    atoms = numbered(regions, *(own.codes for own in margins))
    firsts = np.unique(atoms, return_index=True)[1]
    return np.asarray(np.bincount(regions[firsts]) > 1)
