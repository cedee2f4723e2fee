"""How precisely a number of a shown group is told (disclosure.md R7)."""

from app.metrics.words import Precision

SCORES = (0, 100)
GAPS = (-100, 100)
BANDED_SCORE = (5, 95)
BANDED_GAP = (-90, 90)
BANDS = 20
COARSER_BELOW = 10


def shown_score(value: float, precision: Precision) -> float:
    """A mean, an end of its interval or a bound, 0-100."""
    return _whole(value, precision, BANDED_SCORE if precision == "banded" else SCORES)


def shown_gap(value: float, precision: Precision) -> float:
    """A difference of two scores, -100 to 100, or an end of its interval."""
    return _whole(value, precision, BANDED_GAP if precision == "banded" else GAPS)


def shown_sd(value: float, precision: Precision) -> float | None:
    return None if precision == "banded" else value if precision == "exact" else round(_settled(value))


def shown_dz(value: float, precision: Precision) -> float | None:
    return None if precision == "banded" else value if precision == "exact" else _hundredths(value)


def shown_share(value: float, precision: Precision) -> float:
    """A share, 0-1, or an end of its interval; banded in steps of .05 that stay off 0 and 1."""
    if precision == "banded":
        return min(max(round(_settled(value * BANDS)), 1), BANDS - 1) / BANDS
    within = min(max(value, 0.0), 1.0)
    return within if precision == "exact" else _hundredths(within)


def shown_r(value: float, precision: Precision) -> float:
    """A correlation, -1 to 1, of a group that is not banded."""
    within = min(max(value, -1.0), 1.0)
    return within if precision == "exact" else _hundredths(within)


def coarse_score(value: float, n: int) -> float:
    """A score of some, of a group that does not tell it exactly; n have it."""
    step = 10 if n < COARSER_BELOW else 5
    return _in_steps(value, step, 100 - step, step)


def coarse_enps(value: float, n: int) -> float:
    """Twice as coarse on its scale of 200, and twice again: with three kinds of answers sums are few."""
    step = 40 if n < COARSER_BELOW else 20
    return _in_steps(value, -80, 80, step)


def _in_steps(value: float, low: int, high: int, step: int) -> float:
    return min(max(round(_settled(value / step)) * step, low), high)


def _whole(value: float, precision: Precision, ends: tuple[int, int]) -> float:
    """An interval reaches no further than what it is of."""
    within = min(max(value, ends[0]), ends[1])
    return within if precision == "exact" else round(_settled(within))


def _hundredths(value: float) -> float:
    return round(_settled(value * 100)) / 100


def _settled(value: float) -> float:
    """Puts a value that floating point left beside a half back on it: the order of sums decides no digit."""
    return round(value, 9)
