"""What every block is given, and the shape of what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.metrics.disclosure import Decision, Plan, Precision
from app.metrics.sample import Integers, Rollup, Sample, Scores

Body = dict[str, Any]
"""What a metric says of one group, as JSON without NaN: `status` and, where that is "ok", numbers."""

Bodies = dict[int, Body]
"""By the ordinal of the group."""


@dataclass(frozen=True, slots=True)
class Wave:
    """One survey at its release: who responded, and what may be shown of it.

    `both` and `rollup` are of the headline set, the persons with both scores, on whom every block stands.
    `invited` has the number invited of each group, None without a frame. `seed` comes from the survey id.
    """

    survey_id: UUID
    k: int
    sample: Sample
    invited: Integers | None
    plan: Plan
    both: Scores
    rollup: Rollup

    @property
    def seed(self) -> int:
        return self.survey_id.int % 2**32

    def n(self, ordinal: int) -> int:
        return int(self.rollup.counts()[ordinal])


def of_each_group(wave: Wave, shown: Callable[[int, Precision], Body]) -> Bodies:
    """`shown` of each group that may be shown; the reason of every other."""
    decisions = wave.plan.decisions.items()
    return {
        ordinal: _suppressed(decision) if decision.precision is None else shown(ordinal, decision.precision)
        for ordinal, decision in decisions
    }


def _suppressed(decision: Decision) -> Body:
    return {"status": "suppressed", "reason": decision.reason}
