from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Survival:
    """`shares` has the part, 0-1, for whom it takes longer than each of `times`, which ascend.

    `median` is None where at no time half of them are done.
    """

    n: int
    times: NDArray[np.float64]
    shares: NDArray[np.float64]
    median: float | None

    def longer_than(self, time: float) -> float:
        place = int(np.searchsorted(self.times, time, side="right"))
        return float(self.shares[place - 1]) if place else 1.0


def kaplan_meier(times: ArrayLike, ended: ArrayLike) -> Survival:
    """Product-limit estimate (Kaplan & Meier 1958) of how long something takes.

    `times`, 0 or more, have one a person; `ended` is 1 where it took that long, 0 where it was only seen to
    take at least that long (censored; at the same time these count as still at risk).
    """
    time, is_end = np.asarray(times, dtype=np.float64), np.asarray(ended, dtype=bool)
    distinct, place = np.unique(time, return_inverse=True)
    ends = np.bincount(place, weights=is_end, minlength=len(distinct))
    gone = np.bincount(place, minlength=len(distinct))
    at_risk = len(time) - np.cumsum(gone) + gone
    shares = np.cumprod(1 - ends / at_risk) if len(time) else np.empty(0)
    done = np.flatnonzero(shares <= 0.5 + 1e-12)
    return Survival(len(time), distinct, shares, float(distinct[done[0]]) if len(done) else None)
