"""What may be told of a wave after its release: of who came back (disclosure.md R9), after erasures (R11)."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from app.metrics.disclosure.categories import REST
from app.metrics.disclosure.crossing import Table, holds_together, is_safe, numbered
from app.metrics.disclosure.plan import Plan
from app.metrics.disclosure.tree import in_order, none_or_enough, select, tree_nodes
from app.metrics.sample import Flags, Groups, Integers, Sample


def may_link(sample: Sample, plan: Plan, repeaters: Flags, k: int) -> bool:
    """Whether the headline of those who answered another wave too may be shown of the whole organisation,
    beside all that the plan shows. To be asked of both waves; `repeaters` has one flag a person of the
    sample.
    """
    repeats = repeaters[sample.both]
    n = int(repeats.sum())
    if n < k or not none_or_enough(len(repeats) - n, k):
        return False
    table = Table(_told_apart(sample, plan), [*_shown_categories(sample, plan), repeats.astype(np.int64)])
    return all(is_safe(table, persons, k) for persons in plan.steady) and all(
        holds_together(table, persons, k) for persons in plan.leans_on
    )


def may_contrast(sample: Sample, plan: Plan, parts: Integers, k: int) -> bool:
    """Whether contrasts between parts of those who answered another wave, teams held equal, may be told
    beside all that the plan shows. To be asked of both waves, where they may be linked at all.

    `parts` has one a person of the sample, 0 for who did not repeat. Teams are held equal, shown or not,
    among those who repeat: so each counts as if these and the others of it were shown. Every contrast has to
    rest on k in the later wave whatever is taken away: then those of several pairs of waves cannot be put
    together into one of fewer either, as the latest of them is not to be undone.
    """
    own = parts[sample.both]
    if not all(none_or_enough(int(n), k) for n in np.bincount(own)):
        return False
    repeats = (own > 0).astype(np.int64)
    regions = numbered(_told_apart(sample, plan), sample.places.team[sample.both], repeats)
    table = Table(regions, [*_shown_categories(sample, plan), np.maximum(own, 1)])
    everybody = np.ones(len(own), dtype=np.bool_)
    return all(is_safe(table, persons, k) for persons in plan.steady) and all(
        holds_together(table, persons, k) for persons in (everybody, *plan.leans_on)
    )


def _told_apart(sample: Sample, plan: Plan) -> Integers:
    if plan.cells is not None:
        return plan.cells
    return numbered(plan.regions[sample.places.team[sample.both]], sample.included[sample.both])


def _shown_categories(sample: Sample, plan: Plan) -> Sequence[Integers]:
    shown = [ordinal for ordinal, decision in plan.decisions.items() if decision.status == "ok"]
    categories = [sample.places.category[name][sample.both] for name in plan.dimensions]
    return [np.where(np.isin(own, shown), own, REST) for own in categories]


def erased_few(groups: Groups, shown: AbstractSet[int], erased: Integers, k: int) -> frozenset[int]:
    """The groups shown by a release of which no trend may be told any more.

    `erased` has for each group of the tree the number erased since the release, with all below it. A trend is
    without them, so beside the release it tells of them alone: in each group, and in what groups leave of the
    one around them, they have to be nobody or k. Of which categories they were is not kept.
    """
    nodes = tree_nodes(groups, erased)
    nearest = select(
        in_order(nodes),
        lambda node: (node.n,) if node.ordinal in shown and none_or_enough(node.n, k) else None,
        lambda own: none_or_enough(own[0], k),
    )
    told = {node.ordinal for node in nodes if nearest[node.ordinal] == node.ordinal}
    if not erased[0]:
        told |= {ordinal for ordinal in shown if not groups.is_team(ordinal)}
    return frozenset(shown - told)
