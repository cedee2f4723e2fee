"""A score of the headline set, and how it is told of one group."""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from app.metrics.disclosure import Precision, shown_score, shown_sd, shown_share
from app.metrics.disclosure.tree import EXACT_FROM
from app.metrics.formulas import Interval, Moments, Pool, is_favourable, is_unfavourable, t_interval, wilson
from app.metrics.sample import Floats, Integers, Rollup

LEAST_BANDED_SD = 5.0


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


@dataclass(frozen=True, slots=True)
class Measure:
    """n, mean and sd of each group, by ordinal; banded intervals use the spread of all (R7)."""

    n: Integers
    mean: Floats
    sd: Floats
    banded_sd: float

    @classmethod
    def take(cls, rollup: Rollup, values: Floats) -> "Measure":
        n, mean, sd = rollup.moments(values)
        return cls(n, mean, sd, max(float(sd[0]), LEAST_BANDED_SD))

    def moments(self, ordinal: int) -> Moments:
        return Moments(int(self.n[ordinal]), float(self.mean[ordinal]), float(self.sd[ordinal]))

    def interval(self, ordinal: int, precision: Precision, population: int | None = None) -> Interval | None:
        of = self.moments(ordinal)
        return t_interval(Moments(of.n, of.mean, self.banded_sd) if precision == "banded" else of, population)


def as_small(n: int, group: Precision) -> Precision:
    """How precisely a number that n persons of a group have is told: never more so than the group's own."""
    return "banded" if n < EXACT_FROM else group


def shown_mean(measure: Measure, ordinal: int, precision: Precision) -> Mean:
    of, ci = measure.moments(ordinal), measure.interval(ordinal, precision)
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

    def shown(self, ordinal: int, precision: Precision) -> Favoured:
        ci = self.interval(ordinal, precision)
        answers = self.answers[ordinal]
        high, middle, low = (shown_share(int(count) / int(answers.sum()), precision) for count in answers)
        return {
            "favourable": high,
            "neutral": middle,
            "unfavourable": low,
            "favourable_ci_low": None if ci is None else shown_share(ci.low, precision),
            "favourable_ci_high": None if ci is None else shown_share(ci.high, precision),
        }

    def interval(self, ordinal: int, precision: Precision) -> Interval | None:
        pool = _pool(self.pools[ordinal])
        of = pool.share()
        if of is None:
            return None
        if precision == "banded":
            return t_interval(Moments(of.n, of.mean, self.banded_sd))
        return wilson(int(self.answers[ordinal][0]), of.n) if self.is_one_question else pool.interval()


def _pool(sums: Floats) -> Pool:
    return Pool(int(sums[0]), *(float(value) for value in sums[1:]))
