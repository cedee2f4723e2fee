"""Scores of groups drawn towards those of groups like them (metrics.md 2.14), from numbers that are shown.

The raw mean can be computed back from the drawn one, so nothing finer than what is shown may go into it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.metrics.blocks.wave import Wave
from app.metrics.formulas import Moments, shrinkage
from app.metrics.formulas.complete import Undefined as Unknown

WHY_NOT_SHRUNKEN: Final[dict[str, str]] = {"too_few": "too_few_groups", "zero_variance": "zero_variance"}
Family = int | str
"""Nobody is in two groups of a family: those of one depth of the tree, or of one dimension."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A score with the part of it that is the group's own, 0 to 1, and the variance it is known with."""

    mean: float
    weight: float
    variance: float


@dataclass(frozen=True, slots=True)
class Kin:
    """Where the true scores of a family's groups lie, and the variance of persons within them."""

    centre: float
    tau2: float
    within: float

    def drawn(self, of: Moments) -> Drawn:
        error = self.within / of.n
        weight = self.tau2 / (self.tau2 + error)
        return Drawn(self.centre + weight * (of.mean - self.centre), weight, weight * error)

    @property
    def unseen(self) -> Drawn:
        """A group of which nothing is shown."""
        return Drawn(self.centre, 0.0, self.tau2)


@dataclass(frozen=True, slots=True)
class Kinship:
    """By family, what its groups are drawn towards; of a family without a shown group nothing."""

    wave: Wave
    kin: Mapping[Family, Kin | Unknown]

    @classmethod
    def take(cls, wave: Wave, shown: Mapping[int, Moments]) -> "Kinship":
        families: dict[Family, list[Moments]] = {}
        for ordinal, of in shown.items():
            families.setdefault(_family(wave, ordinal), []).append(of)
        return cls(wave, {family: _kin(own) for family, own in families.items()})

    def of(self, ordinal: int) -> Kin | Unknown:
        return self.kin.get(_family(self.wave, ordinal), "too_few")


def _family(wave: Wave, ordinal: int) -> Family:
    groups = wave.sample.groups
    if groups.is_team(ordinal):
        return int(wave.rollup.depths[ordinal])
    return groups.categories[ordinal - len(groups.parents)][0]


def _kin(own: Sequence[Moments]) -> Kin | Unknown:
    n, sd = np.array([of.n for of in own]), np.array([of.sd for of in own], dtype=np.float64)
    within = float((n - 1) @ sd**2) / (n - 1).sum()
    towards = shrinkage([of.mean for of in own], within / n)
    if towards.undefined is not None:
        return towards.undefined
    assert towards.mu is not None
    assert towards.tau2 is not None
    return Kin(towards.mu, towards.tau2, within)
