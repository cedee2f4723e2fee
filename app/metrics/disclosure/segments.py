"""For which dimensions the scores of some of the headline set may be shown by category (metrics.md R5a, R6).

All categories of a dimension show a measure or none does. Questions and levers are shown by category only
where all of the headline set answered the same ones: each is one more sum of what is safe already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.metrics.disclosure.categories import REST, Margin
from app.metrics.disclosure.crossing import Table, is_safe, numbered
from app.metrics.disclosure.patterns import Measure, Patterns, pattern_numbers, usual
from app.metrics.disclosure.tree import none_or_enough
from app.metrics.sample import DIMENSIONS, Flags, Integers


@dataclass(frozen=True, slots=True)
class Segments:
    """`regions` are those the headline is told apart in. `regions_of` has those of every measure: the groups of
    the tree it is left of; measures the organisation does not show are not in it.
    """

    patterns: Patterns
    margins: Sequence[Margin]
    regions: Integers
    regions_of: Mapping[Measure, Integers]
    k: int

    def shown(self) -> dict[Measure, list[Margin]]:
        found = {own: self._of_outcome(own) for own in self.patterns.outcomes}
        for dimension in DIMENSIONS:
            found |= self._of_dimension(dimension)
        return {measure: margins for measure, margins in found.items() if measure in self.regions_of}

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

    def _of_dimension(self, dimension: str) -> dict[Measure, list[Margin]]:
        facets = self.patterns.facets[dimension]
        if _all_alike(pattern_numbers(self.patterns.answered[:, list(self.patterns.linked(dimension))])):
            below = [question for facet in facets for question in self.patterns.questions_in(facet)]
            return {own: self._covered(own) for own in (*facets, *below, *self.patterns.levers)}
        if not self._is_steady(dimension):
            return {}
        chosen = self._margins_with_facets(dimension)
        return {facet: [own for own in self._covered(facet) if own in chosen] for facet in facets}

    def _is_steady(self, dimension: str) -> bool:
        """Whether the headline stays safe when all facets but any one are subtracted by category as well."""
        table = Table(self.regions, [own.codes for own in self.margins])
        return all(
            is_safe(table, self.patterns.steady(facet, dimension), self.k)
            for facet in self.patterns.facets[dimension]
            if facet.known.any()
        )

    def _margins_with_facets(self, dimension: str) -> list[Margin]:
        """Where all facets are shown, their sum gives away who has another number of them than most: those
        have to be k wherever categories can be told apart by it.
        """
        chosen: list[Margin] = []
        complete: list[Margin] = []
        is_even = _all_alike(self.patterns.parts(dimension))
        for margin in self.margins:
            lacks_one = not all(
                margin in self._covered(facet)
                for facet in self.patterns.facets[dimension]
                if facet.known.any()
            )
            if is_even or lacks_one:
                chosen.append(margin)
            elif self._hides_the_uneven(dimension, [*complete, margin]):
                chosen.append(margin)
                complete.append(margin)
        return chosen

    def _hides_the_uneven(self, dimension: str, margins: Sequence[Margin]) -> bool:
        """What is left when facets undo the dimension for most is, in regions with k of those, a sum of a term
        of where a facet and a question of it are told apart, and of the categories.
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
        return is_safe(Table(regions, [own.codes for own in margins]), uneven, self.k)

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


def _all_alike(numbers: Integers) -> bool:
    return bool(np.all(numbers == numbers[0]))
