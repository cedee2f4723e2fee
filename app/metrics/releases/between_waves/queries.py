"""What is known of persons from one wave to the next: were they invited, employed, recognised?"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import TenantSession
from app.tables import Survey

EMPLOYED_UNTIL = text("""
SELECT m.person_id, m.cell_ordinal, (
SELECT max(coalesce(e.ends_on, 'infinity')) FROM (
SELECT p.starts_on, p.ends_on FROM people p
WHERE p.organization_id = :organization_id AND p.id = m.person_id
UNION ALL
SELECT h.starts_on, h.ends_on FROM employments h
WHERE h.organization_id = :organization_id AND h.person_id = m.person_id) AS e
WHERE CAST(:on AS date) BETWEEN coalesce(e.starts_on, '-infinity') AND coalesce(e.ends_on, 'infinity')
) AS last_day
FROM survey_members m WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id
ORDER BY m.person_id
""")
INVITED_TO_BOTH = text("""
SELECT one.person_id
FROM survey_members one
JOIN survey_members other ON other.organization_id = one.organization_id
    AND other.survey_id = :other AND other.person_id = one.person_id
WHERE one.organization_id = :organization_id AND one.survey_id = :one
""")
RECEIVED_BETWEEN = text("""
SELECT rr.person_id, count(*) AS received
FROM recognitions r
JOIN recognition_receivers rr ON rr.organization_id = r.organization_id AND rr.recognition_id = r.id
WHERE r.organization_id = :organization_id AND r.occurred_at > :after AND r.occurred_at <= :until
    AND r.source <> 'automatic'
GROUP BY rr.person_id
""")


async def employed_until(session: TenantSession, survey_id: UUID, on: date) -> Sequence[Row[Any]]:
    """Of each person invited: cell, and the last day of the employment they had on a day.

    That day is date.max where none is known, and None where they were not employed.
    """
    parameters = {"survey_id": survey_id, "on": on}
    return (await session.execute(EMPLOYED_UNTIL, parameters)).all()


async def invited_to_both(session: AsyncSession, one: Survey, other: Survey) -> Sequence[UUID]:
    parameters = {"one": one.id, "other": other.id}
    return (await session.scalars(INVITED_TO_BOTH, parameters)).all()


async def received_between(session: TenantSession, after: datetime, until: datetime) -> dict[UUID, int]:
    """Whoever received something after the one and until the other instant, and how many events."""
    parameters = {"after": after, "until": until}
    return {person: received for person, received in await session.execute(RECEIVED_BETWEEN, parameters)}
