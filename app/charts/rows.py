"""Charts that have a row for each group, focus area or question: names at the left, numbers at the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.charts.letters import LINE, width_of, wrapped
from app.charts.look import Look
from app.charts.parts import ChartRows, Json, at, place, text

LINES = LINE - 2
MOST_ROWS = 40
APART = 12
"""Pixels between two rows."""
OFF = 5
"""Two marks of a row, above and below its middle."""


@dataclass(frozen=True)
class Column:
    """Where the names end, and from where to where the marks go."""

    names: float
    span: tuple[float, float]

    @classmethod
    def of(cls, look: Look, names: Sequence[str], right: float = 0) -> "Column":
        most = look.width * (0.41 if look.is_narrow else 0.34)
        wide = min(most, max(map(width_of, names), default=0) + 2)
        return cls(wide, (wide + 14, look.width - right))


def named(look: Look, rows: ChartRows, column: Column, lowest: int = 22, name: str = "name") -> float:
    """Gives each row its lines and its place; how high all are."""
    y = 0.0
    for row in rows:
        row["lines"] = wrapped(row[name], column.names)
        high = max(lowest, LINES * len(row["lines"]) + APART)
        row |= {"y": y + high / 2, "above": y + high / 2 - OFF, "below": y + high / 2 + OFF}
        y += high
    return y


def row_labels(look: Look, data: str) -> list[Json]:
    """Several lines lie around the middle of their row."""
    around = {"expr": f"-(isArray(datum.lines) ? length(datum.lines) - 1 : 0) * {LINES / 2}"}
    return [
        text(
            data,
            x=at(0),
            y=place("y"),
            shown="lines",
            align="left",
            dy=around,
            color=look.theme.ink,
            fontWeight={"expr": "datum.is_heading ? 600 : 400"},
        )
    ]
