"""A survey that is withdrawn leaves nothing of what was answered; one that is archived is out of the way."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from app.surveys import jobs, service
from tests.clock import A_NEW_DAY
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.imports.files import lines
from tests.metrics.test_release import names_of, read, released, staff
from tests.surveys.inviting import MODES, answer, ask, at_the_door, tokens
from tests.surveys.test_surveys import BYSTANDERS, draft, hire, open_to_enough, opened, respond
from tests.surveys.test_times import now_of
from tests.webhooks.hooks import subscribed

EVENTS = text("SELECT event FROM webhook_deliveries WHERE event LIKE 'survey.%' ORDER BY created_at")


async def cancel(api: ContractClient, survey_id: str, **headers: str) -> Any:
    return await api.post(f"/v1/surveys/{survey_id}/cancel", headers=headers)


async def left_of(owner: asyncpg.Connection, survey_id: str) -> dict[str, int]:
    tables = await owner.fetch(
        "SELECT DISTINCT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'survey_id' AND table_name <> 'imports'"
    )
    counts = {
        table: await owner.fetchval(f"SELECT count(*) FROM {table} WHERE survey_id = $1", UUID(survey_id))
        for (table,) in tables
    }
    return {table: count for table, count in counts.items() if count}


async def what_happened(acme: Tenant) -> list[str]:
    async with acme.database.tenant_session(acme.id) as session:
        return list((await session.scalars(EVENTS)).all())


@pytest.fixture(autouse=True)
async def people(acme: Tenant) -> None:
    await hire(acme.client, *BYSTANDERS)


@pytest.mark.parametrize("mode", MODES)
async def test_a_withdrawn_survey_keeps_no_answer_comment_token_or_number(
    acme: Tenant, owner: asyncpg.Connection, mode: str
) -> None:
    api = acme.client
    await subscribed(acme, "https://hooks.example.com/", "survey.opened", "survey.closed", "survey.cancelled")
    survey_id = await opened(api, **MODES[mode])
    used, unused, *_ = await tokens(api, survey_id)
    assert (await answer(acme, used, comment="Too loud")).status_code == 201
    assert {"responses", "comments", "invitations", "survey_members"} <= set(await left_of(owner, survey_id))
    cancelled = await cancel(api, survey_id)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["cancelled_at"] == cancelled.json()["updated_at"]
    assert await left_of(owner, survey_id) == {}
    again = await cancel(api, survey_id)
    assert (again.status_code, again.json()) == (200, cancelled.json())
    assert again.headers["etag"] == cancelled.headers["etag"]
    for token in (used, unused):
        for said in (await at_the_door(acme, token).get("/v1/respond"), await answer(acme, token)):
            assert (said.status_code, said.json()["code"]) == (409, "survey_cancelled")
            assert "withdrawn" in said.json()["detail"]
    assert await what_happened(acme) == ["survey.opened", "survey.cancelled"]


async def test_a_draft_and_a_scheduled_one_are_withdrawn_and_never_open(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    api = acme.client
    soon = (await now_of(owner) + timedelta(hours=1)).isoformat()
    for survey_id in (await draft(api), await draft(api, opens_at=soon)):
        assert (await cancel(api, survey_id)).json()["status"] == "cancelled"
        await owner.execute("UPDATE surveys SET opens_at = now() WHERE id = $1", UUID(survey_id))
        for job in (jobs.open_on_time, jobs.close_on_time):
            await job(acme.database, acme.id, UUID(survey_id))
        await jobs.tend(acme.database, acme.id)
        assert (await api.get(f"/v1/surveys/{survey_id}")).json()["status"] == "cancelled"
    listed = (await api.get("/v1/surveys", params={"status": "cancelled"})).json()["items"]
    assert len(listed) == 2


@pytest.mark.nightly
async def test_what_has_closed_cannot_be_withdrawn(acme: Tenant) -> None:
    survey_id = await opened(acme.client)
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    for _ in ("closed", "released"):
        refused = await cancel(acme.client, survey_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
        await acme.work()


async def test_nothing_can_be_done_with_a_withdrawn_one(acme: Tenant) -> None:
    api = acme.client
    survey_id = await opened(api)
    await cancel(api, survey_id)
    url = f"/v1/surveys/{survey_id}"
    file = {"Content-Type": "application/x-ndjson"}
    refused = {
        "survey_cancelled": [
            await respond(api, survey_id, respondent=BYSTANDERS[0]),
            await api.post(f"{url}/responses/batch", json={"items": []}),
            await ask(api, survey_id),
            await api.get(f"{url}/participation"),
            await api.post(
                f"/v1/imports?kind=responses&survey_id={survey_id}", content=lines({}), headers=file
            ),
        ],
        "survey_locked": [
            await api.patch(url, json={"name": "Another"}),
            await api.patch(url, json={"archived": True}),
            await api.delete(url),
        ],
        "invalid_transition": [await api.post(f"{url}/open"), await api.post(f"{url}/close")],
        "survey_not_released": [
            await api.get("/v1/metrics/overview", params={"survey_id": survey_id}),
            await api.get(f"{url}/disclosure"),
        ],
    }
    for code, answers in refused.items():
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, code)] * len(answers)


async def test_cancelling_waits_for_who_is_answering_and_takes_that_answer_too(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    api = acme.client
    survey_id = await opened(api)
    given = [await tokens(api, survey_id, one) for one in BYSTANDERS]
    said = await asyncio.gather(
        *(answer(acme, token) for [token] in given[:3]),
        cancel(api, survey_id),
        *(answer(acme, token) for [token] in given[3:]),
    )
    assert {one.status_code for one in said} <= {200, 201, 409}
    assert await left_of(owner, survey_id) == {}


async def test_the_same_key_withdraws_once_and_the_log_has_a_row(acme: Tenant) -> None:
    survey_id = await opened(acme.client)
    first = await cancel(acme.client, survey_id, **{"Idempotency-Key": "once"})
    second = await cancel(acme.client, survey_id, **{"Idempotency-Key": "once"})
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")
    reused = await cancel(acme.client, await draft(acme.client), **{"Idempotency-Key": "once"})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    logged = (await acme.client.get("/v1/audit", params={"action": "cancel_survey"})).json()["items"]
    assert [(one["target"], one["details"]) for one in logged] == [(survey_id, {"was": "open"})]


async def test_samples_of_what_was_written_are_taken_anew(acme: Tenant, owner: asyncpg.Connection) -> None:
    await cancel(acme.client, await opened(acme.client))
    queued = await owner.fetchval(
        "SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND convert_from(payload, 'UTF8') LIKE $2",
        service.STATISTICS_JOB,
        f"%{acme.id}%",
    )
    assert queued == 1


async def test_who_was_asked_in_vain_can_be_deleted_and_is_no_difference(acme: Tenant) -> None:
    api = acme.client
    first = await opened(api)
    assert (await api.delete(f"/v1/people/{BYSTANDERS[0]}")).json()["code"] == "person_in_use"
    await cancel(api, first)
    await hire(api, "newcomer")
    assert (await api.delete(f"/v1/people/{BYSTANDERS[0]}")).status_code == 204
    await opened(api)
    logged = (await api.get("/v1/audit", params={"action": "open_survey"})).json()["items"]
    assert logged[0]["details"]["differs_by"] is None


async def test_one_that_has_rolled_leaves_no_release(acme: Tenant, owner: asyncpg.Connection) -> None:
    await staff(acme.client, {"sales": 30})
    survey_id = await draft(acme.client, release_policy="rolling", series="q")
    await open_to_enough(acme.client, survey_id)
    for name in names_of("sales", 30):
        await respond(acme.client, survey_id, respondent=name)
    async with acme.database.tenant_session(acme.id) as session:
        now = await service.transaction_time(session)
        await service.count_participation(session, now + A_NEW_DAY)
    await acme.work()
    assert "releases" in await left_of(owner, survey_id)
    await cancel(acme.client, survey_id)
    assert await left_of(owner, survey_id) == {}
    gone = await acme.client.get("/v1/metrics/trends", params={"series": "q"})
    assert (gone.status_code, gone.json()["code"]) == (404, "no_released_survey")
    assert "There is no series q" in gone.text
    await acme.work_later()


async def test_a_survey_does_not_open_after_it_was_to_close(acme: Tenant, owner: asyncpg.Connection) -> None:
    later = (await now_of(owner) + timedelta(hours=1)).isoformat()
    by_hand, by_itself = [await draft(acme.client, closes_at=later) for _ in range(2)]
    await owner.execute("UPDATE surveys SET closes_at = now() - interval '1 second'")
    refused = await acme.client.post(f"/v1/surveys/{by_hand}/open")
    assert (refused.status_code, refused.json()["code"]) == (422, "in_the_past")
    await owner.execute("UPDATE surveys SET opens_at = now() WHERE id = $1", UUID(by_itself))
    await jobs.open_on_time(acme.database, acme.id, UUID(by_itself))
    survey = (await acme.client.get(f"/v1/surveys/{by_itself}")).json()
    assert (survey["status"], survey["opening_refused"]) == ("draft", "in_the_past")


async def test_a_released_survey_takes_a_name_and_is_archived_and_the_log_says_so(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    survey_id = await released(acme, names_of("sales", 6))
    url = f"/v1/surveys/{survey_id}"
    before = await read(acme.client, survey_id=survey_id)
    named = await acme.client.patch(url, json={"name": "Pilot"})
    assert (named.status_code, named.json()["name"], named.json()["archived"]) == (200, "Pilot", False)
    after = await read(acme.client, survey_id=survey_id)
    assert after == before | {"survey": before["survey"] | {"name": "Pilot"}}
    archived = await acme.client.patch(url, json={"archived": True})
    assert archived.json()["archived"]
    same = await acme.client.patch(url, json=archived.json())
    assert (same.json(), same.headers["etag"]) == (archived.json(), archived.headers["etag"])
    for member in (
        {"series": "q"},
        {"closes_at": None, "mode": "attributed"},
        {"archived": False, "series": "q"},
    ):
        refused = await acme.client.patch(url, json=member)
        assert (refused.status_code, refused.json()["code"]) == (409, "survey_locked")
    stale = await acme.client.patch(
        url, json={"archived": False}, headers={"If-Match": named.headers["etag"]}
    )
    assert stale.status_code == 412
    logged = (await acme.client.get("/v1/audit", params={"action": "update_survey"})).json()["items"]
    assert {"members": ["archived"], "changed": {"archived": [False, True]}} in [
        one["details"] for one in logged
    ]


async def test_only_a_released_survey_is_archived(api: ContractClient) -> None:
    for survey_id in (await draft(api), await opened(api)):
        url = f"/v1/surveys/{survey_id}"
        refused = await api.patch(url, json={"archived": True})
        assert (refused.status_code, refused.json()["code"]) == (409, "survey_locked")
        assert (await api.patch(url, json={"archived": False})).status_code == 200
    made = await api.post("/v1/surveys", json=(await api.get(url)).json() | {"archived": True})
    assert (made.status_code, made.json()["archived"]) == (201, False)


async def test_a_list_is_of_those_archived_or_of_the_others_or_of_both(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    first, second = [await released(acme, names_of("sales", 6)) for _ in range(2)]
    await acme.client.patch(f"/v1/surveys/{first}", json={"archived": True})

    async def listed(**filters: Any) -> list[str]:
        page = await acme.client.get("/v1/surveys", params=filters)
        return [one["id"] for one in page.json()["items"]]

    assert await listed() == [second, first]
    assert await listed(archived=True) == [first]
    assert await listed(archived=False) == [second]
    assert await listed(archived=False, limit=1) == [second]


@pytest.mark.nightly
async def test_an_archived_wave_is_in_no_default_series_or_overview(acme: Tenant) -> None:
    api = acme.client
    await staff(api, {"sales": 30})
    everybody = names_of("sales", 30)
    first = await released(acme, everybody, series="q")
    pilot = await released(acme, everybody, series="q")
    third = await released(acme, everybody, series="q")

    async def trends(**members: Any) -> tuple[list[str], set[str]]:
        found = await read(api, "trends", **members)
        changes = {one["from_survey"] for one in found["groups"][0]["changes"]}
        return [one["survey"]["id"] for one in found["waves"]], changes

    async def before_it() -> set[str]:
        return {one["from_survey"] for one in (await read(api, "overview"))["groups"][0]["changes"]}

    assert (await trends(), await before_it()) == (([first, pilot, third], {first, pilot}), {pilot})
    await api.patch(f"/v1/surveys/{pilot}", json={"archived": True})
    assert (await trends(), await before_it()) == (([first, third], set()), set())
    assert await trends(survey_id=pilot) == ([first, pilot], {first})
    await api.patch(f"/v1/surveys/{third}", json={"archived": True})
    assert (await read(api, "overview"))["survey"]["id"] == first
    assert (await read(api, series="q"))["survey"]["id"] == first
    fourth = await released(acme, everybody, series="q")
    assert await trends() == ([first, fourth], set()), (
        "the first was compared with the pilot: there is one chain"
    )
    await api.patch(f"/v1/surveys/{first}", json={"archived": True})
    fifth = await released(acme, everybody, series="q")
    assert await trends() == ([fourth, fifth], {fourth})
    for survey_id in (pilot, third):
        await api.patch(f"/v1/surveys/{survey_id}", json={"archived": False})
    assert (await trends())[0] == [pilot, third, fourth, fifth]


async def test_a_series_of_which_all_is_archived_is_not_there(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    survey_id = await released(acme, names_of("sales", 6), series="pilots")
    await acme.client.patch(f"/v1/surveys/{survey_id}", json={"archived": True})
    for parameters in ({"series": "pilots"}, {}):
        refused = await acme.client.get("/v1/metrics/overview", params=parameters)
        assert (refused.status_code, refused.json()["code"]) == (404, "no_released_survey")
    assert (await read(acme.client, survey_id=survey_id))["survey"]["id"] == survey_id
