"""What is said of celebrations in the groups of an organisation. Pure."""

from collections.abc import Iterable

import numpy as np

from app.metrics.blocks.wave import hidden
from app.metrics.celebrations.rules import Due
from app.metrics.disclosure import Precision, decide, shown_share
from app.metrics.disclosure.tree import tree_nodes
from app.metrics.formulas import kaplan_meier
from app.metrics.sample import Flags, Groups, Places, Rollup
from app.metrics.schemas.celebrations import CelebrationGroup, CelebrationNumbers, CelebrationsOk


def bodies(groups: Groups, due: Due, k: int) -> list[CelebrationNumbers]:
    """What may be said of each group, by ordinal; shown or not by who had something to celebrate."""
    _, one_each = np.unique(due.person, return_index=True)
    persons = Rollup(groups, Places(due.team[one_each], {})).sizes
    decisions = decide(tree_nodes(groups, persons), k)
    celebrations = Rollup(groups, Places(due.team, {}))
    return [
        hidden(decisions[ordinal])
        if (precision := decisions[ordinal].precision) is None
        else _shown(int(persons[ordinal]), due, celebrations.persons(ordinal), precision)
        for ordinal in range(len(groups))
    ]


def _shown(n: int, due: Due, own: Flags, precision: Precision) -> CelebrationsOk:
    curve = kaplan_meier(due.delay[own], due.is_covered[own])
    return CelebrationsOk(
        status="ok",
        n=n,
        precision=precision,
        due=int(own.sum()),
        coverage=shown_share(float(due.is_covered[own].mean()), precision),
        on_time=shown_share(float(due.is_on_time[own].mean()), precision),
        median_delay_days=curve.median,
        reasons={} if curve.median is not None else {"median_delay_days": "half_without_message"},
    )


def within(groups: Iterable[CelebrationGroup], team: str) -> list[CelebrationGroup]:
    """The team and all below it, of groups in tree order; nothing where there is no such team."""
    found: list[CelebrationGroup] = []
    for one in groups:
        if found and one.group.depth <= found[0].group.depth:
            break
        if found or (one.group.kind == "team" and one.group.id == team):
            found.append(one)
    return found
