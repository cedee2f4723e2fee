from typing import Any
from uuid import UUID

from app.core.schema import Instant, Schema


class AuditEntry(Schema):
    id: UUID
    recorded_at: Instant
    actor: str
    action: str
    target: str | None
    person: str | None
    details: dict[str, Any]


class AuditPage(Schema):
    items: list[AuditEntry]
    next_cursor: str | None
    as_of: Instant
