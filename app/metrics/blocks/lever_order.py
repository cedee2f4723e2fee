"""Which lever comes first: of all of them, hidden ones too, by their chances of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.surveys.questionnaires.rules import LeverName

TOP_FROM = 0.5
TOP_OF_TWO_FROM = 0.8
LEADING = 0.8 - 1e-9
Whose = Literal["group", "organization"]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What an order stands on: whose importance, each lever's chance of coming first, those below the target.

    `is_reached` says that all have reached it.
    """

    importance_of: Whose
    target: float
    first: Mapping[LeverName, float]
    below: Collection[LeverName]
    is_reached: bool


@dataclass(frozen=True, slots=True)
class Led:
    """`top`, or the levers that share its place, or why nothing is said of either."""

    top: LeverName | None
    tie_set: list[LeverName]
    reason: str


def led(
    weighed: Weighed,
    told: Collection[LeverName],
    against: Collection[LeverName],
    above: Collection[LeverName],
) -> Led:
    """`told` are the levers that are shown, `against` those related inversely, `above` those that are related
    more closely than a random predictor.
    """
    if weighed.is_reached:
        return Led(None, [], "at_target")
    first = weighed.first
    leading = leading_of({lever: chance for lever, chance in first.items() if lever in weighed.below})
    if not leading:
        return Led(None, [], "unsure_whether_below")
    for is_against, reason in (
        (set(leading) - set(told), "hidden_lever"),
        (set(leading) & set(against), "inverse_relation"),
        (set(leading) - set(above), "within_chance"),
    ):
        if is_against:
            return Led(None, [], reason)
    if first[leading[0]] >= (TOP_FROM if len(first) > 2 else TOP_OF_TWO_FROM):
        return Led(leading[0], [], "")
    return Led(None, leading, "tie")


def leading_of(chances: Mapping[LeverName, float]) -> list[LeverName]:
    """The fewest levers one of which comes first in .8 of all draws, levers of the same chance together.

    None where so many draws have no first that they never add up to that.
    """
    ordered = sorted(chances, key=lambda lever: -chances[lever])
    reached = np.cumsum([chances[lever] for lever in ordered])
    if not ordered or reached[-1] < LEADING:
        return []
    least = chances[ordered[int(np.searchsorted(reached, LEADING))]]
    return [lever for lever in ordered if chances[lever] >= least]
