from dataclasses import dataclass
from math import exp, sqrt

from scipy.special import chdtri, stdtrit

from app.metrics.formulas.intervals import UPPER_TAIL, Interval
from app.metrics.formulas.scores import Pool


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per unit of exposure, with its 95% interval."""

    events: int
    value: float
    ci: Interval


def poisson_rate(events: int, exposure: float) -> Rate | None:
    """The exact interval of a Poisson count (Garwood 1936). None without exposure."""
    if exposure <= 0:
        return None
    low = float(chdtri(2 * events, UPPER_TAIL)) / 2 if events else 0.0
    high = float(chdtri(2 * events + 2, 1 - UPPER_TAIL)) / 2
    return Rate(events, events / exposure, Interval(low / exposure, high / exposure))


def clumped_rate(pool: Pool) -> Rate | None:
    """As `poisson_rate`, of events in clumps by person: `of_kind` are the events, `answers` the exposure.

    Student's t on the logarithm, with the error of the ratio between persons (Cochran 1977; the logarithm as
    the counts are skewed). Where persons do not differ, as without events, the Poisson count is all there is.
    """
    of = pool.share()
    if of is None or of.sd is None or not of.has_spread:
        return poisson_rate(round(pool.of_kind), pool.answers)
    half = float(stdtrit(of.n - 1, UPPER_TAIL)) * of.sd / sqrt(of.n) / of.mean
    return Rate(round(pool.of_kind), of.mean, Interval(of.mean * exp(-half), of.mean * exp(half)))
