"""Where labels of points go: none over another, none over a point, none out of the frame.

Vega-Lite places no labels. Each in turn takes the place that costs least beside the others, some rounds long;
one that then still lies over another or over a point is left out, the least important first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from app.charts.letters import SIZE, shortened, width_of

MOST = 15
LONGEST = 190
ROUNDS = 6
REACH = 7
"""Of a point, in pixels."""
HALF = SIZE * 0.64
Align = Literal["left", "center", "right"]
PLACES: Final[Sequence[tuple[float, float, Align]]] = (
    (12, 0, "left"),
    (-12, 0, "right"),
    (0, -18, "center"),
    (0, 18, "center"),
    (9, -15, "left"),
    (9, 15, "left"),
    (-9, -15, "right"),
    (-9, 15, "right"),
)


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def shared_with(self, other: "Box") -> float:
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)

    def outside(self, frame: "Box") -> float:
        sides = (
            frame.left - self.left,
            frame.top - self.top,
            self.right - frame.right,
            self.bottom - frame.bottom,
        )
        return sum(max(0.0, side) for side in sides)


@dataclass(frozen=True)
class Point:
    """Of a chart, in pixels from its upper left corner, the most important first in a list."""

    name: str
    x: float
    y: float

    @property
    def box(self) -> Box:
        return Box(self.x - REACH, self.y - REACH, self.x + REACH, self.y + REACH)


@dataclass(frozen=True)
class Label:
    dx: float
    dy: float
    align: Align
    box: Box


def placed(points: Sequence[Point], frame: Box, taken: Sequence[Box] = ()) -> list[Label | None]:
    """A label of each point, or None where there is no room; `taken` is not there for labels."""
    marks = [*(point.box for point in points), *taken]
    around = [[_near(other) for other in points if other is not point] for point in points[:MOST]]
    labels: dict[int, Label] = {}
    for _ in range(ROUNDS):
        for place, point in enumerate(points[:MOST]):
            others = [label.box for other, label in labels.items() if other != place]
            labels[place] = min(
                _candidates(point), key=lambda one: _cost(one.box, others, marks, around[place], frame)
            )
    kept = _without_overlaps(labels, marks, frame)
    return [kept.get(place) for place in range(len(points))]


def _candidates(point: Point) -> Iterator[Label]:
    wide = width_of(point.name)
    for dx, dy, align in PLACES:
        left = point.x + dx - {"left": 0, "center": wide / 2, "right": wide}[align]
        yield Label(dx, dy, align, Box(left, point.y + dy - HALF, left + wide, point.y + dy + HALF))


def _cost(box: Box, others: Sequence[Box], marks: Sequence[Box], around: Sequence[Box], frame: Box) -> float:
    return (
        60 * box.outside(frame)
        + 5 * sum(map(box.shared_with, others))
        + 6 * sum(map(box.shared_with, marks))
        + 0.5 * sum(map(box.shared_with, around))
    )


def _near(point: Point) -> Box:
    """A name there could be taken for that of this point."""
    reach = 2 * REACH
    return Box(point.x - reach, point.y - reach, point.x + reach, point.y + reach)


def _without_overlaps(labels: dict[int, Label], marks: Sequence[Box], frame: Box) -> dict[int, Label]:
    kept: dict[int, Label] = {}
    for place, label in sorted(labels.items()):
        taken = [*marks, *(other.box for other in kept.values())]
        if not label.box.outside(frame) and not any(map(label.box.shared_with, taken)):
            kept[place] = label
    return kept


def named(name: str) -> str:
    """As it stands beside a point."""
    return shortened(name, LONGEST)
