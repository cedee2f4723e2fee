from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.core.database import TenantSession

FIRST_MESSAGES = text("""
SELECT (
    SELECT min(message.at) FROM (
        SELECT c.sent_at FROM cards c
        WHERE c.organization_id = :organization_id AND c.person_id = w.person_id
            AND c.occasion = w.occasion AND c.year = w.year AND c.is_half_year = w.is_half_year
            AND c.status = 'sent' AND c.sent_at >= w.since AND c.sent_at < w.until
        UNION ALL
        SELECT r.occurred_at FROM recognition_receivers rr
        JOIN recognitions r ON r.organization_id = rr.organization_id AND r.id = rr.recognition_id
        WHERE rr.organization_id = :organization_id AND rr.person_id = w.person_id
            AND r.occurred_at >= w.since AND r.occurred_at < w.until AND r.source <> 'automatic'
    ) AS message (at)
)
FROM unnest(CAST(:person_id AS uuid[]), CAST(:occasion AS text[]), CAST(:year AS int[]),
            CAST(:is_half_year AS bool[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
    WITH ORDINALITY AS w (person_id, occasion, year, is_half_year, since, until, place)
ORDER BY w.place
""")
REPORT = text("""
SELECT CAST(body AS text) FROM celebration_reports
WHERE organization_id = :organization_id AND period = :period
""")
KEEP_REPORT = text("""
INSERT INTO celebration_reports (organization_id, period, body)
VALUES (:organization_id, :period, CAST(:body AS jsonb))
  ON CONFLICT (organization_id, period) DO NOTHING
""")


async def first_messages(
    session: TenantSession, celebrations: Mapping[str, Sequence[Any]]
) -> Sequence[datetime | None]:
    """Of each celebration when the first message came: its own card, or recognition received."""
    found = await session.scalars(FIRST_MESSAGES, {**celebrations})
    return found.all()


async def report(session: TenantSession, period: str) -> str | None:
    """As JSON."""
    found: str | None = await session.scalar(REPORT, {"period": period})
    return found


async def keep_report(session: TenantSession, period: str, body: str) -> None:
    """The first one stays, whoever else made one meanwhile. JSON knows no NaN."""
    await session.execute(KEEP_REPORT, {"period": period, "body": body})
