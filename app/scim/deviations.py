"""What identity providers send that is not SCIM, made SCIM: the library tolerates the rest."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

MOST_OPERATIONS = 250
ONE_MEMBER = re.compile(r'members\[value eq "([^"\\]*)"\]', re.IGNORECASE)


def operations_of(sent: list[Any]) -> list[Any]:
    """The operations of a PATCH, one a target, with a manager as the object it is."""
    return list(joined([plain for operation in sent for plain in spread(operation)]))


def joined(operations: list[Any]) -> Iterator[Any]:
    """Members removed one by one are removed at once: an operation costs as much as the group is large."""
    for is_removal, run in groupby(operations, lambda operation: removed_member(operation) is not None):
        if is_removal:
            values = [{"value": removed_member(operation)} for operation in run]
            yield {"op": "remove", "path": "members", "value": values}
        else:
            yield from run


def removed_member(operation: Any) -> str | None:
    if not isinstance(operation, dict) or str(operation.get("op")).lower() != "remove":
        return None
    named = ONE_MEMBER.fullmatch(str(operation.get("path")))
    return named[1] if named else None


def spread(operation: Any) -> Iterator[Any]:
    """Members of a value that are paths with a filter become operations of their own."""
    if not isinstance(operation, dict):
        yield operation
        return
    path, value = operation.get("path"), operation.get("value")
    if not path and isinstance(value, dict):
        selecting = {key for key in value if "[" in key}
        yield operation | {"value": {key: part for key, part in value.items() if key not in selecting}}
        for key in sorted(selecting):
            yield {**operation, "path": key, "value": value[key]}
    elif isinstance(path, str) and path.lower().endswith(":manager"):
        yield operation | ({"value": manager_of(value)} if value else {})
    elif isinstance(value, list) and str(operation.get("op")).lower() == "remove":
        yield operation | {"value": [selected_by(entry) for entry in value]}
    else:
        yield operation


def selected_by(entry: Any) -> Any:
    """What a remove names: by value, whatever else is said of it."""
    return {"value": entry["value"]} if isinstance(entry, dict) and "value" in entry else entry


def manager_of(value: Any) -> Any:
    """Named by a bare string, or as the one entry of a list."""
    if isinstance(value, list) and len(value) == 1:
        return manager_of(value[0])
    return {"value": value} if isinstance(value, str) else value
