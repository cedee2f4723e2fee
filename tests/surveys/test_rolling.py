"""Rolling releases: who may have them, and when they are asked for."""

from datetime import UTC, datetime

import asyncpg
import pytest

from app.surveys import service
from tests.clock import A_NEW_DAY
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.test_surveys import draft, hire, open_to_enough, opened

QUEUED = (
    "SELECT count(*) FROM pgqueuer"
    " WHERE entrypoint = 'release_survey' AND convert_from(payload, 'UTF8') LIKE $1"
)


async def asked_for(owner: asyncpg.Connection, survey_id: str) -> int:
    return int(await owner.fetchval(QUEUED, f"%{survey_id}%"))


async def days_pass(acme: Tenant, *days: int) -> None:
    for day in days:
        async with acme.database.tenant_session(acme.id) as session:
            await service.count_participation(session, datetime.now(UTC) + day * A_NEW_DAY)


async def test_an_anonymous_survey_does_not_roll(api: ContractClient) -> None:
    body = {"name": "x", "questionnaire": "betrokken-33", "mode": "anonymous", "access": "open"}
    created = await api.post("/v1/surveys", json=body | {"release_policy": "rolling"})
    rolling = await draft(api, release_policy="rolling")
    patched = await api.patch(f"/v1/surveys/{rolling}", json={"mode": "anonymous"})
    for answer in (created, patched):
        assert (answer.status_code, answer.json()["code"]) == (422, "rolling_needs_identity")
        assert answer.json()["errors"][0]["pointer"] == "#/release_policy"


async def test_the_policy_is_returned_changed_and_locked_by_opening(api: ContractClient) -> None:
    survey_id = await draft(api)
    url = f"/v1/surveys/{survey_id}"
    assert (await api.get(url)).json()["release_policy"] == "on_close"
    assert (await api.patch(url, json={"release_policy": "rolling"})).json()["release_policy"] == "rolling"
    await open_to_enough(api, survey_id)
    assert (await api.get(url)).json()["release_policy"] == "rolling"
    refused = await api.patch(url, json={"release_policy": "on_close"})
    assert (refused.status_code, refused.json()["code"]) == (409, "survey_locked")


@pytest.mark.nightly
async def test_an_open_rolling_survey_asks_for_a_release_once_a_day(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hire(acme.client, "E-1")
    rolling = await opened(acme.client, release_policy="rolling")
    waiting = await opened(acme.client)
    unopened = await draft(acme.client, release_policy="rolling")
    await days_pass(acme, 0)
    assert await asked_for(owner, rolling) == 0
    await days_pass(acme, 1, 1)
    assert await asked_for(owner, rolling) == 1
    await days_pass(acme, 2)
    assert await asked_for(owner, rolling) == 2
    await acme.client.post(f"/v1/surveys/{rolling}/close")
    assert await asked_for(owner, rolling) == 3
    await days_pass(acme, 4)
    assert [await asked_for(owner, survey_id) for survey_id in (rolling, waiting, unopened)] == [3, 0, 0]
    await acme.work()
    assert (await acme.client.get(f"/v1/surveys/{rolling}")).json()["status"] == "released"
