from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.metrics.formulas.intervals import Interval, Moments, moments, t_interval


@dataclass(frozen=True, slots=True)
class Gap:
    """In the unit of the scores, `dz` in sds. Without spread there is neither `ci` nor `dz`."""

    n: int
    mean: float
    sd: float | None
    ci: Interval | None
    dz: float | None


def gap(satisfaction: NDArray[np.float64], engagement: NDArray[np.float64]) -> Gap | None:
    """Engagement minus satisfaction over the persons with both (one value a person each, NaN where missing).

    Paired t interval and Cohen's dz = mean / sd of the differences (Lakens 2013). None without a pair.
    """
    of = moments(engagement - satisfaction)
    return None if of is None else gap_from(of)


def gap_from(of: Moments) -> Gap:
    dz = of.mean / of.sd if of.sd is not None and of.has_spread else None
    return Gap(n=of.n, mean=of.mean, sd=of.sd, ci=t_interval(of), dz=dz)
