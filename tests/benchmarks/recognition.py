"""A year of recognition in a large organisation: python -m tests.benchmarks.recognition [events [people]]

Events and buckets are put into the tables at once; most go to the twenty nearest colleagues. Not part of
`make bench`: five million events take a while.
"""

import asyncio
import json
import sys
from datetime import date, timedelta
from random import Random
from uuid import UUID

import asyncpg

from app.metrics.recognition.queries import MONTH_PAIRS, MONTH_PEOPLE
from app.recognition.rules import month_end, months_before
from tests.acceptance.process import Api
from tests.benchmarks.bench import TEAMS, bench, hire, median_seconds, seconds, send, show

EVENTS, PEOPLE = 5_000_000, 100_000
BATCHES, BATCH = 4, 5_000
LONGEST_CALL = 300
MESSAGE = "Thank you for the clear handover on Tuesday."
LAST = date.today().replace(day=1) - timedelta(1)  # noqa: DTZ011 any whole year will do
FIRST = months_before(LAST, 11)

DRAW = """
CREATE TEMPORARY TABLE drawn AS
WITH numbered AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY length(external_id), external_id) - 1 AS place
    FROM people WHERE organization_id = $1
),
thrown AS MATERIALIZED (
    SELECT gen_random_uuid() AS id, floor(random() * $2::int)::int AS giver, random() AS reach,
        (1 + floor(random() * 10))::int * (CASE WHEN random() < 0.5 THEN 1 ELSE -1 END) AS step,
        floor(random() * ($2::int - 1))::int AS anybody, floor(random() * $3::int)::int AS day
    FROM generate_series(1, $4::int)
),
placed AS (
    SELECT id, giver, day, CASE
        WHEN reach < 0.85 THEN (giver + step * $5::int + 10 * $5::int * $2::bigint) % $2::int
        ELSE (giver + 1 + anybody) % $2::int
    END AS receiver
    FROM thrown
)
SELECT e.id, g.id AS giver_id, r.id AS receiver_id, $6::date + e.day AS day
FROM placed e JOIN numbered g ON g.place = e.giver JOIN numbered r ON r.place = e.receiver
"""
STORE = (
    """
    INSERT INTO recognitions (organization_id, id, giver_id, message, visibility, occurred_at, occurred_on,
        specificity)
    SELECT $1, id, giver_id, 'Thank you for the clear handover on Tuesday.', 'organization',
        day + time '12:00', day, 2
    FROM drawn
    """,
    """
    INSERT INTO recognition_receivers (organization_id, recognition_id, person_id, position)
    SELECT $1, id, receiver_id, 0 FROM drawn
    """,
)
COUNT = (
    "INSERT INTO recognition_numbers (organization_id, person_id) SELECT $1, id FROM people"
    " WHERE organization_id = $1",
    """
    CREATE TEMPORARY TABLE counted AS
    SELECT date_trunc('month', day)::date AS month, day, g.number AS giver, r.number AS receiver
    FROM drawn d
    JOIN recognition_numbers g ON g.person_id = d.giver_id
    JOIN recognition_numbers r ON r.person_id = d.receiver_id
    WHERE g.organization_id = $1
    """,
    """
    INSERT INTO recognition_month_pairs (organization_id, month, giver, receiver, events)
    SELECT $1, month, giver, receiver, count(*) FROM counted
    GROUP BY month, giver, receiver ORDER BY month, giver, receiver
    """,
    """
    INSERT INTO recognition_month_people
        (organization_id, month, person, received, given, scored, specificity, last_received_on)
    SELECT $1, month, person, sum(received), sum(1 - received), sum(received), 2 * sum(received), max(day)
    FROM (
        SELECT month, receiver AS person, 1 AS received, day FROM counted
        UNION ALL SELECT month, giver, 0, NULL FROM counted
    ) sides
    GROUP BY month, person ORDER BY month, person
    """,
)
TABLES = ("recognitions", "recognition_receivers", "recognition_month_pairs", "recognition_month_people")


async def load(database_url: str, organization_id: UUID, events: int, people: int) -> None:
    """Events and buckets as the service would leave them. A superuser may skip what checks row by row."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SET session_replication_role = replica")
        days = (LAST - FIRST).days + 1
        await connection.execute(DRAW, organization_id, people, days, events, len(TEAMS), FIRST)
        for statement in (*STORE, *COUNT):
            await connection.execute(statement, organization_id)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def bodies(people: int) -> list[bytes]:
    """Batches as a sender would post them, made before the clock runs."""
    random, moment = Random(16), f"{LAST}T12:00:00Z"
    items = [
        {"giver": f"E-{giver}", "receivers": [f"E-{receiver}"], "message": MESSAGE, "occurred_at": moment}
        for giver, receiver in (random.sample(range(people), 2) for _ in range(BATCHES * BATCH))
    ]
    parts = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    return [json.dumps({"items": part}).encode() for part in parts]


def post(api: Api, batches: list[bytes]) -> None:
    for body in batches:
        send(api, "POST", "/v1/recognitions/batch", body)


async def inspect(database_url: str, organization_id: UUID) -> tuple[list[tuple[str, str, str]], str]:
    """Rows and size of the tables, and the plans of the two queries a report reads."""
    connection = await asyncpg.connect(database_url)
    try:
        sizes = []
        for table in TABLES:
            rows = await connection.fetchval(f"SELECT count(*) FROM {table}")
            size = await connection.fetchval(f"SELECT pg_size_pretty(pg_total_relation_size('{table}'))")
            sizes.append((table, f"{rows:,}", size))
        values = {":organization_id": organization_id, ":since": FIRST, ":first": FIRST, ":last": LAST}
        plans = []
        for query in (MONTH_PEOPLE, MONTH_PAIRS):
            statement = str(query)
            for name, value in values.items():
                statement = statement.replace(name, f"'{value}'")
            plan = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}")
            plans.append("\n".join(row[0] for row in plan))
        return sizes, "\n\n".join(plans)
    finally:
        await connection.close()


def path(by: str) -> str:
    return f"/v1/metrics/recognition?from={FIRST}&to={month_end(LAST)}&{by}"


def calls(api: Api) -> list[tuple[str, str, str]]:
    """The first call of a window computes it; the others read what it kept."""
    cold = seconds(lambda: send(api, "GET", path("by=organization")))
    found = [("organization", f"{cold:.2f}", f"{warm(api, 'by=organization'):.3f}")]
    found.append(("all teams", "kept by the above", f"{warm(api, 'by=organization&by=team'):.3f}"))
    months = seconds(lambda: send(api, "GET", path("by=month")))
    found.append(("twelve months", f"{months:.2f}", f"{warm(api, 'by=month'):.3f}"))
    return found


def warm(api: Api, by: str) -> float:
    return median_seconds(lambda: send(api, "GET", path(by)), 5)


def main(events: int = EVENTS, people: int = PEOPLE) -> None:
    with bench() as run:
        hire(run.api, people)
        organization_id = UUID(run.api.sent("GET", "/v1/me")["organization"]["id"])
        asyncio.run(load(run.database_url, organization_id, events, people))
        run.api.timeout = LONGEST_CALL
        rows = calls(run.api)
        batches = bodies(people)
        took = seconds(lambda: post(run.api, batches))
        sizes, plans = asyncio.run(inspect(run.database_url, organization_id))
    show(
        f"{events:,} events of {people:,} people in {len(TEAMS)} teams, a year",
        ("table", "rows", "size"),
        *sizes,
    )
    show("Batches of 5,000 more, over HTTP", ("events a second",), (f"{BATCHES * BATCH / took:,.0f}",))
    show("Reading the year", ("what", "seconds, cold", "seconds, warm"), *rows)
    print(plans)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
