"""What every block is given, and the shape of what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.metrics.disclosure import Decision, Plan, Precision
from app.metrics.sample import DIMENSIONS, Integers, Rollup, Sample, Scores

Body = dict[str, Any]
"""What a metric says of one group, as JSON without NaN: `status` and, where that is "ok", numbers."""

Bodies = dict[int, Body]
"""By the ordinal of the group."""

ORGANIZATION: Final = 0


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

    @classmethod
    def take(cls, survey_id: UUID, k: int, sample: Sample, invited: Integers | None, plan: Plan) -> "Wave":
        both = sample.both
        rollup = Rollup(sample.groups, sample.places.of(both))
        return cls(survey_id, k, sample, invited, plan, sample.scores.of(both), rollup)

    @property
    def seed(self) -> int:
        return self.survey_id.int % 2**32

    @property
    def has_both_dimensions(self) -> bool:
        """Whether the questionnaire asks for both: without that no group has a number."""
        return all(self.sample.instrument.facets_of(dimension) for dimension in DIMENSIONS)

    def n(self, ordinal: int) -> int:
        return int(self.rollup.sizes[ordinal])

    def shown_invited(self, ordinal: int) -> int | None:
        shows = self.plan.decisions[ordinal].shows_invited
        return int(self.invited[ordinal]) if shows and self.invited is not None else None

    def why_no_invited(self) -> str:
        """Of a shown group without it (R8)."""
        return "no_frame" if self.invited is None else "few_silent"

    def why_hidden(self, measure: str, ordinal: int, n: int) -> str | None:
        """Why the measure, which n persons of a shown group have, is not shown; None where it is."""
        return self.plan.why_not(measure, ordinal) or ("below_minimum" if n < self.k else None)

    def is_countable(self, part: int, whole: int) -> bool:
        """Whether it may be told how many of a whole are in a part: the rest are none or many enough (R8)."""
        return part == whole or whole - part >= self.k

    def columns_of(self, dimension: str) -> list[int]:
        return [column for column, own in enumerate(self.sample.instrument.dimension) if own == dimension]


def of_each_group(wave: Wave, shown: Callable[[int, Precision], Body]) -> Bodies:
    """`shown` of each group that may be shown; the reason of every other."""
    decisions = sorted(wave.plan.decisions.items())
    if not wave.has_both_dimensions:
        undefined = {"status": "undefined", "reason": "dimension_missing", "n": 0}
        return {ordinal: undefined for ordinal, _ in decisions}
    return {
        ordinal: _suppressed(decision) if decision.precision is None else shown(ordinal, decision.precision)
        for ordinal, decision in decisions
    }


def missing(body: Body, reason: str) -> dict[str, str]:
    """`reason` for each member that is None, by its dotted path."""
    return dict.fromkeys(_empty(body), reason)


def explained(*parts: tuple[Body, str]) -> Body:
    """The members of all parts together, and in `reasons` for each that is None the reason of its part."""
    body: Body = {}
    reasons: dict[str, str] = {}
    for members, reason in parts:
        body = _together(body, members)
        reasons |= missing(members, reason)
    return {**body, "reasons": reasons}


def _together(body: Body, other: Body) -> Body:
    """Members of both; an object that both have has the members of both."""
    shared = {name: _together(body[name], other[name]) for name in body.keys() & other.keys()}
    return {**body, **other, **shared}


def _empty(body: Body, path: str = "") -> list[str]:
    found = []
    for name, member in body.items():
        if member is None:
            found.append(path + name)
        elif isinstance(member, dict):
            found += _empty(member, f"{path}{name}.")
    return found


def _suppressed(decision: Decision) -> Body:
    return {"status": "suppressed", "reason": decision.reason}
