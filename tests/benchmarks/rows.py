"""A row of the table, and how it is written: on the terminal, as JSON, and into the guide."""

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.bench import show
from tests.benchmarks.submissions import Found

GUIDES = Path(__file__).parents[2] / "openapi" / "guides"
GUIDE, RESULTS = GUIDES / "performance.md", GUIDES / "performance.json"
Point = dict[str, float | str]
BEGIN, END = "<!-- make bench -->", "<!-- make bench: end -->"
COLUMNS = (
    "work",
    "ratio",
    "ours",
    "limit",
    "unit",
    "CPU-s of 1,000",
    "limit",
    "p99, times the limit's",
    "load",
)


@dataclass(frozen=True)
class Row:
    """`ratio` is 1 where the work costs no more than its limit; `load` is that of the machine at the end."""

    command: str
    work: str
    ours: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    cpu: float | None = None
    cpu_limit: float | None = None
    slowest: float | None = None
    load: float = 0.0


def row_of(command: str, work: str, ours: Found, limit: Found) -> Row:
    """Of requests."""
    return Row(
        command,
        work,
        ours.per_second,
        "a second",
        limit.per_second,
        ours.per_second / limit.per_second,
        ours.cpu_seconds,
        limit.cpu_seconds,
        ours.p99_ms / limit.p99_ms,
        os.getloadavg()[0],
    )


def row_of_seconds(command: str, work: str, ours: float, limit: float, **more: float) -> Row:
    return Row(command, work, ours, "s", limit, limit / ours, load=os.getloadavg()[0], **more)


def row_of_cost(command: str, work: str, ours: float, unit: str, limit: float | None = None) -> Row:
    """Of what has a limit of its own kind, or a target in place of one."""
    ratio = None if limit is None else limit / ours
    return Row(command, work, ours, unit, limit, ratio, load=os.getloadavg()[0])


def written(number: float | None, digits: int = 3) -> str:
    if number is None:
        return ""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.{digits}g}"


def cells(row: Row) -> tuple[str, ...]:
    numbers = (row.ratio, row.ours, row.limit)
    rest = (row.cpu, row.cpu_limit, row.slowest, row.load)
    return (row.work, *map(written, numbers), row.unit, *map(written, rest))


def shown(rows: Sequence[Row]) -> None:
    show("Against the limits of this machine, measured in the same run", COLUMNS, *map(cells, rows))


def kept(rows: Sequence[Row], growth: Sequence[Point], path: Path = RESULTS) -> tuple[list[Row], list[Point]]:
    """With those of before that were not measured now."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"rows": [], "growth": []}
    anew = {row.command for row in rows}
    all_rows = [Row(**row) for row in before["rows"] if row["command"] not in anew] + list(rows)
    all_points = list(growth) or before["growth"]
    machine = {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }
    found = {"machine": machine, "rows": [asdict(row) for row in all_rows], "growth": all_points}
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return all_rows, all_points


def into_guide(rows: Sequence[Row], guide: Path = GUIDE) -> None:
    """Between two marks, the command beside each number."""
    head = (*COLUMNS, "command")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join((*cells(row), f'`{row.command}`'))} |" for row in rows]
    table = "\n".join([BEGIN, *lines, END])
    text = guide.read_text(encoding="utf-8")
    guide.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: table, text, flags=re.DOTALL), encoding="utf-8")
