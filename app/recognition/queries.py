from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

EVENT = """
SELECT r.id, r.external_id, g.external_id AS giver, r.message, r.value, r.occurred_at, r.visibility,
    r.created_at,
    ARRAY(
        SELECT p.external_id
        FROM recognition_receivers rr
        JOIN people p ON p.organization_id = rr.organization_id AND p.id = rr.person_id
        WHERE rr.organization_id = r.organization_id AND rr.recognition_id = r.id
        ORDER BY rr.position
    ) AS receivers
FROM recognitions r
JOIN people g ON g.organization_id = r.organization_id AND g.id = r.giver_id
WHERE r.organization_id = :organization_id
"""
EVENT_BY_ID = text(EVENT + "AND r.id = :id")
EVENTS_BY_EXTERNAL_ID = text(EVENT + "AND r.external_id = ANY(CAST(:external_ids AS text[]))")
SELECTED = """
AND (CAST(:giver AS text) IS NULL OR r.giver_id = (
    SELECT id FROM people WHERE organization_id = :organization_id AND external_id = :giver
))
AND (CAST(:receiver AS text) IS NULL OR r.id IN (
    SELECT rr.recognition_id
    FROM recognition_receivers rr
    JOIN people p ON p.organization_id = rr.organization_id AND p.id = rr.person_id
    WHERE p.organization_id = :organization_id AND p.external_id = :receiver
))
AND r.occurred_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
AND r.occurred_at < coalesce(CAST(:until AS timestamptz), 'infinity')
AND (CAST(:after_id AS uuid) IS NULL OR (r.occurred_at, r.id) < (:after, CAST(:after_id AS uuid)))
ORDER BY r.occurred_at DESC, r.id DESC
LIMIT :limit
"""
EVENTS_BEFORE = text(EVENT + SELECTED)
LOCK_PEOPLE = text("""
SELECT external_id, id
FROM people
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:external_ids AS text[]))
ORDER BY id
FOR KEY SHARE
""")
INSERT_EVENTS = text("""
INSERT INTO recognitions
    (organization_id, id, external_id, giver_id, message, value, visibility, occurred_at)
SELECT :organization_id, e.*
FROM unnest(CAST(:ids AS uuid[]), CAST(:external_ids AS text[]), CAST(:giver_ids AS uuid[]),
            CAST(:messages AS text[]), CAST(:values AS text[]), CAST(:visibilities AS text[]),
            CAST(:occurred_ats AS timestamptz[]))
    AS e (id, external_id, giver_id, message, value, visibility, occurred_at)
ORDER BY e.external_id, e.id
ON CONFLICT (organization_id, external_id) DO UPDATE SET external_id = excluded.external_id WHERE false
RETURNING id
""")
"""WHERE false changes nothing but locks the row in the way, so that it is still there to be compared."""
INSERT_RECEIVERS = text("""
INSERT INTO recognition_receivers (organization_id, recognition_id, person_id, position)
SELECT :organization_id, r.*
FROM unnest(CAST(:recognition_ids AS uuid[]), CAST(:person_ids AS uuid[]), CAST(:positions AS int[])) AS r
""")
DELETE_EVENT = text(
    "DELETE FROM recognitions WHERE organization_id = :organization_id AND id = :id RETURNING id"
)


@dataclass(frozen=True)
class NewEvent:
    id: UUID
    external_id: str | None
    giver_id: UUID
    receiver_ids: Sequence[UUID]
    message: str
    value: str | None
    visibility: str
    occurred_at: datetime


@dataclass(frozen=True)
class Filters:
    giver: str | None
    receiver: str | None
    since: datetime | None
    until: datetime | None


async def event(session: AsyncSession, organization_id: UUID, event_id: UUID) -> Row[Any] | None:
    found = await session.execute(EVENT_BY_ID, {"organization_id": organization_id, "id": event_id})
    return found.first()


async def events_by_external_id(
    session: AsyncSession, organization_id: UUID, external_ids: Collection[str]
) -> Mapping[str, Row[Any]]:
    parameters = {"organization_id": organization_id, "external_ids": list(external_ids)}
    rows = await session.execute(EVENTS_BY_EXTERNAL_ID, parameters)
    return {row.external_id: row for row in rows}


async def events_before(
    session: AsyncSession,
    organization_id: UUID,
    filters: Filters,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Newest first, from the event after `after` on."""
    occurred_at, event_id = after or (None, None)
    page = {"after": occurred_at, "after_id": event_id, "limit": limit}
    found = await session.execute(
        EVENTS_BEFORE, {"organization_id": organization_id, **vars(filters), **page}
    )
    return found.all()


async def lock_people(
    session: AsyncSession, organization_id: UUID, external_ids: Collection[str]
) -> Mapping[str, UUID]:
    """Those who exist, and cannot be deleted before this transaction ends."""
    parameters = {"organization_id": organization_id, "external_ids": list(external_ids)}
    rows = await session.execute(LOCK_PEOPLE, parameters)
    return {row.external_id: row.id for row in rows}


async def insert_events(
    session: AsyncSession, organization_id: UUID, events: Sequence[NewEvent]
) -> set[UUID]:
    """The ids of those stored: all but those whose external id is known."""
    stored = await session.scalars(
        INSERT_EVENTS,
        {
            "organization_id": organization_id,
            "ids": [event.id for event in events],
            "external_ids": [event.external_id for event in events],
            "giver_ids": [event.giver_id for event in events],
            "messages": [event.message for event in events],
            "values": [event.value for event in events],
            "visibilities": [event.visibility for event in events],
            "occurred_ats": [event.occurred_at for event in events],
        },
    )
    return set(stored)


async def insert_receivers(session: AsyncSession, organization_id: UUID, events: Sequence[NewEvent]) -> None:
    rows = [
        (event.id, person_id, position)
        for event in events
        for position, person_id in enumerate(event.receiver_ids)
    ]
    await session.execute(
        INSERT_RECEIVERS,
        {
            "organization_id": organization_id,
            "recognition_ids": [row[0] for row in rows],
            "person_ids": [row[1] for row in rows],
            "positions": [row[2] for row in rows],
        },
    )


async def delete_event(session: AsyncSession, organization_id: UUID, event_id: UUID) -> bool:
    """Whether there was such an event."""
    gone = await session.execute(DELETE_EVENT, {"organization_id": organization_id, "id": event_id})
    return gone.first() is not None
