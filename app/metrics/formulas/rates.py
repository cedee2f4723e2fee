from dataclasses import dataclass

from scipy.special import chdtri

from app.metrics.formulas.intervals import UPPER_TAIL, Interval


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per unit of exposure, with the exact 95% interval of a Poisson count."""

    events: int
    value: float
    ci: Interval


def poisson_rate(events: int, exposure: float) -> Rate | None:
    """Garwood 1936. None without exposure."""
    if exposure <= 0:
        return None
    low = float(chdtri(2 * events, UPPER_TAIL)) / 2 if events else 0.0
    high = float(chdtri(2 * events + 2, 1 - UPPER_TAIL)) / 2
    return Rate(events, events / exposure, Interval(low / exposure, high / exposure))
