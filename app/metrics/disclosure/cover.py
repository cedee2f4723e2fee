"""In which groups of the tree a score of some of the headline set may be shown beside it (disclosure.md R6).

A dimension is a mean of facets, 1/F of each for a person who has F of them, and a facet one of questions. So
persons with another pattern than most of their region stand out where means are subtracted: counting who
lacks the score is not enough. A combination of what is shown uses a score with one weight on all that its
group has outside the groups shown inside it. For every region that headline numbers tell apart, `spread` is
a number of its persons on whom any combination lives that uses the score: these add up over regions. And a
region is sturdy where whatever lives in it lives on k, as each pattern of answers is that of k persons.
"""

from collections.abc import Iterator

import numpy as np

from app.metrics.disclosure.facets import Layout, ShownIn, even_out
from app.metrics.disclosure.patterns import (
    Columns,
    Measure,
    Patterns,
    beside_the_usual,
    fewest_alike,
    pattern_numbers,
)
from app.metrics.disclosure.tree import Amounts, Nearest, Node, none_or_enough, select
from app.metrics.sample import DIMENSIONS, Flags, Integers


class Cover:
    """`regions` has a number from 0 for each person of the headline set. The spreads of questions and levers
    count in regions where the scores above them are one number: `counts`.
    """

    def __init__(self, patterns: Patterns, regions: Integers, layout: Layout, counts: Flags, k: int) -> None:
        self._patterns, self._regions, self._layout, self._k = patterns, regions, layout, k
        self._count, self._counts = len(layout.group_of), counts

    def shown(self) -> ShownIn:
        found: ShownIn = {}
        for dimension in DIMENSIONS:
            found |= self._facets(dimension) | dict(self._below_facets(dimension))
        for outcome in self._patterns.outcomes:
            found |= dict(self._of_outcome(outcome))
        return found

    def _facets(self, dimension: str) -> ShownIn:
        facets = self._patterns.facets[dimension]
        is_sturdy = self._is_sturdy(self._patterns.linked(dimension))
        return even_out(
            {facet: self._select(facet, None, is_sturdy) for facet in facets},
            self._patterns.parts(dimension),
            self._regions,
            self._layout,
            is_sturdy,
            self._k,
        )

    def _below_facets(self, dimension: str) -> Iterator[tuple[Measure, Integers]]:
        """Levers bind first: where one is used at all its spread lives, whatever else is; then questions."""
        facets, parts = self._patterns.facets[dimension], self._patterns.parts(dimension)
        is_sturdy = self._is_sturdy(self._patterns.linked(dimension))
        for lever in self._patterns.levers:
            if self._patterns.facet_of(lever.columns[0]) in facets:
                yield lever, self._select(lever, self._counts * self._spread_of_mean(lever), is_sturdy)
        for facet in facets:
            for question in self._patterns.questions_in(facet):
                spread = self._counts * self._spread_of_question(question, facet, parts)
                yield question, self._select(question, spread, is_sturdy)

    def _of_outcome(self, outcome: Measure) -> Iterator[tuple[Measure, Integers]]:
        questions = self._patterns.questions_in(outcome)
        is_sturdy = self._is_sturdy(outcome.columns)
        yield outcome, self._select(outcome, self._spread_of_mean(outcome) if questions else None, is_sturdy)
        for question in questions:
            yield question, self._select(question, self._number(question.known), is_sturdy)

    def _spread_of_question(self, question: Measure, facet: Measure, parts: Integers) -> Integers:
        """The facet's use can undo the question's for one number of answers a number of facets."""
        has, lacks = question.known & facet.known, question.known & ~facet.known
        answers = self._patterns.count(facet.columns)[has]
        return beside_the_usual(self._regions[has], parts[has], answers, self._count) + self._number(lacks)

    def _spread_of_mean(self, mean: Measure) -> Integers:
        """All other uses can undo a lever's for one number of its answers among those alike in the facet."""
        answers = np.where(mean.known, self._patterns.count(mean.columns), 0)
        spreads = []
        for column in mean.columns:
            has = self._patterns.answered[:, column]
            alike = self._patterns.place_in_means(column)
            spreads.append(beside_the_usual(self._regions[has], alike[has], answers[has], self._count))
        return np.asarray(np.max(spreads, axis=0))

    def _is_sturdy(self, columns: Columns) -> Flags:
        numbers = pattern_numbers(self._patterns.answered[:, list(columns)])
        return np.asarray(fewest_alike(self._regions, numbers, self._count) >= self._k)

    def _select(self, measure: Measure, spread: Integers | None, is_sturdy: Flags) -> Integers:
        """Those who have the score, who lack it, and their spread; regions that spreads do not keep safe."""
        known, lacking = self._number(measure.known), self._number(~measure.known)
        spread = np.full(self._count, self._k) if spread is None else np.where(is_sturdy, 0, spread)
        frail = (known > 0) & ~is_sturdy & (spread < self._k)
        amounts = self._layout.totals(np.column_stack([known, lacking, spread, frail]))
        found = select(
            self._layout.ordered,
            lambda node: self._amounts(node, amounts),
            lambda own: _is_covered(own, self._k),
        )
        return _as_array(found, len(self._layout.parents))

    def _amounts(self, node: Node, amounts: Integers) -> Amounts | None:
        own = tuple(map(int, amounts[node.ordinal]))
        is_shown = node.ordinal in self._layout.shown and own[0] >= self._k and _is_covered(own, self._k)
        return own if is_shown else None

    def _number(self, persons: Flags) -> Integers:
        return np.bincount(self._regions[persons], minlength=self._count).astype(np.int64)


def _is_covered(amounts: Amounts, k: int) -> bool:
    """Whether neither the score, nor its absence, nor its place in a mean tells of fewer than k."""
    known, lacking, spread, frail = amounts
    return none_or_enough(known, k) and none_or_enough(lacking, k) and (spread >= k or frail == 0)


def _as_array(nearest: Nearest, groups: int) -> Integers:
    found = [nearest[ordinal] for ordinal in range(groups)]
    return np.array([-1 if ordinal is None else ordinal for ordinal in found], dtype=np.int64)
