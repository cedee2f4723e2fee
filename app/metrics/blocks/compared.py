"""How a score is compared: exactly, and rounded after; and as it is known by whoever reads it."""

from collections.abc import Callable
from math import inf
from typing import Final, TypedDict

from app.metrics.blocks.measure import Measure
from app.metrics.disclosure import Precision, shown_sd, shown_share
from app.metrics.formulas import Interval, Moments

Rounded = Callable[[float, Precision], float]

FURTHEST: Final = 100.0
"""Apart, of two scores from 0 to 100."""
FURTHEST_OF_SIGNED: Final = 200.0
"""Of two that go from -100 to 100: eNPS and the gap."""
FINEST_FIRST: tuple[Precision, ...] = ("exact", "integer", "banded")


class Ends(TypedDict):
    ci_low: float
    ci_high: float


def as_shown(measure: Measure, ordinal: int, precision: Precision, rounded: Rounded) -> Moments:
    """The moments of a group as they are told, the organisation's spread standing for that of a small one."""
    of = measure.moments(ordinal)
    sd = shown_sd(of.sd or 0.0, precision)
    return Moments(of.n, rounded(of.mean, precision), measure.banded_sd if sd is None else sd)


def as_compared(
    measure: Measure, ordinal: int, precision: Precision, rounded: Rounded, *, finer: bool = False
) -> Moments:
    """Exact; of a small group as it is shown, with the organisation's spread.

    `finer`: of a small group too, within the ends that are shown. That is for the headline set alone, since a
    second rounding tells more of a score that somebody skipped (R6).
    """
    of = measure.moments(ordinal)
    if precision != "banded":
        return of
    low, high = (rounded(end, precision) for end in (-inf, inf))
    mean = min(max(of.mean, low), high) if finer else rounded(of.mean, precision)
    return Moments(of.n, mean, measure.banded_sd)


def coarser(one: Precision, other: Precision) -> Precision:
    return max(one, other, key=FINEST_FIRST.index)


def shown_difference(value: float, precision: Precision) -> float:
    """Between two scores, so up to twice as far as these go."""
    return value if precision == "exact" else round(round(value, 9))


def shown_interval(ci: Interval, precision: Precision, furthest: float = FURTHEST) -> Ends:
    return {
        "ci_low": shown_difference(max(ci.low, -furthest), precision),
        "ci_high": shown_difference(min(ci.high, furthest), precision),
    }


def shown_detectable(value: float, precision: Precision, furthest: float = FURTHEST) -> float:
    """The furthest that two scores can lie apart, where not even that would have been seen."""
    return shown_difference(min(value, furthest), precision)


def shown_p(value: float, precision: Precision) -> float | None:
    return None if precision == "banded" else shown_share(value, precision)
