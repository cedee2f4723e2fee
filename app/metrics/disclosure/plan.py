"""What a release may show of every group, decided once, from who belongs to which set."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.metrics.disclosure.tree import Decision, Node, Suppression, decide
from app.metrics.sample import Flags, Groups, Integers, Rollup, Sample


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision for every group, by ordinal, and of the shown groups what is hidden of a measure.

    A measure is `facet:<key>`, `question:<key>`, `lever:<key>` or `outcome:<key>`: a score of some of the
    persons with both scores. `hidden` has the groups in which it may not be shown.
    """

    decisions: Mapping[int, Decision]
    hidden: Mapping[str, Mapping[int, Suppression]]

    def why_not(self, measure: str, ordinal: int) -> Suppression | None:
        """Why the measure of a shown group is not shown; None where it is."""
        return self.hidden.get(measure, {}).get(ordinal)


def plan_release(sample: Sample, invited: Integers | None, k: int) -> Plan:
    responded = Rollup(sample.groups, sample.places)
    nodes = [
        Node(
            ordinal=ordinal,
            parent=parent,
            depth=int(responded.depths[ordinal]),
            key=sample.groups.keys[ordinal],
            n=n,
            invited=None if invited is None else int(invited[ordinal]),
            responded=int(responded.sizes[ordinal]),
        )
        for ordinal, (parent, n) in enumerate(
            zip(
                sample.groups.parents,
                responded.counts(sample.both).tolist()[: len(sample.groups.parents)],
                strict=True,
            )
        )
    ]
    d = decide(nodes, k)
    for o in range(len(sample.groups.parents), len(sample.groups)):
        d[o] = Decision("suppressed", "crossing", None, False)
    return Plan(d, {})


def base_regions(groups: Groups, invited: Integers, k: int) -> Integers:
    return np.zeros(len(groups.parents), dtype=np.int64)


def admit(regions: Integers, waiting: Flags, k: int) -> Flags:
    return waiting if waiting.sum() >= k else np.zeros_like(waiting)
