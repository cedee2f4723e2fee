"""A score of the headline set, and how it is told of one group."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final, TypedDict

import numpy as np

from app.metrics.blocks.wave import ORGANIZATION, Wave
from app.metrics.disclosure import Precision, coarse_score, shown_score, shown_sd, shown_share
from app.metrics.disclosure.tree import EXACT_FROM
from app.metrics.formulas import Interval, Moments, Pool, is_favourable, is_unfavourable, t_interval, wilson
from app.metrics.sample import Floats, Integers, Rollup

LEAST_BANDED_SD = 5.0
USUAL_SD = 25.0
"""For an organisation whose own spread is not told."""


class Mean(TypedDict):
    score: float
    ci_low: float | None
    ci_high: float | None
    sd: float | None


class Favoured(TypedDict):
    favourable: float
    neutral: float
    unfavourable: float
    favourable_ci_low: float | None
    favourable_ci_high: float | None


class FavouredIfTold(TypedDict):
    favourable: float | None
    neutral: float | None
    unfavourable: float | None
    favourable_ci_low: float | None
    favourable_ci_high: float | None


UNTOLD: Final[FavouredIfTold] = {
    "favourable": None,
    "neutral": None,
    "unfavourable": None,
    "favourable_ci_low": None,
    "favourable_ci_high": None,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """n, mean and sd of each group, by ordinal; banded intervals use the spread of all (R7).

    The groups in `coarse` have the mean in steps, and nothing else is told of them: n is the group's own, as
    what it is more than those who have the score would be the few who have not (R8).
    """

    n: Integers
    mean: Floats
    sd: Floats
    banded_sd: float
    coarse: AbstractSet[int] = frozenset()

    @classmethod
    def take(cls, rollup: Rollup, values: Floats) -> "Measure":
        n, mean, sd = rollup.moments(values)
        return cls(n, mean, sd, max(float(sd[0]), LEAST_BANDED_SD))

    @classmethod
    def of_some(
        cls, wave: Wave, name: str, values: Floats, in_steps: Callable[[float, int], float] = coarse_score
    ) -> "Measure":
        """Of a score that not everybody has: who counts in it by lot, or coarsely whoever has it (R6)."""
        exact = cls.take(wave.rollup, wave.counted(name, values))
        coarse = wave.plan.coarse.get(name, frozenset())
        n, mean, _ = wave.rollup.moments(values)
        for ordinal in coarse:
            exact.n[ordinal] = n[ordinal] if n[ordinal] < wave.k else wave.n(ordinal)
            exact.mean[ordinal] = in_steps(float(mean[ordinal]), int(n[ordinal]))
            exact.sd[ordinal] = 0.0
        return replace(
            exact, coarse=coarse, banded_sd=USUAL_SD if ORGANIZATION in coarse else exact.banded_sd
        )

    def precision(self, ordinal: int, group: Precision) -> Precision:
        """How precisely it is told of a group: never more so than the group's own numbers."""
        return "banded" if ordinal in self.coarse or self.n[ordinal] < EXACT_FROM else group

    def moments(self, ordinal: int) -> Moments:
        return Moments(int(self.n[ordinal]), float(self.mean[ordinal]), float(self.sd[ordinal]))

    def interval(self, ordinal: int, precision: Precision, population: int | None = None) -> Interval | None:
        of = self.moments(ordinal)
        return t_interval(Moments(of.n, of.mean, self.banded_sd) if precision == "banded" else of, population)


def shown_mean(measure: Measure, ordinal: int, precision: Precision) -> Mean:
    of = measure.moments(ordinal)
    if ordinal in measure.coarse:
        return {"score": of.mean, "ci_low": None, "ci_high": None, "sd": None}
    ci = measure.interval(ordinal, precision)
    return {
        "score": shown_score(of.mean, precision),
        "ci_low": None if ci is None else shown_score(ci.low, precision),
        "ci_high": None if ci is None else shown_score(ci.high, precision),
        "sd": None if of.sd is None else shown_sd(of.sd, precision),
    }


def answers_by_favour(rollup: Rollup, questions: Floats) -> Integers:
    """Groups x (favourable, neutral, unfavourable): how many answers, of persons x questions, are that."""
    high, low = is_favourable(questions).sum(axis=1), is_unfavourable(questions).sum(axis=1)
    middle = (~np.isnan(questions)).sum(axis=1) - high - low
    return rollup.sums(np.column_stack([high, middle, low]).astype(np.float64)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Favour:
    """How favourable the answers to some questions are, pooled, in each group.

    `answers` is as of `answers_by_favour`; `pools` has the columns of Pool, of the favourable ones.
    """

    answers: Integers
    pools: Floats
    is_one_question: bool
    banded_sd: float
    coarse: AbstractSet[int] = frozenset()

    @classmethod
    def of_some(cls, wave: Wave, name: str, questions: Floats) -> "Favour":
        """Of the answers of those who count in a score, and of no group that tells it coarsely (R6)."""
        counts = wave.plan.counted.get(name, np.ones(len(questions), dtype=np.bool_))
        own = cls.take(wave.rollup, np.where(counts[:, None], questions, np.nan))
        return replace(own, coarse=wave.plan.coarse.get(name, frozenset()))

    @classmethod
    def take(cls, rollup: Rollup, questions: Floats) -> "Favour":
        """`questions` is persons x questions, NaN where an answer does not count."""
        given, high = (~np.isnan(questions)).sum(axis=1), is_favourable(questions).sum(axis=1)
        sums = [given > 0, given, high, given**2, high**2, given * high]
        pools = rollup.sums(np.column_stack(sums).astype(np.float64))
        of_all = _pool(pools[0]).share()
        spread = 0.0 if of_all is None or of_all.sd is None else of_all.sd
        answers, is_one = answers_by_favour(rollup, questions), questions.shape[1] == 1
        return cls(answers, pools, is_one, max(spread, LEAST_BANDED_SD / 100))

    def told(self, ordinal: int, precision: Precision) -> FavouredIfTold:
        return UNTOLD if ordinal in self.coarse else {**self.shown(ordinal, precision)}

    def shown(self, ordinal: int, precision: Precision) -> Favoured:
        ci = self.interval(ordinal, precision)
        answers: list[int] = self.answers[ordinal].tolist()
        high, middle, low = (shown_share(count / sum(answers), precision) for count in answers)
        return {
            "favourable": high,
            "neutral": middle,
            "unfavourable": low,
            "favourable_ci_low": None if ci is None else shown_share(ci.low, precision),
            "favourable_ci_high": None if ci is None else shown_share(ci.high, precision),
        }

    def interval(self, ordinal: int, precision: Precision) -> Interval | None:
        pool = _pool(self.pools[ordinal])
        if pool.n == 0:
            return None
        if precision == "banded":
            return t_interval(Moments(pool.n, pool.of_kind / pool.answers, self.banded_sd))
        return wilson(int(self.answers[ordinal, 0]), pool.n) if self.is_one_question else pool.interval()


def _pool(sums: Floats) -> Pool:
    n, *others = sums.tolist()
    return Pool(int(n), *others)
