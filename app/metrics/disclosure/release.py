"""Everything that a release may show (disclosure.md), in the order in which rules give way.

The tree goes first, then dimensions in their order of priority, then filters, then the scores of some.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np

from app.metrics.disclosure.categories import Margin, are_safe, category_decisions, margin_of, safe_margins
from app.metrics.disclosure.cells import base_cells
from app.metrics.disclosure.cover import Cover
from app.metrics.disclosure.crossing import numbered
from app.metrics.disclosure.facets import Layout, ShownIn
from app.metrics.disclosure.patterns import Measure, Patterns
from app.metrics.disclosure.plan import Plan
from app.metrics.disclosure.rolling import base_regions
from app.metrics.disclosure.segments import Segments, dimensions_hold, is_mixed
from app.metrics.disclosure.tree import Decision, Node, Suppression, decide, in_order
from app.metrics.sample import DIMENSIONS, Flags, Groups, Integers, Rollup, Sample

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
        hidden = planning.hidden(decisions, {}, {})
        return Plan(decisions, hidden, None, regions, (), (), (), is_last=step != "interim")
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
        hold = dimensions_hold(self._patterns, chosen, finest, self._k)
        counts = np.full(finest.max() + 1, all(hold.values())) | ~is_mixed(chosen, finest)
        in_tree = Cover(self._patterns, finest, self._layout(finest, decisions), counts, self._k).shown()
        left_of = {own: at[self._places.team] for own, at in in_tree.items() if at[ORGANIZATION] >= 0}
        by_category = Segments(self._patterns, chosen, finest, left_of, hold, self._k).shown()
        return Plan(
            decisions=decisions,
            hidden=self.hidden(decisions, in_tree, by_category.margins),
            cells=cells,
            regions=self._regions,
            dimensions=[own.name for own in chosen],
            steady=steady,
            leans_on=by_category.leans_on,
        )

    def _cells(self, chosen: Sequence[Margin], steady: Sequence[Flags]) -> Integers:
        """Of all dimensions or of the first few, of as many as leave the categories safe."""
        dimensions = [self._places.category[name] for name in self._groups.dimensions()]
        for kept in range(len(dimensions), 0, -1):
            cells = base_cells(self._apart, dimensions[:kept], self._k)
            if are_safe(chosen, cells, steady, self._k):
                return cells
        return self._apart

    def _layout(self, finest: Integers, decisions: Mapping[int, Decision]) -> Layout:
        firsts = np.unique(finest, return_index=True)[1]
        parents = [-1 if parent is None else parent for parent in self._groups.parents]
        return Layout(
            ordered=in_order(self._nodes),
            parents=np.array(parents),
            shown=frozenset(ordinal for ordinal, own in decisions.items() if own.status == "ok"),
            group_of=self._regions[self._places.team[firsts]],
        )

    def hidden(
        self,
        decisions: Mapping[int, Decision],
        in_tree: ShownIn,
        by_category: Mapping[Measure, Sequence[Margin]],
    ) -> dict[str, dict[int, Suppression]]:
        shown = [ordinal for ordinal, own in decisions.items() if own.status == "ok"]
        found: dict[str, dict[int, Suppression]] = {}
        for measure in self._patterns.measures():
            at = in_tree.get(measure)
            where = {ordinal for own in by_category.get(measure, ()) for ordinal in own.shown}
            where |= set() if at is None else set(np.flatnonzero(at == np.arange(len(at))).tolist())
            known = self._headline.counts(measure.known)
            reasons: dict[int, Suppression] = {
                ordinal: "below_minimum" if known[ordinal] < self._k else "incomplete_cover"
                for ordinal in shown
                if ordinal not in where
            }
            found |= dict.fromkeys(self._patterns.names[measure.columns], reasons)
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
    regions = np.full(len(groups.parents), -1, dtype=np.int64)
    for ordinal, parent in enumerate(groups.parents):
        around = -1 if parent is None else regions[parent]
        regions[ordinal] = ordinal if decisions[ordinal].status == "ok" else around
    return regions
