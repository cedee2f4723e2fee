"""Rows of an organisation in the order in which they came, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from sqlmodel import col, select, tuple_

from app.core.database import TenantSession


class Dated(Protocol):
    organization_id: UUID
    id: UUID
    created_at: datetime


Came = TypeVar("Came", bound=Dated)


async def newest(
    session: TenantSession, table: type[Came], after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Came]:
    """From the row after `after` on."""
    query = select(table).where(col(table.organization_id) == session.organization_id)
    if after is not None:
        query = query.where(tuple_(col(table.created_at), col(table.id)) < after)
    newest_first = query.order_by(col(table.created_at).desc(), col(table.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()
