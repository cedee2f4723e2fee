from dataclasses import dataclass
from math import exp, inf, log, sqrt

from app.metrics.formulas.intervals import UPPER_TAIL, Interval, Moments
from app.metrics.formulas.scores import Pool
from app.metrics.formulas.special import chdtri, ndtri, stdtrit


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per unit of exposure, with its 95% interval."""

    events: int
    value: float
    ci: Interval


@dataclass(frozen=True, slots=True)
class RatioOfRates:
    """The one rate over the other, above 0, with its 95% interval: 1 is no difference."""

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
    the counts are skewed) and the degrees of freedom of `_freedom`. Where persons do not differ, as without
    events, the Poisson count is all there is.
    """
    of = pool.share()
    if of is None or of.sd is None or not of.has_spread:
        return poisson_rate(round(pool.of_kind), pool.answers)
    square, df = _squared_error(pool)
    half = sqrt(square) * _quantile(df)
    return Rate(round(pool.of_kind), of.mean, Interval(of.mean * exp(-half), of.mean * exp(half)))


def ratio_of_clumped(pool: Pool, other: Pool) -> RatioOfRates | None:
    """Of two groups that share nobody, each as in `clumped_rate`; None where either is without an event.

    On the logarithm the two errors between persons add up, with the degrees of freedom of Welch 1947.
    """
    if min(pool.of_kind, other.of_kind) <= 0 or min(pool.answers, other.answers) <= 0:
        return None
    value = pool.of_kind / pool.answers / (other.of_kind / other.answers)
    errors = [_squared_error(own) for own in (pool, other)]
    variance = sum(square for square, _ in errors)
    lost = sum(square**2 / df for square, df in errors)
    half = sqrt(variance) * _quantile(variance**2 / lost if lost > 0 else inf)
    return RatioOfRates(value, Interval(exp(log(value) - half), exp(log(value) + half)))


def _squared_error(pool: Pool) -> tuple[float, float]:
    """Of the logarithm of a rate, and its degrees of freedom."""
    of = pool.share()
    if of is None or of.sd is None or not of.has_spread:
        return 1 / pool.of_kind, inf
    return (of.sd / of.mean) ** 2 / of.n, _freedom(of)


def _freedom(of: Moments) -> float:
    """Satterthwaite's (1946), by the moments of gamma distributed values, as clumps are: below n - 1.

    The squared error varies more than that of normal values, and moves with the mean.
    """
    return float(max((of.n - 1) / (1 + (of.sd or 0) ** 2 / of.mean**2), 1))


def _quantile(df: float) -> float:
    return float(ndtri(UPPER_TAIL) if df == inf else stdtrit(df, UPPER_TAIL))
