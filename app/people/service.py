from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from app.core.patches import merge_patch
from app.core.schema import Input, Schema
from app.organizations.queries import TOMBSTONE_DAYS
from app.people import schemas
from app.people.queries import ListKey, ListPart

READ_ONLY = {"external_id", "unresolved", "employments", "created_at", "updated_at"}
Listed = TypeVar("Listed", bound=Schema)


def window(after: str | None, updated_after: datetime | None, now: datetime, limit: int) -> ListPart:
    oldest = now - timedelta(days=TOMBSTONE_DAYS)
    return ListPart(after, updated_after, updated_after and max(updated_after, oldest), limit)


def listed(keys: Iterable[ListKey], found: Mapping[str, Listed]) -> list[Listed | schemas.DeletedRecord]:
    """In the order of the keys; without what was deleted since they were read."""
    items: list[Listed | schemas.DeletedRecord] = []
    for key in keys:
        if key.deleted_at:
            items.append(schemas.DeletedRecord(external_id=key.external_id, deleted_at=key.deleted_at))
        elif key.external_id in found:
            items.append(found[key.external_id])
    return items


def patched(current: Schema, patch: Input) -> dict[str, Any]:
    sent = patch.model_dump(exclude_unset=True, exclude=READ_ONLY)
    return merge_patch(current.model_dump(), sent)
