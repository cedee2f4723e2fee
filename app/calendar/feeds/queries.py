from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar.rules import half_way_months
from app.core.database import TenantSession
from app.tables import CalendarFeed, Organization

HALF_WAY_YEARS = 5
AT_ONCE = 1000
UNDER_MANAGER = text("""
WITH RECURSIVE under AS (
    SELECT id, external_id FROM people
    WHERE organization_id = :organization_id AND manager = :manager AND manager_since <= :stands
    UNION
    SELECT p.id, p.external_id FROM people p JOIN under u ON p.manager = u.external_id
    WHERE p.organization_id = :organization_id AND p.manager_since <= :stands
)
SELECT id FROM under WHERE external_id <> :manager
""")
DAYS_TO_SHOW = text("""
WITH employed AS (
    SELECT p.id, p.name, p.starts_on, p.ends_on, p.updated_at,
        s.work_anniversary, s.first_day, s.leap_day_rule, s.updated_at AS chosen_at
    FROM people p
    LEFT JOIN celebration_settings s ON s.organization_id = p.organization_id AND s.person_id = p.id
    WHERE p.organization_id = :organization_id AND p.is_active
        AND coalesce(p.ends_on >= :since, true)
        AND (CAST(:team_ids AS uuid[]) IS NULL OR p.team_id = ANY(CAST(:team_ids AS uuid[])))
        AND (CAST(:person_ids AS uuid[]) IS NULL OR p.id = ANY(CAST(:person_ids AS uuid[])))
),
shown AS (
    SELECT e.id, e.name, e.starts_on, e.ends_on, o.kind, o.key, o.label, o.relation, o.month, o.day, o.year,
        o.recurrence, CAST(NULL AS int) AS months,
        coalesce(o.leap_day_rule, e.leap_day_rule, :leap_day_rule) AS leap_day_rule,
        greatest(o.updated_at, e.updated_at) AS changed_at
    FROM employed e
    JOIN occasions o ON o.organization_id = :organization_id AND o.person_id = e.id
    WHERE o.consent AND o.visibility = ANY(CAST(:visibilities AS text[]))
    UNION ALL
    SELECT e.id, e.name, e.starts_on, e.ends_on, 'work_anniversary', 'work_anniversary', NULL, NULL,
        CAST(extract(month FROM e.starts_on) AS int), CAST(extract(day FROM e.starts_on) AS int),
        CAST(extract(year FROM e.starts_on) AS int), 'yearly', NULL,
        coalesce(e.leap_day_rule, :leap_day_rule), greatest(e.updated_at, e.chosen_at)
    FROM employed e
    WHERE isfinite(e.starts_on) AND coalesce(e.work_anniversary, true)
    UNION ALL
    SELECT e.id, e.name, e.starts_on, e.ends_on, 'work_anniversary', 'work_anniversary', NULL, NULL,
        CAST(extract(month FROM h.day) AS int), CAST(extract(day FROM h.day) AS int),
        CAST(extract(year FROM h.day) AS int), 'once', h.months, :leap_day_rule,
        greatest(e.updated_at, e.chosen_at)
    FROM employed e
    CROSS JOIN LATERAL (
        SELECT months, e.starts_on + make_interval(months => months) AS day
        FROM unnest(CAST(:half_way_months AS int[])) AS m (months)
        WHERE isfinite(e.starts_on)
    ) h
    WHERE coalesce(e.work_anniversary, true) AND h.day BETWEEN :since AND CAST(:half_way_until AS date)
    UNION ALL
    SELECT e.id, e.name, e.starts_on, e.ends_on, 'first_day', 'first_day', NULL, NULL,
        CAST(extract(month FROM e.starts_on) AS int), CAST(extract(day FROM e.starts_on) AS int),
        CAST(extract(year FROM e.starts_on) AS int), 'once', NULL, :leap_day_rule,
        greatest(e.updated_at, e.chosen_at)
    FROM employed e
    WHERE isfinite(e.starts_on) AND e.starts_on >= :since AND coalesce(e.first_day, true)
)
SELECT * FROM shown ORDER BY id, key COLLATE "C", months NULLS FIRST
""")


async def feed(session: TenantSession, feed_id: UUID, *, lock: bool = False) -> CalendarFeed | None:
    return await session.get(CalendarFeed, (session.organization_id, feed_id), with_for_update=lock or None)


DELETE_FEED = text("""
DELETE FROM calendar_feeds WHERE organization_id = :organization_id AND id = :id RETURNING id
""")


async def delete_feed(session: TenantSession, feed_id: UUID) -> bool:
    """Whether there was such a feed. Its token stays behind as a hash that opens nothing."""
    gone = await session.execute(DELETE_FEED, {"id": feed_id})
    return gone.first() is not None


async def under_manager(session: TenantSession, manager: str, stands: datetime) -> Sequence[UUID]:
    """Everybody whose line of managers, as written by then, reaches this one; a circle ends."""
    parameters = {"manager": manager, "stands": stands}
    return (await session.scalars(UNDER_MANAGER, parameters)).all()


async def days_to_show(
    session: AsyncSession,
    organization: Organization,
    since: date,
    visibilities: Sequence[str],
    *,
    team_ids: Sequence[UUID] | None = None,
    person_ids: Sequence[UUID] | None = None,
) -> Sequence[Row[Any]]:
    """What may be shown of people employed on `since` or later: a day of the year, or a date, each.

    Part by part: others have their turn while they come.
    """
    found = await session.stream(
        DAYS_TO_SHOW,
        {
            "organization_id": organization.id,
            "since": since,
            "half_way_until": since.replace(year=since.year + HALF_WAY_YEARS),
            "half_way_months": half_way_months(organization.milestone_months),
            "leap_day_rule": organization.leap_day_rule,
            "visibilities": list(visibilities),
            "team_ids": team_ids,
            "person_ids": person_ids,
        },
        execution_options={"yield_per": AT_ONCE},
    )
    return [row async for part in found.partitions() for row in part]
