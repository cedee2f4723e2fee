"""Surveys that open and close by themselves: all of them, none before its time, by the database's clock."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.core.jobs import enqueue
from app.surveys import jobs, service
from tests.conftest import Tenant
from tests.surveys.test_surveys import BYSTANDERS, draft, hire, respond

HOUR = timedelta(hours=1)
JOBS_OF = "pgqueuer WHERE convert_from(payload, 'UTF8')::jsonb ->> 'id' = $1"


@pytest.fixture(autouse=True)
async def staff(acme: Tenant) -> None:
    await hire(acme.client, *BYSTANDERS)


async def now_of(owner: asyncpg.Connection) -> datetime:
    now: datetime = await owner.fetchval("SELECT clock_timestamp()")
    return now


async def read(acme: Tenant, survey_id: str) -> Any:
    return (await acme.client.get(f"/v1/surveys/{survey_id}")).json()


async def statuses(acme: Tenant, survey_ids: list[str]) -> list[str]:
    return [(await read(acme, survey_id))["status"] for survey_id in survey_ids]


async def wait_until(acme: Tenant, survey_ids: list[str], status: str) -> None:
    """Does the jobs of the queue alone, as their times come."""
    async with asyncio.timeout(120):
        while set(await statuses(acme, survey_ids)) != {status}:
            await acme.work()
            await asyncio.sleep(0.1)


async def come_soon(owner: asyncpg.Connection, survey_ids: list[str], name: str) -> datetime:
    """The surveys and their jobs have the same time, near enough to be waited for."""
    moment: datetime = await owner.fetchval("SELECT now() + interval '1 second'")
    for survey_id in survey_ids:
        await owner.execute(f"UPDATE surveys SET {name} = $2 WHERE id = $1", UUID(survey_id), moment)
        await owner.execute(
            f"UPDATE pgqueuer SET execute_after = $2 WHERE id IN (SELECT id FROM {JOBS_OF})",
            survey_id,
            moment,
        )
    return moment


@pytest.mark.nightly
async def test_all_open_and_close_and_none_before_its_time(acme: Tenant, owner: asyncpg.Connection) -> None:
    moment = await now_of(owner) + HOUR
    survey_ids = [await draft(acme.client, opens_at=moment.isoformat()) for _ in range(12)]
    opens_at = await come_soon(owner, survey_ids, "opens_at")
    await wait_until(acme, survey_ids, "open")
    for survey_id in survey_ids:
        await acme.client.patch(f"/v1/surveys/{survey_id}", json={"closes_at": moment.isoformat()})
    closes_at = await come_soon(owner, survey_ids, "closes_at")
    await wait_until(acme, survey_ids, "released")
    for survey_id in survey_ids:
        survey = await read(acme, survey_id)
        assert datetime.fromisoformat(survey["opened_at"]) >= opens_at
        assert datetime.fromisoformat(survey["closed_at"]) >= closes_at
        assert datetime.fromisoformat(survey["released_at"]) >= datetime.fromisoformat(survey["closed_at"])


@pytest.mark.parametrize("job", [service.OPEN_JOB, service.CLOSE_JOB])
async def test_a_job_that_comes_too_early_puts_itself_back(
    acme: Tenant, owner: asyncpg.Connection, job: str
) -> None:
    moment = await now_of(owner) + HOUR
    opens = job == service.OPEN_JOB
    survey_id = await draft(acme.client, **{"opens_at" if opens else "closes_at": moment.isoformat()})
    if not opens:
        await acme.client.post(f"/v1/surveys/{survey_id}/open")
    before = (await read(acme, survey_id))["status"]
    await owner.execute(f"DELETE FROM {JOBS_OF}", survey_id)
    async with acme.database.tenant_session(acme.id) as session:
        await enqueue(session, job, acme.id, UUID(survey_id))
    await acme.work()
    assert (await read(acme, survey_id))["status"] == before
    waiting = await owner.fetch(f"SELECT status, execute_after FROM {JOBS_OF}", survey_id)
    assert [row["status"] for row in waiting] == ["queued"]
    assert waiting[0]["execute_after"] >= moment
    await its_time_comes(owner, survey_id)
    await owner.execute(
        "UPDATE pgqueuer SET execute_after = now() WHERE id = (SELECT id FROM " + JOBS_OF + ")", survey_id
    )
    await acme.work()
    assert (await read(acme, survey_id))["status"] in ({"open"} if opens else {"closed", "released"})


async def its_time_comes(owner: asyncpg.Connection, survey_id: str) -> None:
    for name in ("opens_at", "closes_at"):
        await owner.execute(
            f"UPDATE surveys SET {name} = now() WHERE id = $1 AND {name} IS NOT NULL", UUID(survey_id)
        )


async def test_a_job_waits_for_the_time_that_was_set(acme: Tenant, owner: asyncpg.Connection) -> None:
    """To the microsecond: no clock but the database's has a part in it."""
    moment = (await now_of(owner) + HOUR).replace(microsecond=123456)
    survey_id = await draft(acme.client, opens_at=moment.isoformat(), closes_at=(moment + HOUR).isoformat())
    assert await owner.fetchval(f"SELECT execute_after FROM {JOBS_OF}", survey_id) == moment
    await acme.client.post(f"/v1/surveys/{survey_id}/open")
    waiting = await owner.fetch(f"SELECT execute_after FROM {JOBS_OF} ORDER BY 1", survey_id)
    assert [row["execute_after"] for row in waiting] == [moment, moment + HOUR]


async def test_what_was_missed_is_made_good_by_the_periodic_job_alone(
    acme: Tenant, other: Tenant, owner: asyncpg.Connection
) -> None:
    moment = await now_of(owner) + HOUR
    times = {"opens_at": moment.isoformat(), "closes_at": (moment + HOUR).isoformat()}
    missed, waiting = [await draft(acme.client, **times) for _ in range(2)]
    for survey_id in (missed, waiting):
        await owner.execute(f"DELETE FROM {JOBS_OF}", survey_id)
    await owner.execute("UPDATE surveys SET opens_at = now() WHERE id = $1", UUID(missed))
    await jobs.tend(acme.database, acme.id)
    assert await statuses(acme, [missed, waiting]) == ["open", "draft"]
    await owner.execute(f"DELETE FROM {JOBS_OF}", missed)
    await owner.execute("UPDATE surveys SET closes_at = now() WHERE id = $1", UUID(missed))
    await jobs.tend(acme.database, acme.id)
    assert await statuses(acme, [missed, waiting]) == ["closed", "draft"]
    told = (await acme.client.get("/v1/audit", params={"target": missed})).json()["items"]
    assert [(one["actor"], one["action"]) for one in told[:2]] == [
        ("system", "close_survey"),
        ("system", "open_survey"),
    ]


async def test_a_survey_that_cannot_open_holds_up_no_other(acme: Tenant, owner: asyncpg.Connection) -> None:
    await acme.client.put("/v1/teams/sales", json={"name": "Sales"})
    moment = (await now_of(owner) + HOUR).isoformat()
    broken = await draft(acme.client, opens_at=moment, audience={"teams": ["sales"]})
    await acme.client.delete("/v1/teams/sales")
    sound = await draft(acme.client, opens_at=moment)
    for survey_id in (broken, sound):
        await its_time_comes(owner, survey_id)
    await jobs.tend(acme.database, acme.id)
    assert await statuses(acme, [broken, sound]) == ["draft", "open"]
    assert (await read(acme, broken))["opening_refused"] == "unknown_team"


@pytest.mark.nightly
async def test_a_survey_that_became_too_small_stays_closed_and_says_why(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    """Neither its job nor the periodic one opens it later: it waits for another time, or to be opened."""
    moment = await now_of(owner) + HOUR
    survey_id = await draft(acme.client, opens_at=moment.isoformat())
    url = f"/v1/surveys/{survey_id}"
    await acme.client.patch(f"/v1/people/{BYSTANDERS[0]}", json={"active": False})
    await come_soon(owner, [survey_id], "opens_at")
    async with asyncio.timeout(120):
        while (survey := await read(acme, survey_id))["opening_refused"] is None:
            await acme.work()
            await asyncio.sleep(0.1)
    assert (survey["status"], survey["opening_refused"]) == ("draft", "audience_too_small")
    [told] = (await acme.client.get("/v1/audit", params={"action": "open_survey"})).json()["items"]
    assert (told["actor"], told["target"], told["details"]) == (
        "system",
        survey_id,
        {"refused": "audience_too_small"},
    )
    await acme.client.patch(f"/v1/people/{BYSTANDERS[0]}", json={"active": True})
    await jobs.tend(acme.database, acme.id)
    assert await statuses(acme, [survey_id]) == ["draft"]
    again = (await acme.client.patch(url, json={"opens_at": (moment + HOUR).isoformat()})).json()
    assert again["opening_refused"] is None
    await its_time_comes(owner, survey_id)
    await jobs.tend(acme.database, acme.id)
    assert await statuses(acme, [survey_id]) == ["open"]


async def test_a_time_that_has_passed_is_refused_and_stops_no_later_change(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    moment = await now_of(owner)
    survey_id = await draft(acme.client, opens_at=(moment + HOUR).isoformat())
    url = f"/v1/surveys/{survey_id}"
    for name in ("opens_at", "closes_at"):
        refused = await acme.client.patch(url, json={name: (moment - HOUR).isoformat()})
        assert (refused.status_code, refused.json()["code"]) == (422, "in_the_past")
        assert refused.json()["errors"][0]["pointer"] == f"#/{name}"
    await owner.execute(f"DELETE FROM {JOBS_OF}", survey_id)
    await its_time_comes(owner, survey_id)
    assert (await acme.client.patch(url, json={"name": "Late"})).status_code == 200


async def test_nothing_is_taken_from_the_moment_it_closes(acme: Tenant, owner: asyncpg.Connection) -> None:
    """Whether or not the job has come."""
    survey_id = await draft(acme.client, closes_at=(await now_of(owner) + HOUR).isoformat())
    await acme.client.post(f"/v1/surveys/{survey_id}/open")
    await its_time_comes(owner, survey_id)
    refused = await respond(acme.client, survey_id, respondent="E-1")
    assert refused.json()["code"] == "survey_not_open"
