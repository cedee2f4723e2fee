"""The people calendar of a large organisation: python -m tests.benchmarks.calendar [people]"""

import asyncio
import sys
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.calendar.cards.service import plan_cards
from app.core.database import Database
from app.core.settings import Settings
from tests.acceptance.process import Api
from tests.benchmarks.bench import bench, hire, median_seconds, seconds, send, show

PEOPLE = 100_000
NOW = datetime(2027, 5, 4, 6, tzinfo=UTC)
LONGEST_CALL = 300
ZONES = ["Pacific/Kiritimati", "Europe/Amsterdam", "America/St_Johns", "Pacific/Pago_Pago"]
EMPLOY = """
UPDATE people SET starts_on = DATE '2010-01-01' + mod(abs(hashtext(external_id)), 5000),
    time_zone = ($2::text[])[1 + mod(abs(hashtext(name)), 4)]
WHERE organization_id = $1
"""
REMEMBER = """
INSERT INTO occasions
    (organization_id, person_id, key, kind, month, day, visibility, consent, recurrence)
SELECT organization_id, id, 'birthday', 'birthday', 1 + mod(abs(hashtext(name)), 12),
    1 + mod(abs(hashtext(external_id || name)), 28), 'team', true, 'yearly'
FROM people WHERE organization_id = $1
"""
COPY_OF_CARDS = "CREATE TEMPORARY TABLE raw AS SELECT * FROM cards WHERE organization_id = $1"


async def plan(url: str, organization_id: UUID) -> list[tuple[str, str, str]]:
    """The cards of the fourteen days to come, against writing as many rows."""
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT set_config('app.organization_id', $1, false)", str(organization_id))
    await connection.execute(EMPLOY, organization_id, ZONES)
    await connection.execute(REMEMBER, organization_id)
    await connection.execute("ANALYZE people, occasions")
    database = Database(url, Settings())

    async def planned() -> int:
        async with database.tenant_session(organization_id) as session:
            return await plan_cards(session, NOW)

    cards, first = await timed(planned())
    _, again = await timed(planned())
    _, raw = await timed(connection.execute(COPY_OF_CARDS, organization_id))
    await database.close()
    await connection.close()
    rows = (("planned first", first), ("planned again", again), ("as many rows copied", raw))
    return [(f"{cards:,} cards, {what}", f"{took:.2f}", f"{took / raw:.0f}") for what, took in rows]


async def timed(work: Awaitable[Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return await work, time.perf_counter() - started


def reads(api: Api) -> list[tuple[str, str, str]]:
    """A quarter is computed once; every other reading finds it."""
    least = median_seconds(lambda: send(api, "GET", "/health/live"), 20)
    metrics = "/v1/metrics/celebrations?by=organization&by=team"
    calls = {
        "celebrations of a quarter, first": (metrics, 1),
        "celebrations of a quarter, again": (metrics, 20),
        "a page of a month's calendar": ("/v1/calendar?from=2027-05-01&to=2027-05-31", 5),
    }
    found = []
    for what, (path, times) in calls.items():
        took = median_seconds(lambda path=path: send(api, "GET", path), times)  # type: ignore[misc]
        found.append((what, f"{took:.3f}", f"{took / least:.0f}"))
    return found


def main(people: int = PEOPLE) -> None:
    with bench() as run:
        hired = seconds(lambda: hire(run.api, people))
        organization_id = UUID(run.api.sent("GET", "/v1/me")["organization"]["id"])
        planned = asyncio.run(plan(run.database_url, organization_id))
        run.api.timeout = LONGEST_CALL
        read = reads(run.api)
    title = f"The calendar of {people:,} people (put in {hired:.0f} s)"
    show(title, ("what", "seconds", "ratio to the raw limit"), *planned)
    show("Reading it over HTTP", ("what", "seconds", "ratio to /health/live"), *read)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
