"""What teams and people have in common as lists: windows, and what was deleted."""

import json
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Literal, NamedTuple

from sqlalchemy import text

from app.core.database import TenantSession

Kind = Literal["team", "person"]


class ListPart(NamedTuple):
    """Which part of a list to read. In a delta read, what changed or was deleted since two instants."""

    after: str | None
    updated_after: datetime | None
    deleted_after: datetime | None
    limit: int


class ListKey(NamedTuple):
    """A place in a list; of something deleted, when there was a delta read."""

    external_id: str
    deleted_at: datetime | None


def as_json(rows: Iterable[NamedTuple]) -> str:
    return json.dumps([row._asdict() for row in rows], default=str)


CAME_OR_WENT = """
WITH RECURSIVE came_or_went AS (
    SELECT external_id FROM people
    WHERE organization_id = :organization_id AND created_at >= CAST(:updated_after AS timestamptz)
    UNION ALL
    SELECT external_id FROM tombstones
    WHERE organization_id = :organization_id AND kind = 'person'
      AND deleted_at >= CAST(:deleted_after AS timestamptz)
)
"""
"""Whoever names one of them is listed too: `unresolved` has changed."""


TODAY = text("""SELECT CAST(now() AT TIME ZONE time_zone AS date) FROM organizations WHERE id = :id""")


async def today(session: TenantSession) -> date:
    """The organisation's, by the clock that dates every change of this transaction."""
    day: date = await session.scalar(TODAY, {"id": session.organization_id})
    return day


BURY = text("""
INSERT INTO tombstones (organization_id, kind, external_id)
VALUES (:organization_id, :kind, :external_id)
""")


async def bury(session: TenantSession, kind: Kind, external_id: str) -> None:
    await session.execute(BURY, {"kind": kind, "external_id": external_id})


EXHUME = text("""
DELETE FROM tombstones WHERE organization_id = :organization_id AND kind = :kind
  AND external_id = ANY(CAST(:ids AS text[]))
""")


async def exhume(session: TenantSession, kind: Kind, external_ids: Collection[str]) -> None:
    """What is there again was not deleted."""
    await session.execute(EXHUME, {"kind": kind, "ids": list(external_ids)})
