"""What a report says of a file and of its rows."""

from collections.abc import Mapping
from typing import Any

from app.core.batches import BatchItemResult, external_id_of
from app.core.errors import AppError
from app.imports.errors import RowRefused
from app.imports.files.columns import rules as columns
from app.imports.files.columns.rules import Layout
from app.imports.run.sealed_file import Item, Source

MOST_FAULTS = 20
"""Of one row."""
MISSING = "missing_from_file"
NO_MANAGER = "The manager that this row names is nobody in the file, or may be several: it is left empty."


def noticed(layout: Layout | None) -> dict[str, Any]:
    """What a file turns out to be once its header is read."""
    if layout is None:
        return {}
    return {
        "delimiter": layout.header.delimiter or None,
        "unread_columns": list(layout.unread),
        "unmatched_members": list(layout.unmatched),
    }


def notes(reading: Mapping[str, Any], layout: Layout | None) -> list[dict[str, Any]]:
    """What a report says of the file as a whole, before its rows."""
    encoding, ends = reading.get("encoding"), reading.get("line_ends")
    found = []
    if encoding not in ("utf-8", None) or ends == "cr":
        detail = f"The file was read as {encoding}" + (" with lines that end in CR." if ends == "cr" else ".")
        found.append({"code": "converted", "detail": detail})
    for name in reading.get("unread_sheets", ()):
        detail = f"The sheet {name} was not read: only the first that has anything in it is."
        found.append({"code": "unread_sheet", "detail": detail})
    if layout is not None and layout.header.titles:
        detail = f"The header was found in line {layout.header.lines}: what stands above it was not read."
        found.append({"code": "unread_titles", "detail": detail})
    if layout is not None:
        found += [
            {"column_name": name, "code": "unread_column", "detail": "Nothing is mapped from this column."}
            for name in layout.unread
        ]
        found += [
            {
                "pointer": columns.pointer_to(member),
                "code": "unmatched_member",
                "detail": f"The file has none of the columns {', '.join(names)}: nobody gets {member}.",
            }
            for member, names in layout.unmatched.items()
        ]
    return found


def report_of(item: Item, result: BatchItemResult | None, source: Source) -> list[dict[str, Any]]:
    """A line for each fault of a row; none for a row that is good."""
    if isinstance(item.value, AppError):
        pointer = item.value.pointer if isinstance(item.value, RowRefused) else None
        return [report_line(item, pointer, item.value.code, item.value.detail, source)]
    if result is None or result.problem is None:
        return []
    problem = result.problem
    if not problem.errors:
        return [report_line(item, None, problem.code, problem.detail, source)]
    return [
        report_line(item, fault.pointer, fault.code, fault.detail, source)
        for fault in problem.errors[:MOST_FAULTS]
    ]


def report_line(item: Item, pointer: str | None, code: str, detail: str, source: Source) -> dict[str, Any]:
    return {
        "line": item.line,
        "external_id": external_id_of(item.value),
        "pointer": pointer,
        "column_name": source.layout.column_at(pointer) if source.layout else None,
        "code": code,
        "detail": detail,
    }


def missing_line(external_id: str) -> dict[str, Any]:
    detail = "This person is employed but is not in the file: add them, or send their last day."
    return {"external_id": external_id, "code": MISSING, "detail": detail}
