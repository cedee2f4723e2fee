"""The organisation cut into disjoint regions: what each of some groups holds outside the others below it."""

from collections.abc import Collection

import numpy as np

from app.metrics.blocks.wave import Wave
from app.metrics.sample import Integers


def regions_of(wave: Wave, groups: Collection[int]) -> Integers:
    """By ordinal of the tree, the innermost of the `groups` at or above it; -1 where there is none."""
    innermost: list[int] = []
    for ordinal, parent in enumerate(wave.sample.groups.parents):
        above = -1 if parent is None else innermost[parent]
        innermost.append(ordinal if ordinal in groups else above)
    return np.array(innermost)


def shown_teams(wave: Wave) -> list[int]:
    """The groups of the tree that are shown, the organisation included."""
    decisions = wave.plan.decisions.items()
    is_team = wave.sample.groups.is_team
    return [ordinal for ordinal, of in decisions if of.precision is not None and is_team(ordinal)]
