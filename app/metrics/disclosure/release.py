"""Everything that a release may show (disclosure.md), in the order in which rules give way.

The tree goes first, then dimensions in their order of priority, then filters, then the scores of some.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Literal

import numpy as np

from app.metrics.disclosure.categories import Margin, are_safe, category_decisions, margin_of, safe_margins
from app.metrics.disclosure.cells import base_cells
from app.metrics.disclosure.counted import Counted, counted_by_lot
from app.metrics.disclosure.crossing import numbered
from app.metrics.disclosure.patterns import Patterns
from app.metrics.disclosure.plan import Plan
from app.metrics.disclosure.rolling import base_regions
from app.metrics.disclosure.segments import ByCategory, Segments, told_beside
from app.metrics.disclosure.tree import Decision, Node, decide
from app.metrics.sample import DIMENSIONS, Flags, Groups, Integers, Rollup, Sample
from app.metrics.words import Suppression

ORGANIZATION: Final = 0

Step = Literal["only", "interim", "final"]
"""The one release of a survey; or, of a survey with releases while it is open, one of those or the last."""


def plan_release(
    sample: Sample, invited: Integers | None, k: int, filters: bool = True, step: Step = "only"
) -> Plan:
    """`sample` has the persons included up to this release, `invited` one number a group; both frozen.

    An interim release shows the headline of the tree alone: categories, filters and the scores of some come
    with the final one.
    """
    headline = Rollup(sample.groups, sample.places.of(sample.both))
    nodes = _nodes(sample, headline, invited)
    decisions = decide(nodes, k, None if step == "only" else _of_every_release(sample.groups, invited, k))
    regions = _regions(sample.groups, decisions)
    planning = _Planning(sample, headline, nodes, regions, k)
    margins = planning.margins(invited)
    if step == "interim" or regions[ORGANIZATION] < 0:
        decisions |= category_decisions(margins, [])
        hidden = planning.nothing(decisions)
        return Plan(decisions, hidden, None, regions, (), (), (), {}, {}, is_last=step != "interim")
    return planning.finished(decisions, margins, filters)


class _Planning:
    """Of a release whose groups of the tree are settled."""

    def __init__(
        self, sample: Sample, headline: Rollup, nodes: Sequence[Node], regions: Integers, k: int
    ) -> None:
        both = sample.both
        self._groups, self._headline, self._nodes = sample.groups, headline, nodes
        self._regions, self._k = regions, k
        self._places = headline.places
        self._patterns = Patterns(sample.instrument, sample.scores.of(both))
        self._apart = numbered(regions[self._places.team], sample.included[both])
        self._order = sample.lot[both]

    def margins(self, invited: Integers | None) -> list[Margin]:
        return [
            margin_of(name, own, self._groups, self._places.category[name], invited, self._k)
            for name, own in self._groups.dimensions().items()
        ]

    def finished(self, decisions: dict[int, Decision], margins: Sequence[Margin], filters: bool) -> Plan:
        steady = [self._patterns.steadiest(dimension) for dimension in DIMENSIONS]
        chosen = safe_margins(margins, self._apart, steady, self._k)
        decisions = decisions | category_decisions(margins, chosen)
        cells = self._cells(chosen, steady) if filters else None
        finest = self._apart if cells is None else cells
        parts = self._parts(decisions)
        drawn = counted_by_lot(self._patterns, finest, parts, self._order, self._k)
        counted = told_beside(self._patterns, drawn, chosen, finest, parts, self._k) if chosen else drawn
        by_category = Segments(counted, chosen, finest, parts, self._k).shown()
        return Plan(
            decisions=decisions,
            hidden=self.hidden(decisions),
            cells=cells,
            regions=self._regions,
            dimensions=[own.name for own in chosen],
            steady=[*steady, *self._largest(counted)],
            leans_on=by_category.leans_on,
            counted=dict(self._named(counted)),
            coarse=self._coarse(decisions, counted, by_category),
        )

    def _parts(self, decisions: Mapping[int, Decision]) -> Integers:
        """Of each person the innermost group that is shown and not banded, -1 where there is none."""
        finer = {ordinal: own for ordinal, own in decisions.items() if own.precision not in (None, "banded")}
        return _nearest(self._groups, finer)[self._places.team]

    def _largest(self, counted: Counted) -> list[Flags]:
        """By dimension, of those who count in a block of it, the most."""
        told = [counted.told(own) for own in counted.of_dimension.values()]
        return [max(persons, key=np.count_nonzero) for persons in told if persons]

    def _named(self, counted: Counted) -> Iterator[tuple[str, Flags]]:
        for at, block in enumerate(counted.blocks):
            for measure in block.measures:
                persons = counted.of(at, measure)
                yield from ((name, persons) for name in self._patterns.names[measure.columns])

    def _cells(self, chosen: Sequence[Margin], steady: Sequence[Flags]) -> Integers:
        """Of all dimensions or of the first few, of as many as leave the categories safe."""
        dimensions = [self._places.category[name] for name in self._groups.dimensions()]
        for kept in range(len(dimensions), 0, -1):
            cells = base_cells(self._apart, dimensions[:kept], self._k)
            if are_safe(chosen, cells, steady, self._k):
                return cells
        return self._apart

    def nothing(self, decisions: Mapping[int, Decision]) -> dict[str, dict[int, Suppression]]:
        """Of a release that tells no score of some."""
        return self._hidden(decisions, lambda n: "below_minimum" if n < self._k else "incomplete_cover")

    def hidden(self, decisions: Mapping[int, Decision]) -> dict[str, dict[int, Suppression]]:
        return self._hidden(decisions, lambda n: "below_minimum" if n < self._k else None)

    def _hidden(
        self, decisions: Mapping[int, Decision], why: Callable[[int], Suppression | None]
    ) -> dict[str, dict[int, Suppression]]:
        """By measure; `why` is asked of how many of a shown group have it."""
        shown = [ordinal for ordinal, own in decisions.items() if own.status == "ok"]
        found: dict[str, dict[int, Suppression]] = {}
        for measure in self._patterns.measures():
            known = self._headline.counts(measure.known)
            reasons = {ordinal: why(int(known[ordinal])) for ordinal in shown}
            hidden = {ordinal: reason for ordinal, reason in reasons.items() if reason is not None}
            found |= dict.fromkeys(self._patterns.names[measure.columns], hidden)
        return found

    def _coarse(
        self, decisions: Mapping[int, Decision], counted: Counted, by_category: ByCategory
    ) -> dict[str, AbstractSet[int]]:
        """By measure, the shown groups that cannot tell it exactly."""
        shown = {ordinal for ordinal, own in decisions.items() if own.status == "ok"}
        found: dict[str, AbstractSet[int]] = {}
        for at, block in enumerate(counted.blocks):
            categories = {ordinal for own in by_category.margins[at] for ordinal in own.shown}
            for measure in block.measures:
                n = self._headline.counts(counted.of(at, measure))
                exact = {
                    ordinal
                    for ordinal in shown
                    if decisions[ordinal].precision != "banded" and n[ordinal] >= self._k
                    if self._groups.is_team(ordinal) or ordinal in categories
                }
                found |= dict.fromkeys(self._patterns.names[measure.columns], shown - exact)
        return found


def _nodes(sample: Sample, headline: Rollup, invited: Integers | None) -> list[Node]:
    n, responded = headline.counts(), Rollup(sample.groups, sample.places).counts()
    return [
        Node(
            ordinal=ordinal,
            parent=parent,
            depth=int(headline.depths[ordinal]),
            key=sample.groups.keys[ordinal],
            n=int(n[ordinal]),
            invited=None if invited is None else int(invited[ordinal]),
            responded=int(responded[ordinal]),
        )
        for ordinal, parent in enumerate(sample.groups.parents)
    ]


def _of_every_release(groups: Groups, invited: Integers | None, k: int) -> frozenset[int]:
    """The groups that are unions of base regions; without a frame only the organisation."""
    if invited is None:
        return frozenset({ORGANIZATION})
    regions = base_regions(groups, invited, k)
    return frozenset(np.flatnonzero(regions == np.arange(len(regions))).tolist())


def _regions(groups: Groups, decisions: Mapping[int, Decision]) -> Integers:
    return _nearest(groups, [ordinal for ordinal, own in decisions.items() if own.status == "ok"])


def _nearest(groups: Groups, among: Container[int]) -> Integers:
    """Of each node of the tree the nearest of these, itself or above it; -1 where there is none."""
    found = np.full(len(groups.parents), -1, dtype=np.int64)
    for ordinal, parent in enumerate(groups.parents):
        around = -1 if parent is None else found[parent]
        found[ordinal] = ordinal if ordinal in among else around
    return found
