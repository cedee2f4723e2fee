"""What identity providers send that is not SCIM, made SCIM: the library tolerates the rest."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import scim2_models as scim
from scim2_models import Mutability

MOST_OPERATIONS = 250
EXTENSION_ENDS = (":user", ":group")
"""Of the names of extensions; all that is kept of others is that they were sent."""
ONE_MEMBER = re.compile(r'members\[value eq "([^"\\]*)"\]', re.IGNORECASE)


def operations_of(sent: list[Any], model: Any) -> list[Any]:
    """The operations of a PATCH, one a target, with a manager as the object it is."""
    unpacked = [with_unpacked_value(operation, model) for operation in sent]
    return list(joined([plain for operation in unpacked for plain in spread(operation)]))


def with_unpacked_value(operation: Any, model: Any) -> Any:
    if not isinstance(operation, dict) or "value" not in operation:
        return operation
    path, value = operation.get("path"), operation["value"]
    if not path:
        return operation | {"value": with_objects(unpacked(value), model)}
    return operation | {"value": value_of(str(path), value, model)} if isinstance(path, str) else operation


def with_objects(sent: Any, model: Any, within: str = "") -> Any:
    """A body, or the part of it that an extension has, where objects and lists were written as JSON text."""
    if not isinstance(sent, dict):
        return sent
    return {name: value_of(f"{within}{name}", value, model) for name, value in sent.items()}


def value_of(path: str, value: Any, model: Any) -> Any:
    """As the attribute has it: what is no text is read of the text it was written as."""
    if path.lower().endswith(EXTENSION_ENDS):
        return with_objects(unpacked(value), model, f"{path}:")
    binding = binding_of(path, model)
    if binding is None or (binding.target_type is str and not binding.target_is_multivalued):
        return value
    value = unpacked(value)
    return entries_of(value, binding.target_type) if is_list(binding) and "[" not in path else value


def is_list(binding: Any) -> bool:
    kind = binding.target_type
    return (
        binding.target_is_multivalued and isinstance(kind, type) and issubclass(kind, scim.ComplexAttribute)
    )


def entries_of(value: Any, kind: type[scim.ComplexAttribute]) -> Any:
    if value is None:
        return None
    return [entry_of(entry, kind) for entry in (value if isinstance(value, list) else [value])]


def binding_of(path: str, model: Any) -> Any:
    try:
        return scim.Path[model](path).resolve()
    except scim.SCIMException:
        return None


def entry_of(entry: Any, kind: type[scim.ComplexAttribute]) -> Any:
    """One of a list; a bare text is its value. What only this service writes is left out."""
    entry = unpacked(entry)
    if isinstance(entry, dict):
        return {name: part for name, part in entry.items() if not is_read_only(name, kind)}
    return {"value": entry} if isinstance(entry, str) and entry and "value" in kind.model_fields else entry


def is_read_only(name: str, kind: type[scim.ComplexAttribute]) -> bool:
    field = name.lower()
    return field in kind.model_fields and kind.get_field_annotation(field, Mutability) is Mutability.read_only


def unpacked(value: Any) -> Any:
    """What a text of JSON says, where it is one of an object, a list or a text in quotes."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[", '"'):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


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
    is_removal = str(operation.get("op")).lower() == "remove"
    if not path and isinstance(value, dict) and value and is_removal:
        for key in value:
            yield from spread({**operation, "path": key, "value": value[key]})
    elif not path and isinstance(value, dict):
        selecting = {key for key in value if "[" in key}
        yield operation | {"value": {key: part for key, part in value.items() if key not in selecting}}
        for key in sorted(selecting):
            yield {**operation, "path": key, "value": value[key]}
    elif isinstance(path, str) and path.lower().endswith((":manager", ":manager.value")):
        yield manager_operation(operation, path, manager_of(value))
    elif isinstance(value, list) and is_removal:
        yield operation | {"value": [selected_by(entry) for entry in value]}
    else:
        yield operation


def manager_operation(operation: dict[str, Any], path: str, manager: Any) -> dict[str, Any]:
    """Who is named nobody has no manager from now on."""
    if str(operation.get("op")).lower() != "remove" and is_nobody(manager):
        return {"op": "remove", "path": path.removesuffix(".value")}
    if path.lower().endswith(".value") or manager is None:
        return operation
    return operation | {"value": manager}


def is_nobody(manager: Any) -> bool:
    if isinstance(manager, dict):
        return is_nobody(manager.get("value"))
    return manager is None or manager == [] or (isinstance(manager, str) and not manager.strip())


def selected_by(entry: Any) -> Any:
    """What a remove names: by value, whatever else is said of it."""
    return {"value": entry["value"]} if isinstance(entry, dict) and "value" in entry else entry


def manager_of(value: Any) -> Any:
    """Named by a bare string, or as the one entry of a list."""
    if isinstance(value, list) and len(value) == 1:
        return manager_of(value[0])
    return {"value": value} if isinstance(value, str) else value
