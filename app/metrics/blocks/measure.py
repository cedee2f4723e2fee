"""A score of the headline set, and how it is told of one group."""

from dataclasses import dataclass

import numpy as np

from app.metrics.blocks.wave import Body
from app.metrics.disclosure import Precision, shown_score, shown_sd, shown_share
from app.metrics.formulas import Interval, Moments, is_favourable, is_unfavourable, t_interval
from app.metrics.sample import Floats, Integers, Rollup

LEAST_BANDED_SD = 5.0


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


def shown_mean(measure: Measure, ordinal: int, precision: Precision) -> Body:
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


def shown_favour(answers: Integers, precision: Precision) -> Body:
    """`answers` has the favourable, neutral and unfavourable ones of the group."""
    shares = [shown_share(int(count) / int(answers.sum()), precision) for count in answers]
    return dict(zip(("favourable", "neutral", "unfavourable"), shares, strict=True))
