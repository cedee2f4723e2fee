from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from app.core.database import TenantSession
from app.people.addresses.queries import PATIENCE

LEFT_LONGER_AGO = text("""
SELECT external_id FROM people WHERE organization_id = :organization_id
  AND ends_on < CAST(:today AS date) - make_interval(months => :months)
ORDER BY ends_on, external_id LIMIT :limit
""")


async def left_longer_ago(session: TenantSession, today: date, months: int, limit: int) -> Sequence[str]:
    """External ids of people whose last day was longer ago, the longest gone first."""
    parameters = {"today": today, "months": months, "limit": limit}
    return (await session.scalars(LEFT_LONGER_AGO, parameters)).all()


ANSWERED_LONGER_AGO = text("""
SELECT s.id FROM surveys s WHERE s.organization_id = :organization_id AND s.status = 'released'
  AND s.closed_at < CAST(:now AS timestamptz) - make_interval(months => :months)
  AND (EXISTS (SELECT FROM responses r
WHERE r.organization_id = :organization_id AND r.survey_id = s.id)
  OR EXISTS (SELECT FROM comments c WHERE c.organization_id = :organization_id AND c.survey_id = s.id))
ORDER BY s.closed_at, s.id
""")


async def answered_longer_ago(session: TenantSession, now: datetime, months: int) -> Sequence[UUID]:
    """Released surveys that closed longer ago and still have their answers or comments."""
    parameters = {"now": now, "months": months}
    return (await session.scalars(ANSWERED_LONGER_AGO, parameters)).all()


DELETE_ANSWERS = [
    text(f"""DELETE FROM {table} WHERE organization_id = :organization_id AND survey_id = :survey_id""")  # noqa: S608
    for table in ("responses", "comments")
]


async def delete_answers(session: TenantSession, survey_id: UUID) -> None:
    for query in DELETE_ANSWERS:
        await session.execute(query, {"survey_id": survey_id})


FORGET_OF_NOBODY = text("""
WITH gone AS (
    DELETE FROM responses r USING surveys s
    WHERE r.organization_id = :organization_id AND r.included_in IS NOT NULL
      AND s.organization_id = :organization_id AND s.id = r.survey_id
      AND s.mode = 'attributed' AND s.release_policy = 'rolling' AND s.status = 'released'
      AND NOT EXISTS (
        SELECT FROM people p WHERE p.organization_id = :organization_id AND p.id = r.respondent_key
      )
    RETURNING r.survey_id, r.cell_ordinal
)
UPDATE survey_cells c SET erased = c.erased + g.number
FROM (SELECT survey_id, cell_ordinal, CAST(count(*) AS int) AS number FROM gone GROUP BY 1, 2) g
WHERE c.organization_id = :organization_id AND c.survey_id = g.survey_id AND c.ordinal = g.cell_ordinal
""")


async def forget_of_nobody(session: TenantSession) -> None:
    """Answers that were cut loose from who was erased, and that the last release has counted.

    Where answers bear their person, one of nobody is of somebody erased.
    """
    await session.execute(FORGET_OF_NOBODY)


FORGET_OLD_LINKS = text("""
DELETE FROM answers_links WHERE organization_id = :organization_id AND expires_at < :now
""")
FORGET_OLD_NOTICES = text("""
DELETE FROM address_notices
WHERE organization_id = :organization_id
  AND created_at < CAST(:now AS timestamptz) - CAST(:patience AS interval)
""")


async def forget_old_mails(session: TenantSession, now: datetime) -> None:
    """Links that have expired, and addresses that could not be told of a change."""
    await session.execute(FORGET_OLD_LINKS, {"now": now})
    await session.execute(FORGET_OLD_NOTICES, {"now": now, "patience": PATIENCE})
