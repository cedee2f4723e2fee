"""How many of a group did not know, or found that a question does not apply to them (disclosure.md R8)."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import Precision, count_told_where
from app.metrics.sample import Flags, Integers

DONT_KNOW = -1


@dataclass(frozen=True, slots=True)
class DontKnow:
    """By group how many; `told` has the groups that tell it."""

    counts: Integers
    told: AbstractSet[int]

    @classmethod
    def take(cls, wave: Wave, persons: Flags, n: Integers, exact: Collection[int]) -> "DontKnow":
        """`n` has by group how many count in the score of the question; those in `exact` tell it exactly."""
        counts, groups = wave.rollup.counts(persons), wave.sample.groups
        return cls(counts, count_told_where(counts, n, wave.rollup.sizes, groups, exact, wave.k))

    def shown(self, ordinal: int) -> int | None:
        return int(self.counts[ordinal]) if ordinal in self.told else None


def why_not_told(wave: Wave, ordinal: int, precision: Precision) -> str:
    """With teams, a category could take a few out of them."""
    if precision != "exact":
        return "rounded"
    return "few" if wave.sample.groups.is_team(ordinal) else "crossing"
