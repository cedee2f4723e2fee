from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.calendar.rules import KeptDay, half_way_months
from app.core.database import TenantSession
from app.tables import CelebrationSettings, Occasion, Organization, Person

SHOWN = ("organization", "team")
PUT_OCCASION = text("""
INSERT INTO occasions AS o
    (organization_id, person_id, key, kind, month, day, year, label, relation, visibility, consent,
     leap_day_rule, recurrence)
VALUES
    (:organization_id, :person_id, :key, :kind, :month, :day, :year, :label, :relation, :visibility, :consent,
     :leap_day_rule, :recurrence)
ON CONFLICT (organization_id, person_id, key) DO UPDATE SET
    (kind, month, day, year, label, relation, visibility, consent, leap_day_rule, recurrence, updated_at)
    = (excluded.kind, excluded.month, excluded.day, excluded.year, excluded.label, excluded.relation,
       excluded.visibility, excluded.consent, excluded.leap_day_rule, excluded.recurrence,
       excluded.updated_at)
WHERE (o.kind, o.month, o.day, o.year, o.label, o.relation, o.visibility, o.consent, o.leap_day_rule,
       o.recurrence)
    IS DISTINCT FROM
    (excluded.kind, excluded.month, excluded.day, excluded.year, excluded.label, excluded.relation,
     excluded.visibility, excluded.consent, excluded.leap_day_rule, excluded.recurrence)
""")
PUT_CELEBRATIONS = text("""
INSERT INTO celebration_settings AS s (organization_id, person_id, work_anniversary, first_day, leap_day_rule)
VALUES (:organization_id, :person_id, :work_anniversary, :first_day, :leap_day_rule)
ON CONFLICT (organization_id, person_id) DO UPDATE SET
    (work_anniversary, first_day, leap_day_rule, updated_at)
    = (excluded.work_anniversary, excluded.first_day, excluded.leap_day_rule, excluded.updated_at)
WHERE (s.work_anniversary, s.first_day, s.leap_day_rule)
    IS DISTINCT FROM (excluded.work_anniversary, excluded.first_day, excluded.leap_day_rule)
""")
DELETE_OCCASION = text("""
DELETE FROM occasions WHERE organization_id = :organization_id AND person_id = :person_id AND key = :key
""")
WITHDRAW_CARDS = text("""
DELETE FROM cards
WHERE organization_id = :organization_id AND person_id = :person_id
    AND occasion = ANY(CAST(:occasions AS text[])) AND status IN ('planned', 'held')
""")
OCCURRENCES_AFTER = text("""
WITH days AS (
    SELECT *
    FROM unnest(CAST(:kept_ons AS date[]), CAST(:years AS int[]), CAST(:months AS int[]),
                CAST(:days AS int[]), CAST(:leap_day_rules AS text[]))
        AS d (kept_on, year, month, day, leap_day_rule)
),
celebrated AS (
    SELECT d.kept_on, o.person_id, o.kind, o.key, o.label, o.relation, o.visibility,
        12 * (d.year - o.year) AS months
    FROM days d
    JOIN occasions o ON o.month = d.month AND o.day = d.day
    LEFT JOIN celebration_settings s USING (organization_id, person_id)
    WHERE o.organization_id = :organization_id AND o.consent
        AND o.visibility = ANY(CAST(:visibilities AS text[]))
        AND (CAST(:person_ids AS uuid[]) IS NULL OR o.person_id = ANY(CAST(:person_ids AS uuid[])))
        AND CASE
            WHEN o.recurrence = 'once' THEN o.year = d.year AND d.leap_day_rule IS NULL
            ELSE coalesce(o.year <= d.year, true)
                AND coalesce(o.leap_day_rule, s.leap_day_rule, :leap_day_rule)
                    = coalesce(d.leap_day_rule, o.leap_day_rule, s.leap_day_rule, :leap_day_rule)
        END
    UNION ALL
    SELECT d.kept_on, p.id, 'work_anniversary', 'work_anniversary', NULL, NULL, 'organization',
        12 * (d.year - CAST(extract(year FROM p.starts_on) AS int))
    FROM days d
    JOIN people p
        ON extract(month FROM p.starts_on) = d.month AND extract(day FROM p.starts_on) = d.day
    LEFT JOIN celebration_settings s ON s.organization_id = p.organization_id AND s.person_id = p.id
    WHERE p.organization_id = :organization_id
        AND (CAST(:person_ids AS uuid[]) IS NULL OR p.id = ANY(CAST(:person_ids AS uuid[])))
        AND p.starts_on < d.kept_on
        AND coalesce(s.work_anniversary, true)
        AND coalesce(s.leap_day_rule, :leap_day_rule)
            = coalesce(d.leap_day_rule, s.leap_day_rule, :leap_day_rule)
    UNION ALL
    SELECT d.kept_on, p.id, 'work_anniversary', 'work_anniversary', NULL, NULL, 'organization',
        h.months
    FROM days d
    CROSS JOIN unnest(CAST(:half_way_months AS int[])) AS h (months)
    JOIN people p ON CAST(p.starts_on + make_interval(months => h.months) AS date) = d.kept_on
    LEFT JOIN celebration_settings s ON s.organization_id = p.organization_id AND s.person_id = p.id
    WHERE p.organization_id = :organization_id
        AND (CAST(:person_ids AS uuid[]) IS NULL OR p.id = ANY(CAST(:person_ids AS uuid[])))
        AND p.starts_on < d.kept_on AND d.leap_day_rule IS NULL
        AND coalesce(s.work_anniversary, true)
    UNION ALL
    SELECT d.kept_on, p.id, 'first_day', 'first_day', NULL, NULL, 'organization', NULL
    FROM days d
    JOIN people p ON p.starts_on = d.kept_on
    LEFT JOIN celebration_settings s ON s.organization_id = p.organization_id AND s.person_id = p.id
    WHERE p.organization_id = :organization_id
        AND (CAST(:person_ids AS uuid[]) IS NULL OR p.id = ANY(CAST(:person_ids AS uuid[])))
        AND d.leap_day_rule IS NULL AND coalesce(s.first_day, true)
)
SELECT c.kept_on, p.external_id, p.name, t.external_id AS team, t.name AS team_name,
    c.kind, c.key, c.label, c.relation, c.visibility, c.months,
    c.person_id, p.email, p.locale, p.manager, p.manager_since, p.team_id, p.starts_on, p.ends_on,
    coalesce(p.time_zone, :time_zone) AS time_zone
FROM celebrated c
JOIN people p ON p.organization_id = :organization_id AND p.id = c.person_id
LEFT JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
WHERE p.is_active
    AND (
        c.kept_on BETWEEN coalesce(p.starts_on, '-infinity') AND coalesce(p.ends_on, 'infinity')
        OR EXISTS (
            SELECT FROM employments e
            WHERE e.organization_id = :organization_id AND e.person_id = p.id
                AND c.kept_on BETWEEN e.starts_on AND e.ends_on
        )
    )
    AND (CAST(:team_ids AS uuid[]) IS NULL OR p.team_id = ANY(CAST(:team_ids AS uuid[])))
    AND (c.kept_on, p.external_id COLLATE "C", c.key COLLATE "C")
        > (CAST(:after_date AS date), CAST(:after_person AS text), CAST(:after_key AS text))
ORDER BY c.kept_on, p.external_id COLLATE "C", c.key COLLATE "C"
LIMIT :limit
""")
"""Between two anniversaries PostgreSQL's months end where the month ends (31 August and 6: 28 February).

The year comes along with its day, because asyncpg sends 9999-12-31 as infinity, which has none.
"""


@dataclass(frozen=True)
class PageStart:
    """Where a page of occurrences begins: after this date, person and key."""

    date: date
    person: str = ""
    key: str = ""


async def person_id(session: TenantSession, external_id: str, *, lock: bool = False) -> UUID | None:
    """`lock` lets one writer at a time at what belongs to the person, what is not there yet included."""
    query = select(col(Person.id)).where(
        col(Person.organization_id) == session.organization_id, col(Person.external_id) == external_id
    )
    return await session.scalar(query.with_for_update(key_share=True) if lock else query)


async def occasion(session: TenantSession, person_id: UUID, key: str) -> Occasion | None:
    return await session.get(Occasion, (session.organization_id, person_id, key), populate_existing=True)


async def occasions_after(
    session: TenantSession, person_id: UUID, after: str, limit: int
) -> Sequence[Occasion]:
    own = select(Occasion).where(
        col(Occasion.organization_id) == session.organization_id, col(Occasion.person_id) == person_id
    )
    key = col(Occasion.key).collate("C")
    return (await session.scalars(own.where(key > after).order_by(key).limit(limit))).all()


async def put_occasion(session: AsyncSession, values: dict[str, object]) -> None:
    """What is there already and the same stays as it is, updated_at too."""
    await session.execute(PUT_OCCASION, values)


async def delete_occasion(session: TenantSession, person_id: UUID, key: str) -> None:
    await session.execute(DELETE_OCCASION, {"person_id": person_id, "key": key})


async def withdraw_cards(session: TenantSession, person_id: UUID, occasions: Sequence[str]) -> None:
    """Cards of these occasions that are not on their way yet are gone, with what was written on them."""
    where = {"person_id": person_id, "occasions": list(occasions)}
    await session.execute(WITHDRAW_CARDS, where)


async def celebrations(session: TenantSession, person_id: UUID) -> CelebrationSettings | None:
    return await session.get(
        CelebrationSettings, (session.organization_id, person_id), populate_existing=True
    )


async def put_celebrations(session: AsyncSession, values: dict[str, object]) -> None:
    """What is there already and the same stays as it is, updated_at too."""
    await session.execute(PUT_CELEBRATIONS, values)


async def occurrences_after(
    session: AsyncSession,
    organization: Organization,
    days: Iterable[KeptDay],
    team_ids: Sequence[UUID] | None,
    after: PageStart,
    limit: int | None,
    *,
    visibilities: Sequence[str] = SHOWN,
    person_ids: Sequence[UUID] | None = None,
) -> Sequence[Row[Any]]:
    """What is celebrated on `days` by people employed then; by date, person and key."""
    days = list(days)
    found = await session.execute(
        OCCURRENCES_AFTER,
        {
            "organization_id": organization.id,
            "kept_ons": [day.kept_on for day in days],
            "years": [day.kept_on.year for day in days],
            "months": [day.month for day in days],
            "days": [day.day for day in days],
            "leap_day_rules": [day.leap_day_rule for day in days],
            "leap_day_rule": organization.leap_day_rule,
            "time_zone": organization.time_zone,
            "half_way_months": half_way_months(organization.milestone_months),
            "team_ids": team_ids,
            "person_ids": person_ids,
            "visibilities": list(visibilities),
            "after_date": after.date,
            "after_person": after.person,
            "after_key": after.key,
            "limit": limit,
        },
    )
    return found.all()
