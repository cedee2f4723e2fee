"""The buckets: events counted by month, person and pair, always as the events of the same transaction are.

Months, because metrics cover whole ones; persons and not teams, so that who moves takes theirs along.
Of what is one person's last day in a month, only a deletion makes it necessary to look at the events again.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.core.database import TenantSession

COUNTED = """
WITH counted AS (
    SELECT
        coalesce(r.counted_in, CAST(date_trunc('month', CAST(r.occurred_on AS timestamp)) AS date)) AS month,
        g.number AS giver, p.number AS receiver, r.specificity, r.occurred_on
    FROM recognitions r
    JOIN recognition_receivers rr ON rr.organization_id = r.organization_id AND rr.recognition_id = r.id
    JOIN recognition_numbers g ON g.organization_id = r.organization_id AND g.person_id = r.giver_id
    JOIN recognition_numbers p ON p.organization_id = r.organization_id AND p.person_id = rr.person_id
    WHERE r.organization_id = :organization_id AND r.id = ANY(CAST(:ids AS uuid[]))
        AND rr.recognition_id = ANY(CAST(:ids AS uuid[])) AND r.source <> 'automatic'
)
"""
"""The ids bound both tables: a planner without statistics would else read all receivers for each event."""
NUMBER_PEOPLE = text("""
INSERT INTO recognition_numbers (organization_id, person_id)
SELECT :organization_id, named.person_id
FROM (
    SELECT giver_id AS person_id FROM recognitions
    WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
    UNION
    SELECT person_id FROM recognition_receivers
    WHERE organization_id = :organization_id AND recognition_id = ANY(CAST(:ids AS uuid[]))
) named
WHERE NOT EXISTS (
    SELECT FROM recognition_numbers n
    WHERE n.organization_id = :organization_id AND n.person_id = named.person_id
)
ORDER BY named.person_id
ON CONFLICT DO NOTHING
""")
PAIRS_COUNTED = """
INSERT INTO recognition_month_pairs AS b (organization_id, month, giver, receiver, events)
SELECT :organization_id, month, giver, receiver, CAST(:sign AS int) * count(*)
FROM counted
GROUP BY month, giver, receiver
ORDER BY month, giver, receiver
ON CONFLICT (organization_id, month, giver, receiver) DO UPDATE SET events = b.events + excluded.events
RETURNING month, giver, receiver
"""
COUNT_PAIRS = text(COUNTED + PAIRS_COUNTED)
PEOPLE_COUNTED = """
INSERT INTO recognition_month_people AS b
    (organization_id, month, person, received, given, scored, specificity, last_received_on)
SELECT :organization_id, month, person, CAST(:sign AS int) * sum(received), CAST(:sign AS int) * sum(given),
    CAST(:sign AS int) * count(specificity), CAST(:sign AS int) * coalesce(sum(specificity), 0),
    max(received_on)
FROM (
    SELECT month, receiver AS person, 1 AS received, 0 AS given, specificity, occurred_on AS received_on
    FROM counted
    UNION ALL
    SELECT month, giver, 0, 1, NULL, NULL FROM counted
) sides
GROUP BY month, person
ORDER BY month, person
ON CONFLICT (organization_id, month, person) DO UPDATE SET
    received = b.received + excluded.received,
    given = b.given + excluded.given,
    scored = b.scored + excluded.scored,
    specificity = b.specificity + excluded.specificity,
    last_received_on = greatest(b.last_received_on, excluded.last_received_on)
RETURNING month, person
"""
COUNT_PEOPLE = text(COUNTED + PEOPLE_COUNTED)
DROP_EMPTY_PAIRS = text("""
DELETE FROM recognition_month_pairs b
USING unnest(CAST(:months AS date[]), CAST(:givers AS int[]), CAST(:receivers AS int[]))
    AS k (month, giver, receiver)
WHERE b.organization_id = :organization_id AND b.month = k.month AND b.giver = k.giver
    AND b.receiver = k.receiver AND b.events = 0
""")
DROP_EMPTY_PEOPLE = text("""
DELETE FROM recognition_month_people b
USING unnest(CAST(:months AS date[]), CAST(:people AS int[])) AS k (month, person)
WHERE b.organization_id = :organization_id AND b.month = k.month AND b.person = k.person
    AND b.received = 0 AND b.given = 0
""")
FIND_LAST_DAYS = text("""
UPDATE recognition_month_people b
SET last_received_on = (
    SELECT max(r.occurred_on)
    FROM recognition_numbers n
    JOIN recognition_receivers rr ON rr.organization_id = n.organization_id AND rr.person_id = n.person_id
    JOIN recognitions r ON r.organization_id = rr.organization_id AND r.id = rr.recognition_id
    WHERE n.organization_id = :organization_id AND n.number = b.person AND r.source <> 'automatic'
        AND coalesce(r.counted_in, CAST(date_trunc('month', CAST(r.occurred_on AS timestamp)) AS date))
            = b.month
)
FROM unnest(CAST(:months AS date[]), CAST(:people AS int[])) AS k (month, person)
WHERE b.organization_id = :organization_id AND b.month = k.month AND b.person = k.person
""")

HOLD_COUNTS = text("""SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))""")
SHARE_COUNTS = text("""SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))""")


async def hold_counts(session: TenantSession) -> None:
    """Waits for events that are being counted, and lets none be counted until this transaction ends.

    To be held before anything else is written: whoever counts waits for numbers of people and rows of months.
    """
    await session.execute(HOLD_COUNTS, _name_of_counts(session))


def _name_of_counts(session: TenantSession) -> dict[str, str]:
    return {"name": f"recognition counts {session.organization_id}"}


COUNT_LATER = text("""
UPDATE recognitions r SET counted_in = (
    SELECT min(CAST(later.month AS date)) FROM generate_series(
        date_trunc('month', CAST(r.occurred_on AS timestamp)) + interval '1 month',
        date_trunc('month', greatest(CAST(r.occurred_on AS timestamp), CAST(now() AS timestamp)))
            + interval '2 months', interval '1 month'
    ) AS later (month)
    WHERE NOT EXISTS (
        SELECT FROM recognition_told_months t
        WHERE t.organization_id = :organization_id AND t.month = CAST(later.month AS date)
    )
)
FROM recognition_told_months told
WHERE r.organization_id = :organization_id AND r.id = ANY(CAST(:ids AS uuid[]))
    AND told.organization_id = :organization_id
    AND told.month = CAST(date_trunc('month', CAST(r.occurred_on AS timestamp)) AS date)
""")
"""In the next month that was not told of yet: one that was stays as it is."""

NUMBERS_OF = text("""
WITH own AS (
    SELECT number FROM recognition_numbers WHERE organization_id = :organization_id AND person_id = :person_id
),
months AS (
    SELECT * FROM recognition_month_people
    WHERE organization_id = :organization_id AND month BETWEEN :first AND :last
        AND person = (SELECT number FROM own)
),
pairs AS (
    SELECT giver, receiver FROM recognition_month_pairs
    WHERE organization_id = :organization_id AND month BETWEEN :first AND :last
        AND (SELECT number FROM own) IN (giver, receiver)
)
SELECT coalesce(sum(received), 0) AS received, coalesce(sum(given), 0) AS given,
    (SELECT count(DISTINCT giver) FROM pairs WHERE receiver = (SELECT number FROM own)) AS received_from,
    (SELECT count(DISTINCT receiver) FROM pairs WHERE giver = (SELECT number FROM own)) AS given_to,
    max(last_received_on) AS last_received_on,
    CAST(sum(specificity) AS float) / nullif(sum(scored), 0) AS specificity
FROM months
""")


async def count_new(session: TenantSession, ids: Collection[UUID]) -> None:
    """A month is told of before this or after it, never meanwhile: no event is left out of both."""
    await session.execute(SHARE_COUNTS, _name_of_counts(session))
    await session.execute(COUNT_LATER, {"ids": list(ids)})
    await session.execute(NUMBER_PEOPLE, {"ids": list(ids)})
    await _count(session, ids, 1)


@asynccontextmanager
async def recounted(session: TenantSession, ids: Collection[UUID]) -> AsyncIterator[None]:
    """Takes these events out of the buckets, lets them be changed or deleted, and counts what is left."""
    pairs, people = await _count(session, ids, -1)
    yield
    await _count(session, ids, 1)
    months, numbers = [row.month for row in people], [row.person for row in people]
    keys = {"months": months, "people": numbers}
    await session.execute(FIND_LAST_DAYS, keys)
    await session.execute(DROP_EMPTY_PEOPLE, keys)
    await session.execute(
        DROP_EMPTY_PAIRS,
        {
            "months": [row.month for row in pairs],
            "givers": [row.giver for row in pairs],
            "receivers": [row.receiver for row in pairs],
        },
    )


async def numbers_of(session: TenantSession, person_id: UUID, first: date, last: date) -> Row[Any]:
    """What one person received and gave in whole months, and with how many others."""
    parameters = {"person_id": person_id, "first": first, "last": last}
    return (await session.execute(NUMBERS_OF, parameters)).one()


async def _count(
    session: TenantSession, ids: Collection[UUID], sign: int
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """Adds the events as they are now, or subtracts them; the pairs and people touched.

    Always in this order and in that of the keys, so that writers wait for each other and never in a ring.
    """
    events = {"ids": list(ids), "sign": sign}
    pairs = (await session.execute(COUNT_PAIRS, events)).all()
    people = (await session.execute(COUNT_PEOPLE, events)).all()
    return pairs, people
