"""What a PUT and a PATCH of a resource have in common."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from app.core.errors import IdentifierMismatch


def require_identifier(sent: BaseModel, name: str, of_path: str) -> None:
    """A body may repeat the identifier of its path, and may not have another."""
    if name in sent.model_fields_set and getattr(sent, name) != of_path:
        raise IdentifierMismatch.at(f"#/{name}")


def merge_patch(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396, section 2; of values that JSON can say."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            inner = merged.get(name)
            merged[name] = merge_patch(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged
