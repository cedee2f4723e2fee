"""A list or a metric as a table for a spreadsheet: the JSON of its answer, and nothing besides."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

CSV = "text/csv"
ROWS = ("items", "groups", "metrics")
"""The members of an answer that are rows: a thing each; of groups, a part of the group each."""
PARTED = "groups"
FORMULA = re.compile(r"""(^[\t\r])|(?:^|(?<=[;\t\r\n]))(?=[ "]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")
Members = dict[str, Any]


class Number(str):
    """As it stands in the JSON."""

    __slots__ = ()


def spreadsheet_safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, also where it parts lines at semicolons or tabs."""
    return FORMULA.sub(lambda found: "'" + found.group(), cell)


def csv_line(values: Sequence[Any]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_written(value) for value in values])
    return buffer.getvalue().encode()


def table_of(answer: bytes) -> bytes:
    """Columns in the order in which they are met; a member that a row lacks, or that is null, is empty."""
    told = json.loads(answer, parse_float=Number, parse_int=Number)
    member = next(name for name in ROWS if name in told)
    rows = [row for one in told[member] for row in _rows(one, told, is_parted=member == PARTED)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return b"".join([csv_line(columns), *(csv_line([row.get(name) for name in columns]) for row in rows)])


def _rows(one: Any, told: Members, *, is_parted: bool) -> Iterator[Members]:
    """A row; of a group with lists, its own members beside those of each entry, and which list it is of."""
    if not isinstance(one, dict):
        yield {"value": one}
        return
    lists = {name: value for name, value in one.items() if is_parted and isinstance(value, list) and value}
    own = dict(_cells({name: value for name, value in one.items() if name not in lists}))
    if not lists:
        yield own
    for name, entries in lists.items():
        for place, entry in enumerate(entries):
            head = _head(told, name, place)
            for row in _rows(entry, told, is_parted=is_parted):
                yield own | {"part": name} | {f"{name}.{key}": value for key, value in (head | row).items()}


def _head(told: Members, name: str, place: int) -> Members:
    """Of a cell, the column that it stands in."""
    columns = told.get("columns", []) if name == "cells" else []
    return {"column": columns[place]["key"]} if place < len(columns) else {}


def _cells(node: Members, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _cells(value, f"{above}{name}.")
        else:
            yield above + name, value


def _written(value: Any) -> Any:
    if isinstance(value, list):
        plain = not any(isinstance(one, list | dict) for one in value)
        return spreadsheet_safe(
            "; ".join(map(str, value)) if plain else json.dumps(value, ensure_ascii=False)
        )
    if isinstance(value, bool):
        return str(value).lower()
    return spreadsheet_safe(value) if isinstance(value, str) and not isinstance(value, Number) else value
