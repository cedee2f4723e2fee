"""An attacker of small groups who knows every rule and every number: what can somebody not have answered?

An integer program: how many of each kind of persons gave each answer to each question, such that every number
comes out as it was told, rounding and clamps included. Persons are of a kind where nothing tells them apart:
the same groups, the same questions answered, counted or not in the same scores.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from app.metrics.disclosure import Plan
from app.metrics.disclosure.crossing import numbered
from app.metrics.disclosure.patterns import Patterns, pattern_numbers
from app.metrics.sample import Flags, Floats, Rollup, Sample

OPTIONS = 5
HALF = 0.5 + 1e-6
Row = tuple[Floats, float, float]
"""Kinds x questions x options, and between what the sum lies."""


@dataclass
class SmallGroups:
    """`reach` has how far a number told may be from the true one, by group and measure; without clamps."""

    sample: Sample
    plan: Plan
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        both = self.sample.both
        self.scores, self.rollup = (
            self.sample.scores.of(both),
            Rollup(self.sample.groups, self.sample.places.of(both)),
        )
        self.answered: Flags = ~np.isnan(self.scores.questions)
        self.patterns = Patterns(self.sample.instrument, self.scores)
        counted = (
            np.column_stack(list(self.plan.counted.values())) if self.plan.counted else self.answered[:, :0]
        )
        places = self.sample.places.of(both)
        self.kind = numbered(
            places.team, *places.category.values(), pattern_numbers(self.answered), pattern_numbers(counted)
        )
        self.first = np.unique(self.kind, return_index=True)[1]
        self.size = np.bincount(self.kind)

    def learn(self, weights: Floats, low: float, high: float) -> None:
        """`weights` is persons x questions x options, alike within a kind."""
        self.rows.append((weights[self.first], low, high))

    def learn_mean(
        self, values: Floats, of: Flags, told: float, reach: float, clamp: tuple[float, float]
    ) -> None:
        """`values` is persons x questions: how much of a POMP point an answer is in a person's score."""
        points = values[:, :, None] * np.arange(OPTIONS) * 100 / (OPTIONS - 1)
        low = -np.inf if told <= clamp[0] else told - reach
        high = np.inf if told >= clamp[1] else told + reach
        self.learn(points * of[:, None, None] / max(1, int(np.count_nonzero(of))), low, high)

    def cannot(self, person: int, question: int) -> list[int]:
        """The options that nobody of their kind can have given."""
        shape = (len(self.first), self.answered.shape[1], OPTIONS)
        size = np.where(self.answered[self.first], self.size[:, None], 0)
        each = np.repeat(np.eye(shape[0] * shape[1]), OPTIONS, axis=1)
        table = csr_array(np.vstack([each, *[weights.reshape(1, -1) for weights, _, _ in self.rows]]))
        low = np.concatenate([size.ravel(), [own for _, own, _ in self.rows]])
        high = np.concatenate([size.ravel(), [own for _, _, own in self.rows]])
        own = self.kind[person]
        return [
            option
            for option in range(OPTIONS)
            if not _is_possible(table, low, high, size, np.ravel_multi_index((own, question, option), shape))
        ]


def _is_possible(table: csr_array, low: Floats, high: Floats, size: Floats, place: int) -> bool:
    least = np.zeros(table.shape[1])
    least[place] = 1
    bounds = Bounds(least, np.maximum(np.repeat(size.ravel(), OPTIONS), least))
    found = milp(
        np.zeros(table.shape[1]),
        integrality=np.ones(table.shape[1], dtype=np.int64),
        bounds=bounds,
        constraints=LinearConstraint(table, low, high),
        options={"time_limit": 60},
    )
    return found.status != 2
