from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import TenantSession

EVENT = """
SELECT r.id, r.external_id, g.external_id AS giver, r.message, r.value, r.occurred_at, r.visibility,
    r.source, r.reply_to_id AS reply_to, r.created_at, r.edited_at,
    (
        SELECT coalesce(jsonb_object_agg(counted.kind, counted.persons), '{}')
        FROM (
            SELECT kind, count(*) AS persons
            FROM recognition_reactions
            WHERE organization_id = :organization_id AND recognition_id = r.id
            GROUP BY kind
        ) counted
    ) AS reactions,
    ARRAY(
        SELECT p.external_id
        FROM recognition_receivers rr
        JOIN people p ON p.organization_id = rr.organization_id AND p.id = rr.person_id
        WHERE rr.organization_id = :organization_id AND rr.recognition_id = r.id
        ORDER BY rr.position
    ) AS receivers
FROM recognitions r
JOIN people g ON g.organization_id = r.organization_id AND g.id = r.giver_id
WHERE r.organization_id = :organization_id
"""
EVENT_BY_ID = text(EVENT + "AND r.id = :id").columns(reactions=JSONB)
EVENTS_BY_EXTERNAL_ID = text(EVENT + "AND r.external_id = ANY(CAST(:external_ids AS text[]))").columns(
    reactions=JSONB
)
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
AND (CAST(:team_ids AS uuid[]) IS NULL OR g.team_id = ANY(CAST(:team_ids AS uuid[])) OR EXISTS (
    SELECT
    FROM recognition_receivers rr
    JOIN people p ON p.organization_id = rr.organization_id AND p.id = rr.person_id
    WHERE rr.organization_id = :organization_id AND rr.recognition_id = r.id
        AND p.team_id = ANY(CAST(:team_ids AS uuid[]))
))
AND (CAST(:value AS text) IS NULL OR r.value = :value)
AND (CAST(:reply_to AS uuid) IS NULL OR r.reply_to_id = :reply_to)
AND r.occurred_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
AND r.occurred_at < coalesce(CAST(:until AS timestamptz), 'infinity')
AND (CAST(:after_id AS uuid) IS NULL OR (r.occurred_at, r.id) < (:after, CAST(:after_id AS uuid)))
ORDER BY r.occurred_at DESC, r.id DESC
LIMIT :limit
"""
EVENTS_BEFORE = text(EVENT + SELECTED).columns(reactions=JSONB)
LOCK_PEOPLE = text("""
SELECT external_id, id
FROM people
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:external_ids AS text[]))
ORDER BY id
FOR KEY SHARE
""")
HOLD_GIVERS = text("""
SELECT id FROM people
WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
ORDER BY id
FOR NO KEY UPDATE
""")
GIVEN_ON = text("""
SELECT giver_id, occurred_on, count(*) AS given
FROM recognitions
WHERE organization_id = :organization_id
    AND (giver_id, occurred_on) IN (SELECT * FROM unnest(CAST(:giver_ids AS uuid[]), CAST(:days AS date[])))
GROUP BY giver_id, occurred_on
""")
KNOWN_EVENTS = text("""
SELECT id FROM recognitions
WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
ORDER BY id
FOR KEY SHARE
""")
INSERT_EVENTS = text("""
INSERT INTO recognitions
    (organization_id, id, external_id, giver_id, message, value, visibility, source, reply_to_id, occurred_at,
     occurred_on, specificity)
SELECT :organization_id, e.*
FROM unnest(CAST(:ids AS uuid[]), CAST(:external_ids AS text[]), CAST(:giver_ids AS uuid[]),
            CAST(:messages AS text[]), CAST(:values AS text[]), CAST(:visibilities AS text[]),
            CAST(:sources AS text[]), CAST(:reply_to_ids AS uuid[]), CAST(:occurred_ats AS timestamptz[]),
            CAST(:occurred_ons AS date[]), CAST(:specificities AS smallint[]))
    AS e (id, external_id, giver_id, message, value, visibility, source, reply_to_id, occurred_at,
          occurred_on, specificity)
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
HOLD_EVENT = text("""
SELECT id, created_at, value FROM recognitions
WHERE organization_id = :organization_id AND id = :id
FOR UPDATE
""")
CHANGE_EVENT = text("""
UPDATE recognitions
SET message = :message, value = :value, specificity = :specificity, edited_at = :edited_at
WHERE organization_id = :organization_id AND id = :id
""")
FREE_REPLIES = text("""
UPDATE recognitions SET reply_to_id = NULL
WHERE organization_id = :organization_id AND reply_to_id = ANY(CAST(:ids AS uuid[]))
""")
DELETE_EVENTS = text("""
DELETE FROM recognitions WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
""")
HOLD_EVENTS_OF = text("""
SELECT id, giver_id FROM recognitions
WHERE organization_id = :organization_id AND (giver_id = :person_id OR id IN (
    SELECT recognition_id FROM recognition_receivers
    WHERE organization_id = :organization_id AND person_id = :person_id
))
ORDER BY id
FOR UPDATE
""")
REMOVE_RECEIVER = text("""
WITH removed AS (
    DELETE FROM recognition_receivers
    WHERE organization_id = :organization_id AND person_id = :person_id
    RETURNING recognition_id
)
SELECT recognition_id FROM removed
WHERE NOT EXISTS (
    SELECT FROM recognition_receivers rr
    WHERE rr.organization_id = :organization_id AND rr.recognition_id = removed.recognition_id
        AND rr.person_id <> :person_id
)
""")
ADD_REACTION = text("""
INSERT INTO recognition_reactions (organization_id, recognition_id, person_id, kind)
VALUES (:organization_id, :recognition_id, :person_id, :kind)
ON CONFLICT DO NOTHING
RETURNING kind
""")
REACTED_AT = text("""
SELECT created_at FROM recognition_reactions
WHERE organization_id = :organization_id AND recognition_id = :recognition_id
    AND person_id = :person_id AND kind = :kind
""")
DELETE_REACTION = text("""
DELETE FROM recognition_reactions
WHERE organization_id = :organization_id AND recognition_id = :recognition_id
    AND person_id = :person_id AND kind = :kind
RETURNING kind
""")
GiverDay = tuple[UUID, date]


@dataclass(frozen=True)
class NewEvent:
    id: UUID
    external_id: str | None
    giver_id: UUID
    receiver_ids: Sequence[UUID]
    message: str
    value: str | None
    visibility: str
    source: str
    reply_to_id: UUID | None
    occurred_at: datetime
    occurred_on: date
    specificity: int


@dataclass(frozen=True)
class Filters:
    giver: str | None
    receiver: str | None
    since: datetime | None
    until: datetime | None
    value: str | None
    reply_to: UUID | None
    team: str | None


async def event(session: TenantSession, event_id: UUID) -> Row[Any] | None:
    found = await session.execute(EVENT_BY_ID, {"id": event_id})
    return found.first()


async def events_by_external_id(
    session: TenantSession, external_ids: Collection[str]
) -> Mapping[str, Row[Any]]:
    parameters = {"external_ids": list(external_ids)}
    rows = await session.execute(EVENTS_BY_EXTERNAL_ID, parameters)
    return {row.external_id: row for row in rows}


async def events_before(
    session: TenantSession,
    filters: Filters,
    team_ids: Sequence[UUID] | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Newest first, from the event after `after` on."""
    occurred_at, event_id = after or (None, None)
    page = {"after": occurred_at, "after_id": event_id, "limit": limit}
    chosen = {**vars(filters), "team_ids": team_ids}
    found = await session.execute(EVENTS_BEFORE, {**chosen, **page})
    return found.all()


async def lock_people(session: TenantSession, external_ids: Collection[str]) -> Mapping[str, UUID]:
    """Those who exist, and cannot be deleted before this transaction ends."""
    parameters = {"external_ids": list(external_ids)}
    rows = await session.execute(LOCK_PEOPLE, parameters)
    return {row.external_id: row.id for row in rows}


async def insert_events(session: TenantSession, events: Sequence[NewEvent]) -> set[UUID]:
    """The ids of those stored: all but those whose external id is known."""
    stored = await session.scalars(
        INSERT_EVENTS,
        {
            "ids": [event.id for event in events],
            "external_ids": [event.external_id for event in events],
            "giver_ids": [event.giver_id for event in events],
            "messages": [event.message for event in events],
            "values": [event.value for event in events],
            "visibilities": [event.visibility for event in events],
            "sources": [event.source for event in events],
            "reply_to_ids": [event.reply_to_id for event in events],
            "occurred_ats": [event.occurred_at for event in events],
            "occurred_ons": [event.occurred_on for event in events],
            "specificities": [event.specificity for event in events],
        },
    )
    return set(stored)


async def insert_receivers(session: TenantSession, events: Sequence[NewEvent]) -> None:
    rows = [
        (event.id, person_id, position)
        for event in events
        for position, person_id in enumerate(event.receiver_ids)
    ]
    await session.execute(
        INSERT_RECEIVERS,
        {
            "recognition_ids": [row[0] for row in rows],
            "person_ids": [row[1] for row in rows],
            "positions": [row[2] for row in rows],
        },
    )


async def hold_givers(session: TenantSession, ids: Collection[UUID]) -> None:
    """Until this transaction ends no other counts what they gave."""
    await session.execute(HOLD_GIVERS, {"ids": list(ids)})


async def given_on(session: TenantSession, keys: Collection[GiverDay]) -> Mapping[GiverDay, int]:
    """How many events each giver gave on their day."""
    parameters = {"giver_ids": [giver for giver, _ in keys], "days": [day for _, day in keys]}
    rows = await session.execute(GIVEN_ON, {**parameters})
    return {(row.giver_id, row.occurred_on): row.given for row in rows}


async def known_events(session: TenantSession, ids: Collection[UUID]) -> set[UUID]:
    """Those there are, which cannot be deleted before this transaction ends."""
    found = await session.scalars(KNOWN_EVENTS, {"ids": list(ids)})
    return set(found)


async def hold_event(session: TenantSession, event_id: UUID) -> Row[Any] | None:
    """Locks the event, if there is one, until this transaction ends."""
    found = await session.execute(HOLD_EVENT, {"id": event_id})
    return found.first()


async def change_event(session: TenantSession, event_id: UUID, values: Mapping[str, Any]) -> None:
    await session.execute(CHANGE_EVENT, {"id": event_id, **values})


async def delete_events(session: TenantSession, ids: Collection[UUID]) -> None:
    """With their receivers and reactions; replies to them stay, and answer nothing any more."""
    parameters = {"ids": list(ids)}
    await session.execute(FREE_REPLIES, parameters)
    await session.execute(DELETE_EVENTS, parameters)


async def hold_events_of(session: TenantSession, person_id: UUID) -> Sequence[Row[Any]]:
    """Locks every event the person gave or received; each with its giver."""
    parameters = {"person_id": person_id}
    return (await session.execute(HOLD_EVENTS_OF, parameters)).all()


async def remove_receiver(session: TenantSession, person_id: UUID) -> Sequence[UUID]:
    """Takes the person out of every event they received; those nobody else received."""
    parameters = {"person_id": person_id}
    return (await session.scalars(REMOVE_RECEIVER, parameters)).all()


async def add_reaction(session: AsyncSession, key: Mapping[str, Any]) -> bool:
    """Whether it is new."""
    return (await session.execute(ADD_REACTION, key)).first() is not None


async def reacted_at(session: AsyncSession, key: Mapping[str, Any]) -> datetime:
    moment: datetime = (await session.scalars(REACTED_AT, key)).one()
    return moment


async def delete_reaction(session: AsyncSession, key: Mapping[str, Any]) -> bool:
    """Whether there was one."""
    return (await session.execute(DELETE_REACTION, key)).first() is not None
