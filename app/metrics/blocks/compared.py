"""What is known of a score by whoever reads it: a comparison made of no more than that gives nothing away."""

from collections.abc import Callable
from typing import TypedDict

from app.metrics.blocks.measure import Measure
from app.metrics.disclosure import Precision, shown_gap, shown_sd, shown_share
from app.metrics.formulas import Interval, Moments

Rounded = Callable[[float, Precision], float]

FINEST_FIRST: tuple[Precision, ...] = ("exact", "integer", "banded")


class Ends(TypedDict):
    ci_low: float
    ci_high: float


def as_shown(measure: Measure, ordinal: int, precision: Precision, rounded: Rounded) -> Moments:
    """The moments of a group as they are told, the organisation's spread standing for that of a small one."""
    of = measure.moments(ordinal)
    sd = shown_sd(of.sd or 0.0, precision)
    return Moments(of.n, rounded(of.mean, precision), measure.banded_sd if sd is None else sd)


def coarser(one: Precision, other: Precision) -> Precision:
    return max(one, other, key=FINEST_FIRST.index)


def shown_difference(value: float, precision: Precision) -> float:
    """It stands on numbers already shown, so it needs no clamp."""
    return shown_gap(value, "exact" if precision == "exact" else "integer")


def shown_interval(ci: Interval, precision: Precision) -> Ends:
    return {
        "ci_low": shown_difference(ci.low, precision),
        "ci_high": shown_difference(ci.high, precision),
    }


def shown_p(value: float, precision: Precision) -> float | None:
    return None if precision == "banded" else shown_share(value, precision)
