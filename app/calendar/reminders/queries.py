from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.database import TenantSession
from app.mail.queries import planned_mails
from app.tables import Organization, Reminder

MAILS = planned_mails("digests")
READERS = text("""
SELECT p.id, p.external_id, p.name, p.email, p.email_since, p.team_id, p.locale,
    coalesce(p.time_zone, :time_zone) AS time_zone
FROM people p
WHERE p.organization_id = :organization_id AND p.is_active AND p.email IS NOT NULL
    AND CAST(:day AS date) BETWEEN coalesce(p.starts_on, '-infinity') AND coalesce(p.ends_on, 'infinity')
    AND (
        p.id = CAST(:person_id AS uuid)
        OR p.external_id = ANY(CAST(:external_ids AS text[]))
        OR p.team_id = ANY(CAST(:team_ids AS uuid[]))
    )
    AND NOT EXISTS (
        SELECT FROM unsubscriptions u WHERE u.organization_id = :organization_id AND u.person_id = p.id
    )
""")
PLAN = text("""
INSERT INTO digests (organization_id, id, person_id, day, send_at, expires_at, status, attempts)
SELECT :organization_id, gen_random_uuid(), person_id, day, send_at, expires_at, 'planned', 0
FROM unnest(CAST(:person_id AS uuid[]), CAST(:day AS date[]), CAST(:send_at AS timestamptz[]),
            CAST(:expires_at AS timestamptz[])) AS w (person_id, day, send_at, expires_at)
ON CONFLICT (organization_id, person_id, day) DO NOTHING
""")


async def reminders(session: TenantSession) -> Sequence[Reminder]:
    own = select(Reminder).where(col(Reminder.organization_id) == session.organization_id)
    return (await session.scalars(own)).all()


DELETE_REMINDER = text("""
DELETE FROM reminders WHERE organization_id = :organization_id AND id = :id RETURNING id
""")


async def delete_reminder(session: TenantSession, reminder_id: UUID) -> bool:
    """Whether there was such a reminder."""
    gone = await session.execute(DELETE_REMINDER, {"id": reminder_id})
    return gone.first() is not None


async def readers(
    session: AsyncSession,
    organization: Organization,
    day: date,
    *,
    person_id: UUID | None = None,
    external_ids: Collection[str] = (),
    team_ids: Collection[UUID] = (),
) -> Sequence[Row[Any]]:
    """Of these people, those who work here on that day, have an address and want reminders."""
    where = {
        "organization_id": organization.id,
        "time_zone": organization.time_zone,
        "day": day,
        "person_id": person_id,
        "external_ids": list(external_ids),
        "team_ids": list(team_ids),
    }
    return (await session.execute(READERS, where)).all()


async def plan(session: TenantSession, wanted: dict[str, list[Any]]) -> None:
    """One digest a person and day, however often it is planned."""
    await session.execute(PLAN, {**wanted})


UNSUBSCRIBE = text("""
INSERT INTO unsubscriptions (organization_id, person_id)
SELECT organization_id, id FROM people
WHERE organization_id = :organization_id AND id = :person_id
  ON CONFLICT (organization_id, person_id) DO NOTHING
""")


async def unsubscribe(session: TenantSession, person_id: UUID) -> None:
    """Nothing happens where the person is gone, or has unsubscribed before."""
    await session.execute(UNSUBSCRIBE, {"person_id": person_id})
