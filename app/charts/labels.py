"""Where labels of points go: none over another, none over a point, none out of the frame.

Vega-Lite places no labels. Each in turn takes the place that costs least beside the others, some rounds long;
one that then still lies over another or over a point is left out, the least important first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple

from app.charts.letters import SIZE, shortened, width_of

MOST = 15
LONGEST = 190
ROUNDS = 5
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
    close = [_near(point, 2 * REACH) for point in points]
    beside = [_met(point, marks) for point in points[:MOST]]
    around = [
        _met(point, [box for box in close if box is not own])
        for point, own in zip(points[:MOST], close, strict=False)
    ]
    labels: dict[int, Label] = {}
    for _ in range(ROUNDS):
        for place, point in enumerate(points[:MOST]):
            others = [label.box for other, label in labels.items() if other != place]
            cost = partial(_cost, others=others, marks=beside[place], around=around[place], frame=frame)
            labels[place] = min(_candidates(point), key=cost)
    kept = _without_overlaps(labels, marks, frame)
    return [kept.get(place) for place in range(len(points))]


def _near(point: Point, across: float, up: float | None = None) -> Box:
    up = across if up is None else up
    return Box(point.x - across, point.y - up, point.x + across, point.y + up)


def _met(point: Point, boxes: Sequence[Box]) -> list[Box]:
    """Those that a label of the point might lie over."""
    reach = _near(point, LONGEST + 4 * REACH, 4 * REACH)
    return [box for box in boxes if reach.shared_with(box)]


def _candidates(point: Point) -> Iterator[Label]:
    wide = width_of(point.name)
    for dx, dy, align in PLACES:
        left = point.x + dx - {"left": 0, "center": wide / 2, "right": wide}[align]
        yield Label(dx, dy, align, Box(left, point.y + dy - HALF, left + wide, point.y + dy + HALF))


def _cost(
    label: Label, others: Sequence[Box], marks: Sequence[Box], around: Sequence[Box], frame: Box
) -> float:
    """Beside another point, a name could be taken for that of the other."""
    return (
        60 * label.box.outside(frame)
        + 5 * sum(map(label.box.shared_with, others))
        + 6 * sum(map(label.box.shared_with, marks))
        + 0.5 * sum(map(label.box.shared_with, around))
    )


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
