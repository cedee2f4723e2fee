from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from app.metrics.formulas.intervals import ZERO_SPREAD
from app.metrics.formulas.quadrants import FIXED, NEARLY_ONE, QUADRANTS, Cuts, Quadrant, both_below
from app.metrics.formulas.special import fdtri, ndtr

SURE_FROM: Final = 0.8
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Half axes in points; `angle` of the longer one from the satisfaction axis, -90 to 90 degrees."""

    semi_major: float
    semi_minor: float
    angle: float


@dataclass(frozen=True, slots=True)
class Position:
    """Where the mean of a group lies: the chance of each of QUADRANTS, and its region of 95%."""

    chances: tuple[float, ...]
    ellipse: Ellipse

    @property
    def quadrant(self) -> Quadrant | None:
        """None where no quadrant is sure enough."""
        return QUADRANTS[self.chances.index(max(self.chances))] if max(self.chances) >= SURE_FROM else None


def position(
    n: int, means: tuple[float, float], sds: tuple[float, float], r: float, cuts: Cuts = FIXED
) -> Position | None:
    """Of a group of n persons with means, sds and correlation of satisfaction and engagement (POMP).

    Means are bivariate normal with the covariance of persons / n; the ellipse is Hotelling's T2 (1931). None
    below 3 persons or where a score does not vary.
    """
    if n < 3 or min(sds) <= ZERO_SPREAD:
        return None
    shared = min(max(r, -NEARLY_ONE), NEARLY_ONE)
    z = [(mean - cut) / (sd / sqrt(n)) for mean, sd, cut in zip(means, sds, cuts, strict=True)]
    both_high = float(both_below(z[0], z[1], shared))
    high_s, high_e = float(ndtr(z[0])), float(ndtr(z[1]))
    chances = (both_high, high_s - both_high, high_e - both_high, 1 - high_s - high_e + both_high)
    return Position(tuple(float(chance) for chance in np.clip(chances, 0, 1)), _ellipse(n, sds, shared))


def _ellipse(n: int, sds: tuple[float, float], r: float) -> Ellipse:
    shared = r * sds[0] * sds[1]
    variances, axes = np.linalg.eigh(np.array([[sds[0] ** 2, shared], [shared, sds[1] ** 2]]) / n)
    scale = 2 * (n - 1) / (n - 2) * float(fdtri(2, n - 2, LEVEL))
    minor, major = (sqrt(max(0.0, variance) * scale) for variance in variances)
    angle = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))
    return Ellipse(major, minor, (angle + 90) % 180 - 90)
