"""For which dimensions scores of some of the headline set may be shown by category (disclosure.md R5a, R6).

All categories of a dimension show a measure or none does. Questions and levers are shown by category only
where all of the headline set answered the same ones: each is one more sum of what is safe already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.metrics.disclosure.categories import REST, Margin
from app.metrics.disclosure.crossing import Table, holds_together, is_safe, numbered
from app.metrics.disclosure.patterns import (
    Measure,
    Patterns,
    fewest_alike,
    most_frequent,
    pattern_numbers,
    usual,
)
from app.metrics.disclosure.tree import none_or_enough
from app.metrics.sample import DIMENSIONS, Flags, Integers


@dataclass(frozen=True, slots=True)
class ByCategory:
    """The dimensions each measure is shown by, and the sets of persons on which all differences between their
    categories were found to live: of nobody where a further grouping would undo that.
    """

    margins: dict[Measure, list[Margin]]
    leans_on: list[Flags]


@dataclass(frozen=True, slots=True)
class Segments:
    """`regions` are those the headline is told apart in. `regions_of` has those of every measure: the groups
    of the tree it is left of; measures the organisation does not show are not in it.
    """

    patterns: Patterns
    margins: Sequence[Margin]
    regions: Integers
    regions_of: Mapping[Measure, Integers]
    dimensions_hold: Mapping[str, bool]
    k: int

    def shown(self) -> "ByCategory":
        found = ByCategory({own: self._of_outcome(own) for own in self.patterns.outcomes}, [])
        for dimension in DIMENSIONS:
            own = self._of_dimension(dimension)
            found.margins.update(own.margins)
            found.leans_on.extend(own.leans_on)
        return found

    def _of_outcome(self, outcome: Measure) -> list[Margin]:
        """An outcome stands beside no other score; one of several questions is not shown with them."""
        chosen: list[Margin] = []
        if self.patterns.questions_in(outcome) or outcome not in self.regions_of:
            return chosen
        for margin in self._covered(outcome):
            codes = [own.codes[outcome.known] for own in (*chosen, margin)]
            everybody = np.ones(np.count_nonzero(outcome.known), dtype=np.bool_)
            if is_safe(Table(self.regions_of[outcome][outcome.known], codes), everybody, self.k):
                chosen.append(margin)
        return chosen

    def _of_dimension(self, dimension: str) -> ByCategory:
        facets = [own for own in self.patterns.facets[dimension] if own in self.regions_of]
        if _answers_alike(self.patterns, dimension):
            below = [question for facet in facets for question in self.patterns.questions_in(facet)]
            levers = [own for own in self.patterns.levers if self.patterns.facet_of(own.columns[0]) in facets]
            return ByCategory({own: self._covered(own) for own in (*facets, *below, *levers)}, [])
        if self.dimensions_hold[dimension]:
            return ByCategory(self._facets_beside_each_other(dimension), self.patterns.steady_sets(dimension))
        uneven = self._uneven(dimension)
        by_spread = {facet: self._margins_by_spread(facet, facet.known & uneven) for facet in facets}
        return ByCategory(by_spread, [np.zeros_like(uneven)] if any(by_spread.values()) else [])

    def _facets_beside_each_other(self, dimension: str) -> dict[Measure, list[Margin]]:
        """Where all facets are shown, their sum gives away who has another number of them than most. Those
        have to be k wherever that tells categories apart, or the facet that most lack is not shown.
        """
        facets = [own for own in self.patterns.facets[dimension] if own.known.any()]
        covered = {facet: self._covered(facet) for facet in facets}
        is_even = _all_alike(self.patterns.parts(dimension))
        complete: list[Margin] = []
        for margin in self.margins:
            if is_even or not all(margin in covered[facet] for facet in facets):
                continue
            if self._hides_the_uneven(dimension, [*complete, margin]):
                complete.append(margin)
            else:
                covered[min(facets, key=lambda own: np.count_nonzero(own.known))].remove(margin)
        return covered

    def _hides_the_uneven(self, dimension: str, margins: Sequence[Margin]) -> bool:
        """What is left when facets undo the dimension for most is, in regions with k of those, a sum of a
        term of where a facet and a question of it are told apart, and of the categories.
        """
        known = [own for own in self.patterns.facets[dimension] if own.known.any()]
        facet = min(known, key=lambda own: len(np.unique(self.regions_of[own])))
        question = self.patterns.questions_in(facet)[:1]
        lever = self.patterns.lever_of(facet.columns[0])
        beside = [own for own in (facet, *question, *lever) if own in self.regions_of]
        regions = numbered(*(self.regions_of[own] for own in beside))
        parts, whole = self.patterns.parts(dimension), self.patterns.whole(facet)
        is_most = parts == usual(parts)
        most_here = np.bincount(self.regions[is_most & whole], minlength=self.regions.max() + 1)
        uneven = (parts == usual(parts[~is_most])) & whole & (most_here[self.regions] >= self.k)
        return holds_together(Table(regions, [own.codes for own in margins]), uneven, self.k)

    def _margins_by_spread(self, facet: Measure, uneven: Flags) -> list[Margin]:
        """Where a facet's use differs between categories it leaves, by itself, k who are uneven in their
        region.
        """
        chosen: list[Margin] = []
        for margin in self._covered(facet):
            table = Table(self.regions_of[facet], [own.codes for own in (*chosen, margin)])
            if holds_together(table, uneven, self.k):
                chosen.append(margin)
        return chosen

    def _uneven(self, dimension: str) -> Flags:
        """Who has another number of facets than most of a region that is neither sturdy nor of two
        categories.
        """
        parts, count = self.patterns.parts(dimension), int(self.regions.max()) + 1
        answered = self.patterns.answered[:, list(self.patterns.linked(dimension))]
        is_sturdy = fewest_alike(self.regions, pattern_numbers(answered), count) >= self.k
        is_apart = ~is_sturdy & ~is_mixed(self.margins, self.regions)
        most = most_frequent(self.regions, parts, count)
        return np.asarray((parts != most[self.regions]) & is_apart[self.regions])

    def _covered(self, measure: Measure) -> list[Margin]:
        if measure not in self.regions_of:
            return []
        return [own for own in self.margins if self._is_covered(measure, own)]

    def _is_covered(self, measure: Measure, margin: Margin) -> bool:
        for category in (*margin.shown, REST):
            persons = margin.codes == category
            known = int(np.count_nonzero(measure.known & persons))
            if not none_or_enough(int(np.count_nonzero(persons)) - known, self.k):
                return False
            if known < self.k and (known > 0 or category != REST):
                return False
        return True


def dimensions_hold(
    patterns: Patterns, margins: Sequence[Margin], regions: Integers, k: int
) -> dict[str, bool]:
    """Whether nothing tells categories apart, whichever facets are subtracted with the headline."""
    table = Table(regions, [own.codes for own in margins])
    return {
        dimension: _answers_alike(patterns, dimension)
        or all(holds_together(table, persons, k) for persons in patterns.steady_sets(dimension))
        for dimension in DIMENSIONS
    }


def is_mixed(margins: Sequence[Margin], regions: Integers) -> Flags:
    """The regions with persons of several categories."""
    atoms = numbered(regions, *(own.codes for own in margins))
    firsts = np.unique(atoms, return_index=True)[1]
    return np.asarray(np.bincount(regions[firsts]) > 1)


def _answers_alike(patterns: Patterns, dimension: str) -> bool:
    return _all_alike(pattern_numbers(patterns.answered[:, list(patterns.linked(dimension))]))


def _all_alike(numbers: Integers) -> bool:
    return bool(np.all(numbers == numbers[0]))
