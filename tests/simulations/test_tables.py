"""The guide has what `make simulations` found, of today's cases, size and seed; what is off has a reason."""

import re
from collections.abc import Iterator

import pytest

from tests.simulations.everything import ALL
from tests.simulations.tables import GUIDE, Table, in_guide, written

AIM = (0.93, 0.97)
NAMES = [table.name for table in ALL]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def off_the_aim(table: Table) -> Iterator[tuple[str, str, float]]:
    for line in in_guide(table)[2:]:
        of_row = dict(zip([*table.of_case, *table.of_measured], cells(line), strict=True))
        for name in table.coverage:
            value = of_row[name]
            if value != "–" and not AIM[0] <= float(value) <= AIM[1]:
                yield " | ".join(cells(line)[: len(table.of_case)]), name, float(value)


@pytest.mark.parametrize("table", ALL, ids=NAMES)
def test_the_guide_has_it_of_this_size_and_seed(table: Table) -> None:
    lines = in_guide(table)
    assert lines, f"not of {table.size}: make simulations"
    assert "\n".join(lines[:2]) == table.head
    rows = lines[2:]
    assert len(rows) == len(table.cases)
    for row, start in zip(rows, table.starts(), strict=True):
        assert row.startswith(start)
        assert len(cells(row)) == len(cells(lines[0]))


def test_another_size_would_be_found_stale() -> None:
    table = ALL[0]
    begin, _ = table.marks
    assert begin in GUIDE.read_text()
    assert begin not in GUIDE.read_text().replace(table.size, "7 samples")
    assert written(table, "new", GUIDE.read_text().replace(begin, begin.replace("seed 1", "seed 2"))) != ""


def test_whatever_is_off_the_aim_is_said_with_its_reason() -> None:
    section = GUIDE.read_text().partition("**Outside .93 to .97**")[2].partition("\n## ")[0]
    excepted = dict(re.findall(r"^- \*([^*]+)\*: (.+?)(?=\n- |\s*\Z)", section, re.DOTALL | re.MULTILINE))
    found = {table.name for table in ALL if any(off_the_aim(table))}
    assert found == set(excepted), {table.name: [*off_the_aim(table)] for table in ALL if table.name in found}


def columns(name: str) -> list[dict[str, str]]:
    table = next(table for table in ALL if table.name == name)
    lines = in_guide(table)
    return [dict(zip(cells(lines[0]), cells(line), strict=True)) for line in lines[2:]]


def test_what_was_found_is_what_was_aimed_at() -> None:
    """Noise opens the gate in one of fifty at most, one attitude is never two, expected shares are nearer."""
    assert max(float(row["opens on noise"]) for row in columns("the gate of drivers")) <= 0.02
    one_attitude = [row for row in columns("distinctness") if row["true correlation"] == "1.0"]
    assert {row["`distinct`"] for row in one_attitude} == {"0.000"}
    for row in columns("quadrants"):
        assert float(row["expected"]) < float(row["mean error, observed"])
