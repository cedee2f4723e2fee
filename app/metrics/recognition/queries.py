import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.database import TenantSession

NUMBER_EMPLOYED = text("""
INSERT INTO recognition_numbers (organization_id, person_id)
SELECT p.organization_id, p.id FROM people p
WHERE p.organization_id = :organization_id AND p.is_active AND NOT EXISTS (
    SELECT FROM recognition_numbers n WHERE n.organization_id = :organization_id AND n.person_id = p.id
)
ORDER BY p.id
ON CONFLICT DO NOTHING
""")
TOLD_MONTHS = text("""
SELECT month, tree, people, pairs FROM recognition_told_months
WHERE organization_id = :organization_id AND month BETWEEN :first AND :last
ORDER BY month
""").columns(tree=JSONB)
NAMES_OF_TOLD = text("""
SELECT month FROM recognition_told_months
WHERE organization_id = :organization_id AND month BETWEEN :first AND :last
""")
KEEP_MONTH = text("""
INSERT INTO recognition_told_months (organization_id, month, tree, people, pairs)
VALUES (:organization_id, :month, CAST(:tree AS jsonb), :people, :pairs)
ON CONFLICT (organization_id, month) DO NOTHING
""")
EMPLOYED = text("""
SELECT n.number, CASE WHEN past.person_id IS NULL THEN p.team_id ELSE t.id END AS team_id,
    p.starts_on, p.ends_on, e.earlier_starts, e.earlier_ends
FROM people p
LEFT JOIN (
    SELECT DISTINCT ON (person_id) person_id, team FROM person_history
    WHERE organization_id = :organization_id AND ends_on >= :last
    ORDER BY person_id, ends_on
) past ON past.person_id = p.id
LEFT JOIN teams t ON t.organization_id = p.organization_id AND t.external_id = past.team
LEFT JOIN recognition_numbers n ON n.organization_id = p.organization_id AND n.person_id = p.id
LEFT JOIN (
    SELECT person_id, array_agg(starts_on) AS earlier_starts, array_agg(ends_on) AS earlier_ends
    FROM employments
    WHERE organization_id = :organization_id
    GROUP BY person_id
) e ON e.person_id = p.id
WHERE p.organization_id = :organization_id AND p.is_active
    AND (e.person_id IS NOT NULL
        OR coalesce(p.starts_on, '-infinity') <= :last AND coalesce(p.ends_on, 'infinity') >= :first)
ORDER BY p.team_id, p.id
""")
MONTH_PEOPLE = text("""
SELECT person,
    coalesce(sum(received) FILTER (WHERE month >= :first), 0) AS received,
    coalesce(sum(given) FILTER (WHERE month >= :first), 0) AS given,
    coalesce(sum(scored) FILTER (WHERE month >= :first), 0) AS scored,
    coalesce(sum(specificity) FILTER (WHERE month >= :first), 0) AS specificity,
    max(last_received_on) AS last_received_on
FROM recognition_month_people
WHERE organization_id = :organization_id AND month BETWEEN :since AND :last
GROUP BY person
""")
MONTH_PAIRS = text("""
SELECT string_agg(int4send(giver) || int4send(receiver) || int4send(CAST(events AS int)), '')
FROM (
    SELECT giver, receiver, sum(events) AS events
    FROM recognition_month_pairs
    WHERE organization_id = :organization_id AND month BETWEEN :first AND :last
    GROUP BY giver, receiver
) pairs
""")
REPORT = text("""
SELECT ordinal, last_ordinal, team, CAST(body AS text) AS body FROM recognition_reports
WHERE organization_id = :organization_id AND first_on = :first AND last_on = :last
    AND fingerprint = :fingerprint
    AND (:with_teams OR ordinal = 0 OR team = CAST(:team AS text))
ORDER BY ordinal
""")
KEEP_REPORT = text("""
INSERT INTO recognition_reports
    (organization_id, first_on, last_on, ordinal, last_ordinal, team, body, fingerprint)
SELECT CAST(:organization_id AS uuid), :first, :last, r.ordinal, r.last_ordinal, r.team,
    CAST(r.body AS jsonb), :fingerprint
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(ordinal int, last_ordinal int, team text, body text)
ON CONFLICT (organization_id, first_on, last_on, ordinal) DO UPDATE SET
    (last_ordinal, team, body, fingerprint)
    = (excluded.last_ordinal, excluded.team, excluded.body, excluded.fingerprint)
""")
DROP_STALE = text("""
DELETE FROM recognition_reports
WHERE organization_id = :organization_id AND first_on = :first AND last_on = :last
    AND fingerprint <> :fingerprint
""")


@dataclass(frozen=True)
class WholeMonths:
    """Whole months that are over; `since` begins the one in which receipts are still looked for."""

    first: date
    last: date
    since: date


@dataclass(frozen=True)
class ReportGroup:
    """One group's part of a report; `last_ordinal` is the first after its subtree."""

    ordinal: int
    last_ordinal: int
    team: str | None
    body: str
    """JSON."""


async def number_employed(session: TenantSession) -> None:
    """Everybody active gets a number, which stands for them in months that were told of."""
    await session.execute(NUMBER_EMPLOYED)


async def told_months(session: TenantSession, window: WholeMonths) -> Sequence[Row[Any]]:
    """The months of the window that were told of before, as they were then; oldest first."""
    return (await session.execute(TOLD_MONTHS, {"first": window.first, "last": window.last})).all()


async def names_of_told(session: TenantSession, window: WholeMonths) -> set[date]:
    """The first day of each month of the window that was told of."""
    return set(await session.scalars(NAMES_OF_TOLD, {"first": window.first, "last": window.last}))


async def keep_month(
    session: TenantSession, month: date, tree: Sequence[Sequence[Any]], people: bytes, pairs: bytes
) -> None:
    """The first one stays, whoever else made one meanwhile."""
    row = {"month": month, "tree": json.dumps(tree), "people": people, "pairs": pairs}
    await session.execute(KEEP_MONTH, row)


async def employed(session: TenantSession, window: WholeMonths) -> Sequence[Row[Any]]:
    """Whoever may be employed in the window: periods, number, and the team held on its last day."""
    parameters = {"first": window.first, "last": window.last}
    return (await session.execute(EMPLOYED, parameters)).all()


async def month_people(session: TenantSession, window: WholeMonths) -> Sequence[Row[Any]]:
    """What each numbered person gave and received in the window, and last received in the past year."""
    months = {"first": window.first, "last": window.last, "since": window.since}
    return (await session.execute(MONTH_PEOPLE, {**months})).all()


async def month_pairs(session: TenantSession, window: WholeMonths) -> bytes:
    """Pairs x (giver, receiver, events), packed; one value holds them all, which makes millions fast."""
    months = {"first": window.first, "last": window.last}
    return await session.scalar(MONTH_PAIRS, months) or b""


async def report(
    session: TenantSession,
    window: WholeMonths,
    fingerprint: str,
    *,
    with_teams: bool,
    team: str | None,
) -> list[ReportGroup]:
    """What was computed of exactly this: the organisation, and one team or all. Empty where nothing was."""
    key = {"first": window.first, "last": window.last}
    chosen = {"fingerprint": fingerprint, "with_teams": with_teams, "team": team}
    rows = await session.execute(REPORT, {**key, **chosen})
    return [ReportGroup(*row) for row in rows]


async def keep_report(
    session: TenantSession,
    window: WholeMonths,
    fingerprint: str,
    groups: Sequence[ReportGroup],
) -> None:
    key = {"first": window.first, "last": window.last}
    await session.execute(DROP_STALE, {**key, "fingerprint": fingerprint})
    rows = json.dumps([vars(group) for group in groups], allow_nan=False)
    await session.execute(KEEP_REPORT, {**key, "fingerprint": fingerprint, "rows": rows})
