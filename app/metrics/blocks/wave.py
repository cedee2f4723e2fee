"""What every block is given, and the shape of what it gives back: models of what is told of each group."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from pydantic import BaseModel

from app.metrics.disclosure import Decision, Plan, Precision, rest_told_where
from app.metrics.formulas import FIXED
from app.metrics.formulas.drivers import TARGET
from app.metrics.formulas.quadrants import Cuts
from app.metrics.formulas.trends import SMALLEST_CHANGE
from app.metrics.sample import DIMENSIONS, Flags, Floats, Integers, Rollup, Sample, Scores
from app.metrics.schemas import Reasons, Suppressed, Suppression, Undefined

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")
Members = Mapping[str, object] | BaseModel
"""Why a member is None, by its dotted path."""

PLAIN: Final = (float, int, str)
NESTED: Final = (dict, BaseModel)
"""Of members; to tell the plain ones first is quick, and most are."""

ORGANIZATION: Final = 0
FEWEST_FACETS, FEWEST_QUESTIONS = 2, 3


@dataclass(frozen=True, slots=True)
class Division:
    """What divides high from low: `cuts` None are the scores of the whole organisation, as they are shown."""

    mode: Literal["fixed", "benchmark"]
    cuts: Cuts | None


FIXED_DIVISION: Final = Division("fixed", FIXED)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the organisation had chosen when the wave was released: in points, from where a lever leaves no
    room, and from where a difference matters.
    """

    target: float = TARGET
    smallest_change: float = SMALLEST_CHANGE
    division: Division = FIXED_DIVISION


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
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
    choices: Choices

    @classmethod
    def take(
        cls,
        survey_id: UUID,
        k: int,
        sample: Sample,
        invited: Integers | None,
        plan: Plan,
        choices: Choices | None = None,
    ) -> "Wave":
        both = sample.both
        rollup = Rollup(sample.groups, sample.places.of(both))
        return cls(survey_id, k, sample, invited, plan, sample.scores.of(both), rollup, choices or Choices())

    @property
    def seed(self) -> int:
        return self.survey_id.int % 2**32

    @property
    def has_both_dimensions(self) -> bool:
        """Whether the questionnaire asks for both: without that no group has a number."""
        return all(self.sample.instrument.facets_of(dimension) for dimension in DIMENSIONS)

    @property
    def asks_enough(self) -> bool:
        """Whether satisfaction and engagement may be crossed: of a question that says who somebody is, and
        another, what is told of the two together would be one person's answer.
        """
        asked = [self.sample.instrument.facets_of(dimension) for dimension in DIMENSIONS]
        return all(
            len(own) >= FEWEST_FACETS or sum(map(len, own.values())) >= FEWEST_QUESTIONS for own in asked
        )

    def n(self, ordinal: int) -> int:
        return int(self.rollup.sizes[ordinal])

    def shown_invited(self, ordinal: int) -> int | None:
        shows = self.plan.is_last and self.plan.decisions[ordinal].shows_invited
        return int(self.invited[ordinal]) if shows and self.invited is not None else None

    def why_no_invited(self) -> str:
        """Of a shown group without it (R8)."""
        if self.invited is None:
            return "no_frame"
        return "few_silent" if self.plan.is_last else "awaits_final_release"

    def why_hidden(self, measure: str, ordinal: int, n: int) -> Suppression | None:
        """Why the measure, which n persons of a shown group have, is not shown; None where it is."""
        return self.plan.why_not(measure, ordinal) or ("below_minimum" if n < self.k else None)

    def is_countable(self, part: int, whole: int) -> bool:
        """Whether it may be told how many of a whole are in a part: the rest are none or many enough (R8)."""
        return part == whole or whole - part >= self.k

    def telling_of(self, persons: Flags) -> AbstractSet[int]:
        """The groups told exactly that may tell something of these persons: of no group, nor of what is left
        between groups, are the others few. Of a category they are none: with teams it could take a few out.
        """
        own, groups, sizes = self.rollup.counts(persons), self.sample.groups, self.rollup.sizes
        exact = {ordinal for ordinal, of in self.plan.decisions.items() if of.precision == "exact"}
        everybody = {ordinal for ordinal in exact if own[ordinal] == sizes[ordinal]}
        teams = rest_told_where(own, sizes, groups, exact, self.k)
        return teams | {ordinal for ordinal in everybody if not groups.is_team(ordinal)}

    def counted(self, measure: str, values: Floats) -> Floats:
        """Of whoever counts in a measure where it is told exactly; `values` has one a person (R6)."""
        return np.where(self.plan.counted.get(measure, True), values, np.nan)

    def why_coarse(self, measure: str, ordinal: int) -> str:
        """Why little more than a step is told of a group's measure, if so."""
        is_small = self.plan.decisions[ordinal].precision == "banded"
        return "coarse" if self.plan.is_coarse(measure, ordinal) and not is_small else "banded"

    def columns_of(self, dimension: str) -> list[int]:
        return [column for column, own in enumerate(self.sample.instrument.dimension) if own == dimension]


def once(ask: Callable[[Wave], T]) -> Callable[[Wave], T]:
    """What several blocks ask of a wave, worked out for the first of them."""
    known: WeakKeyDictionary[Wave, T] = WeakKeyDictionary()

    def answer(wave: Wave) -> T:
        if wave not in known:
            known[wave] = ask(wave)
        return known[wave]

    return answer


def of_each_group(wave: Wave, shown: Callable[[int, Precision], S]) -> dict[int, S | Suppressed | Undefined]:
    """`shown` of each group that may be shown; the reason of every other."""
    decisions = sorted(wave.plan.decisions.items())
    if not wave.has_both_dimensions:
        undefined = Undefined(status="undefined", reason="dimension_missing", n=0)
        return {ordinal: undefined for ordinal, _ in decisions}
    return {
        ordinal: hidden(decision) if decision.precision is None else shown(ordinal, decision.precision)
        for ordinal, decision in decisions
    }


def hidden(decision: Decision) -> Suppressed:
    assert decision.reason is not None, "a group that is not shown has its reason"
    return Suppressed(status="suppressed", reason=decision.reason)


def reasons_of(*parts: tuple[Members, str]) -> Reasons:
    """For each member that is None, by its dotted path, the reason of its part."""
    return {path: reason for members, reason in parts for path in _empty(members)}


def _empty(members: Members, path: str = "") -> Iterator[str]:
    for name, member in members.items() if isinstance(members, Mapping) else members:
        if member is None:
            yield path + name
        elif not isinstance(member, PLAIN) and isinstance(member, NESTED):
            yield from _empty(member, f"{path}{name}.")
