"""What is measured as Prometheus asks, and that what is counted has been committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from sqlalchemy import text

from app.core import telemetry, watching
from app.core.database import TenantSession, once_committed
from app.core.idempotency import Once, begin_all
from app.core.jobs import enqueue
from app.core.secrets import Keyring
from app.surveys.service import RELEASE_JOB
from tests.conftest import Tenant, new_tenant
from tests.contract import ContractClient, operations
from tests.surveys.inviting import answer
from tests.surveys.test_surveys import opened
from tests.test_telemetry import change, samples
from tests.waiting import PATIENCE, until
from tests.world import open_survey


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no database that is away."""
    monkeypatch.setattr(watching, "LONGEST_SECONDS", PATIENCE)


async def numbers(client: ContractClient) -> dict[str, float]:
    return {
        name + "".join(sorted(f",{value}" for _, value in labels)): value
        for (name, labels), value in (await samples(client)).items()
    }


@pytest.mark.nightly
async def test_the_queue_is_measured_when_prometheus_asks(lone: Tenant) -> None:
    calm = await numbers(lone.client)
    assert calm["betrokken_jobs_queued,due,release_survey"] == calm["betrokken_releases_pending"] == 0
    async with lone.database.tenant_session(lone.id) as session:
        await enqueue(session, RELEASE_JOB, lone.id, lone.id)
        await enqueue(session, RELEASE_JOB, lone.id, lone.id)
    async with lone.database.system_session(reason="test") as session:
        await session.execute(text("UPDATE pgqueuer SET execute_after = now() - interval '90 seconds'"))
    busy = await numbers(lone.client)
    assert busy["betrokken_jobs_queued,due,release_survey"] == busy["betrokken_releases_pending"] == 2
    assert 90 <= busy["betrokken_jobs_oldest_age_seconds,release_survey"] < 1000
    assert busy["betrokken_jobs_oldest_age_seconds,run_import"] == 0
    async with lone.database.system_session(reason="test") as session:
        await session.execute(text("DELETE FROM pgqueuer"))
    assert (await numbers(lone.client))["betrokken_jobs_oldest_age_seconds,release_survey"] == 0


async def test_without_a_database_there_are_numbers_and_one_says_so(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await numbers(acme.client))["betrokken_database_answers"] == 1
    monkeypatch.setattr(watching, "QUEUE", text("SELECT pg_sleep(60)"))
    monkeypatch.setattr(watching, "LONGEST_SECONDS", 0.1)
    assert (await numbers(acme.client))["betrokken_database_answers"] == 0


async def test_the_process_tells_what_it_is_and_how_late_it_comes_back(acme: Tenant) -> None:
    seen = await numbers(acme.client)
    [info] = [name for name in seen if name.startswith("betrokken_build_info,")]
    assert watching.own_version() in info
    limit = seen["betrokken_database_pool_connections_limit"]
    assert limit == 2 * acme.database.settings.database_pool_size
    before = lag_count()
    beating = asyncio.create_task(watching.beat())
    await until(lambda: lag_count() > before)
    beating.cancel()


def lag_count() -> float:
    return telemetry.LOOP_LAG._sum.get() + sum(bucket.get() for bucket in telemetry.LOOP_LAG._buckets)


async def test_who_waits_for_a_connection_is_counted(lone: Tenant) -> None:
    limit = 2 * lone.database.settings.database_pool_size
    held = [await lone.database.engine.connect() for _ in range(limit)]
    waiting = asyncio.create_task(lone.database.engine.connect().start())
    await until(lambda: telemetry.POOL_WAITING._value.get() == 1)
    await held.pop().close()
    held.append(await waiting)
    assert telemetry.POOL_WAITING._value.get() == 0
    for connection in held:
        await connection.close()


async def test_what_was_rolled_back_is_not_counted(acme: Tenant) -> None:
    counted: list[int] = []
    with suppress(ZeroDivisionError):
        async with acme.database.tenant_session(acme.id) as session:
            once_committed(session, counted.append, 1)
            raise ZeroDivisionError
    async with acme.database.tenant_session(acme.id) as session:
        once_committed(session, counted.append, 2)
        assert counted == []
    async with acme.database.system_session(reason="test") as session:
        async with acme.database.tenant_within(session, acme.id) as tenant:
            once_committed(tenant, counted.append, 3)
        assert counted == [2]
    assert counted == [2, 3]


@asynccontextmanager
async def failing_commits(owner: asyncpg.Connection) -> AsyncIterator[None]:
    for statement in FAILING:
        await owner.execute(statement)
    yield
    await owner.execute("DROP TRIGGER fails ON responses")
    await owner.execute("DROP FUNCTION fail")


FAILING = (
    "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE 'no' USING ERRCODE = '53000'; END $$",
    "CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON responses DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION fail()",
)


async def test_a_response_counts_once_it_is_stored_and_its_repeat_as_one(acme: Tenant) -> None:
    url, body, recognition = await one_to_come(acme)
    before = await samples(acme.client)
    for _ in range(2):
        await acme.client.post(url, json=body, headers={"Idempotency-Key": "a"})
        await acme.client.post("/v1/recognitions", json=recognition)
    after = await samples(acme.client)
    assert change(before, after, "betrokken_survey_responses_accepted_total") == 1
    for kind in ("request", "recognition"):
        assert change(before, after, "betrokken_replayed_duplicates_total", kind=kind) == 1


async def test_what_is_sent_again_to_a_public_address_counts_as_one(acme: Tenant) -> None:
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    token = (await acme.client.post(f"/v1/surveys/{survey_id}/address")).json()["token"]
    before = await samples(acme.client)
    for _ in range(3):
        assert (await answer(acme, token, attempt="sixteen letters or more")).status_code == 201
    after = await samples(acme.client)
    assert change(before, after, "betrokken_survey_responses_accepted_total") == 1
    assert change(before, after, "betrokken_replayed_duplicates_total", kind="response") == 2


class Made(BaseModel):
    name: str = "Sales"


def once(session: TenantSession, keyring: Keyring, key: str) -> Once:
    return Once(session, session.organization_id, "create_team", keyring, key, "/v1/teams", b"{}")


@pytest.mark.nightly
async def test_a_repeat_counts_once_it_is_answered_however_often_it_was_looked_up(acme: Tenant) -> None:
    """Together with others that broke, and then again by itself."""
    keyring = acme.database.keyring
    async with acme.database.tenant_session(acme.id) as session:
        await once(session, keyring, "a").answer(201, Made())
    before = await samples(acme.client)
    for _ in range(3):
        async with acme.database.tenant_session(acme.id) as session:
            [replay] = await begin_all(session, [once(session, keyring, "a")])
    looked_up = await samples(acme.client)
    assert change(before, looked_up, "betrokken_replayed_duplicates_total", kind="request") == 0
    assert replay is not None
    assert replay.response(None).headers["Idempotent-Replayed"] == "true"
    after = await samples(acme.client)
    assert change(before, after, "betrokken_replayed_duplicates_total", kind="request") == 1


async def test_a_sealed_answer_that_is_given_again_counts_as_one(acme: Tenant) -> None:
    before = await samples(acme.client)
    for _ in range(2):
        async with acme.database.tenant_session(acme.id) as session:
            asked = once(session, acme.database.keyring, "sealed")
            await asked.begin()
            await asked.answer(201, Made(), is_sealed=True)
    after = await samples(acme.client)
    assert change(before, after, "betrokken_replayed_duplicates_total", kind="request") == 1


async def test_a_response_whose_commit_fails_is_not_counted(acme: Tenant, owner: asyncpg.Connection) -> None:
    url, body, _ = await one_to_come(acme)
    before = await samples(acme.client)
    async with failing_commits(owner):
        assert (await acme.client.post(url, json=body)).status_code == 503
    after = await samples(acme.client)
    assert change(before, after, "betrokken_survey_responses_accepted_total") == 0


async def one_to_come(acme: Tenant) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A survey whose second person has not answered, that answer, and a recognition between two people."""
    examples = {operation.id: operation.body for operation in operations()}
    for person in ("E-1042", "E-0007", "E-1050"):
        await acme.client.put(f"/v1/people/{person}", json={"name": "Somebody"})
    await acme.client.patch("/v1/organization", json={"minimum_group_size": 3})
    await acme.client.put("/v1/questionnaires/acme-2026", json=examples["put_questionnaire"])
    survey = await open_survey(acme, "E-1042")
    answers = {"respondent": "E-0007", "answers": {"pay_fair": 4}}
    return f"/v1/surveys/{survey}/responses", answers, examples["create_recognition"]


COLLECTORS = [one for one in vars(telemetry).values() if isinstance(one, MetricWrapperBase)]


def test_labels_are_few_whoever_is_served() -> None:
    """None could tell organisations apart, so a thousand of them make no more series than one does."""
    assert len(COLLECTORS) > 20
    assert {label for one in COLLECTORS for label in one._labelnames} == LABELS


def test_no_label_is_one_that_prometheus_gives_itself() -> None:
    """It would come as `exported_job`, and an alert by it would mean what is asked for its numbers."""
    taken = {"job", "instance", "le", "quantile"}
    names = {label for one in COLLECTORS for label in one._labelnames}
    assert names
    assert [name for name in names if name in taken or name.startswith(("__", "exported_"))] == []


LABELS = {"operation", "status_class", "reason", "task", "kind", "outcome", "state", "version", "python"}


@pytest.mark.nightly
async def test_a_thousand_organizations_make_no_more_series_than_one(app: FastAPI, acme: Tenant) -> None:
    await acme.client.get("/v1/me")
    await samples(acme.client)  # which is counted too, from its second time on
    before = len(await samples(acme.client))
    for number in range(1000):
        tenant = await new_tenant(app, f"Organisation {number}")
        assert (await tenant.client.get("/v1/me")).status_code == 200
    assert len(await samples(acme.client)) == before
