"""What identity providers send that is not SCIM, made SCIM: the library tolerates the rest."""

from collections.abc import Iterator
from typing import Any

MOST_OPERATIONS = 250


def operations_of(sent: Any) -> Any:
    """The operations of a PATCH, one a target, with a manager as the object it is."""
    if not isinstance(sent, list):
        return sent
    return [plain for operation in sent for plain in spread(operation)]


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
