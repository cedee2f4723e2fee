"""After an erasure nobody can be put back unasked, and no number tells who it was."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from app.core.jobs import TooEarly
from app.metrics.releases import builder as releasing
from app.metrics.releases import jobs as metrics_jobs
from app.people.history.queries import pasts, replace_pasts
from app.people.persons.queries import hold_people, people_by_external_ids
from app.privacy.erasure.jobs import forget_statistics
from app.privacy.retention.jobs import retain, retain_in
from app.surveys.service import STATISTICS_JOB
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.test_release import METRICS, answer, finish, names_of, read, released, staff, start
from tests.metrics.test_series import change_of, group_of
from tests.waiting import until, until_blocked

PERSON = "/v1/people/sales-0"


async def erase(api: ContractClient, external_id: str = "sales-0", **headers: str) -> httpx.Response:
    return await api.post(f"/v1/people/{external_id}/erasure", headers=headers)


async def code(found: Any) -> tuple[int, str]:
    answer = await found
    return answer.status_code, answer.json()["code"]


async def erased_by_cell(owner: asyncpg.Connection, survey_id: str) -> int:
    return int(await owner.fetchval("SELECT sum(erased) FROM survey_cells WHERE survey_id = $1", survey_id))


# ------------------------------------------------------------------------------------------ the person


async def test_somebody_erased_is_gone_and_stays_away_until_let_in_again(api: ContractClient) -> None:
    await staff(api, {"sales": 2})
    assert await code(erase(api, "nobody")) == (404, "not_found")
    first, again = (await erase(api)).json(), (await erase(api)).json()
    assert first == again
    assert [one["what"] for one in first["not_erased"]] == [
        "anonymous_answers",
        "comments",
        "texts",
        "released_numbers",
        "former_names",
        "names_of_things",
        "audit_log",
        "undelivered_events",
        "database_files",
    ]
    assert await code(api.get(PERSON)) == (404, "not_found")
    assert await code(api.get(f"{PERSON}/export")) == (404, "not_found")
    assert await code(api.put(PERSON, json={"name": "Noor"})) == (409, "person_erased")
    assert await code(api.get(PERSON)) == (404, "not_found")
    assert (await api.delete(f"{PERSON}/erasure")).status_code == 204
    assert await code(api.delete(f"{PERSON}/erasure")) == (404, "not_found")
    assert (await api.put(PERSON, json={"name": "Noor"})).status_code == 201


async def test_nobody_gets_the_number_of_somebody_erased(api: ContractClient) -> None:
    await staff(api, {"sales": 2})
    await erase(api)
    other, renumbered = "/v1/people/sales-1", {"external_id": "sales-0"}
    assert await code(api.patch(other, json=renumbered)) == (409, "person_erased")
    assert (await api.get(other)).status_code == 200
    await api.delete(f"{PERSON}/erasure")
    assert (await api.patch(other, json=renumbered)).status_code == 200


async def test_in_a_batch_the_others_are_put(api: ContractClient) -> None:
    await staff(api, {"sales": 2})
    await erase(api)
    items = [{"external_id": name, "name": "New"} for name in ("sales-0", "sales-1", "sales-2")]
    done = (await api.post("/v1/people/batch", json={"items": items})).json()
    assert [result["status"] for result in done["results"]] == [409, 200, 201]
    assert done["results"][0]["problem"]["code"] == "person_erased"
    assert await code(api.get(PERSON)) == (404, "not_found")


async def test_a_sender_who_is_just_putting_somebody_waits(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    await staff(api, {"sales": 1})
    hold = text("SELECT 1 FROM people WHERE organization_id = :id FOR UPDATE")
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(hold, {"id": acme.id})
        erasing = asyncio.create_task(erase(api))
        await until_blocked(owner)
        putting = asyncio.create_task(api.put(PERSON, json={"name": "Again"}))
        await until_blocked(owner, 2)
    assert (await erasing).status_code == 200
    assert (await putting).status_code in (200, 409)
    assert await code(api.get(PERSON)) == (404, "not_found")


async def test_a_past_that_is_just_being_written_names_nobody_erased(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    await staff(api, {"sales": 2})
    for manager, since in (("sales-0", "2023-01-01"), (None, "2024-01-01")):
        past = {"manager": manager, "effective_on": since}
        assert (await api.patch("/v1/people/sales-1", json=past)).status_code == 200
    named = "SELECT count(*) FROM person_history WHERE organization_id = $1 AND manager = 'sales-0'"
    async with acme.database.tenant_session(acme.id) as session:
        ids = await people_by_external_ids(session, ["sales-1"])
        await hold_people(session, ids)
        past = await pasts(session, list(ids.values()))
        erasing = asyncio.create_task(erase(api))
        await until_blocked(owner)
        await replace_pasts(session, past)
        assert await owner.fetchval(named, acme.id) == 1
    assert (await erasing).status_code == 200
    assert await owner.fetchval(named, acme.id) == 0


@pytest.mark.nightly
async def test_many_are_erased_at_once(acme: Tenant, api: ContractClient) -> None:
    """Each is somebody's manager, and all were asked in one survey."""
    await staff(api, {"sales": 8})
    names = names_of("sales", 8)
    for name, manager in zip(names, [*names[1:], names[0]], strict=True):
        await api.patch(f"/v1/people/{name}", json={"manager": manager})
    await answer(api, await start(api), names)
    done = await asyncio.gather(*(erase(api, name) for name in names))
    assert [one.status_code for one in done] == [200] * 8
    assert (await api.get("/v1/people")).json()["items"] == []


async def test_delta_readers_are_told_nothing_of_it(api: ContractClient) -> None:
    await staff(api, {"sales": 2})
    as_of = (await api.get("/v1/people")).json()["as_of"]
    await erase(api)
    read = await api.get("/v1/people", params={"updated_after": as_of})
    assert "sales-0" not in read.text


async def test_the_key_of_a_retry_keeps_nothing_of_the_person(api: ContractClient) -> None:
    await staff(api, {"sales": 1})
    key = {"Idempotency-Key": "k"}
    first, again = await erase(api, **key), await erase(api, **key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert "sales-0" not in first.text


# ------------------------------------------------------------------------------------------ the numbers


@pytest.mark.parametrize("mode", ["confidential", "attributed"])
async def test_released_numbers_do_not_move(mode: str, acme: Tenant, owner: asyncpg.Connection) -> None:
    await staff(acme.client, {"sales": 12})
    survey_id = await released(acme, names_of("sales", 11), mode=mode)
    before = [await read(acme.client, metric, survey_id=survey_id) for metric in METRICS]
    await erase(acme.client)
    await erase(acme.client, "sales-11")
    assert await owner.fetchval("SELECT count(*) FROM responses WHERE survey_id = $1", survey_id) == 10
    assert await erased_by_cell(owner, survey_id) == 2, "who did not answer counts as who did"
    await metrics_jobs.release_survey(acme.database, acme.id, UUID(survey_id))
    assert [await read(acme.client, metric, survey_id=survey_id) for metric in METRICS] == before


async def test_an_answer_without_both_scores_counts_as_one_with_them(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"sales": 8})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 8)[1:])
    half = {"respondent": "sales-0", "answers": {"pay": 4}}
    await acme.client.post(f"/v1/surveys/{survey_id}/responses", json=half)
    await finish(acme, survey_id)
    await erase(acme.client)
    assert await erased_by_cell(owner, survey_id) == 1


async def test_before_the_release_an_answer_is_simply_gone(acme: Tenant, owner: asyncpg.Connection) -> None:
    await staff(acme.client, {"sales": 8})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 8))
    await erase(acme.client)
    await finish(acme, survey_id)
    found = (await read(acme.client, survey_id=survey_id))["groups"][0]
    assert (found["n"], found["status"]) == (7, "ok")
    assert await erased_by_cell(owner, survey_id) == 0


@pytest.mark.nightly
async def test_a_release_that_is_being_computed_is_computed_again(acme: Tenant, monkeypatch: Any) -> None:
    """Else it would stand on an answer that nobody counts as erased."""
    await staff(acme.client, {"sales": 8})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 8))
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    store = releasing.store

    async def erase_first(*arguments: Any) -> None:
        monkeypatch.undo()
        await erase(acme.client)
        await store(*arguments)

    monkeypatch.setattr(releasing, "store", erase_first)
    await acme.work()
    await acme.work_later()
    assert (await read(acme.client, survey_id=survey_id))["groups"][0]["n"] == 7


async def wave(tenant: Tenant, pay: int, gone: set[str]) -> None:
    """Sales answered so, and care half so and half one less."""
    survey_id = await start(tenant.client, series="quarterly")
    await answer(tenant.client, survey_id, [one for one in names_of("sales", 20) if one not in gone], pay)
    await answer(tenant.client, survey_id, names_of("care", 20)[:10], pay)
    await answer(tenant.client, survey_id, names_of("care", 20)[10:], pay - 1 + (pay - 3) * 2)
    await finish(tenant, survey_id)


@pytest.mark.nightly
async def test_a_later_change_is_withheld_where_few_were_erased(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 20, "care": 20})
    await wave(acme, 3, set())
    await erase(acme.client)
    await wave(acme, 4, {"sales-0"})
    found = await read(acme.client, "trends", series="quarterly", by=["organization", "team"])
    changes = {team: change_of(group_of(found, team), "satisfaction") for team in (None, "sales", "care")}
    assert [changes[team].get("reason") for team in (None, "sales", "care")] == ["erased", "erased", None]
    assert [changes[team]["status"] for team in (None, "sales", "care")] == ["suppressed", "suppressed", "ok"]
    assert group_of(found, None)["repeaters"][0]["status"] != "ok"


@pytest.mark.nightly
async def test_what_was_hidden_then_is_not_told_by_a_trend_now(acme: Tenant) -> None:
    """Care was hidden for the three beside it. They are erased: told now, it would tell of them."""
    await staff(acme.client, {"sales": 20, "care": 20, "board": 3})
    for name in names_of("board", 3):
        await acme.client.patch(f"/v1/people/{name}", json={"team": None})
    first = await start(acme.client, series="quarterly")
    await answer(acme.client, first, names_of("board", 3), 5)
    for team in ("sales", "care"):
        await answer(acme.client, first, names_of(team, 20)[:10], 3)
        await answer(acme.client, first, names_of(team, 20)[10:], 2)
    await finish(acme, first)
    shown = await read(acme.client, survey_id=first, by=["team"])
    hidden = next(group["group"]["id"] for group in shown["groups"] if group.get("reason") == "complementary")
    for name in names_of("board", 3):
        await erase(acme.client, name)
    await wave(acme, 4, set())
    found = await read(acme.client, "trends", series="quarterly", by=["organization", "team"])
    told = {group["group"]["id"]: change_of(group, "satisfaction") for group in found["groups"][:3]}
    assert told[None]["reason"] == "erased"
    assert (told[hidden]["status"], told[hidden]["reason"]) == ("suppressed", "complementary")


@pytest.mark.nightly
async def test_where_as_many_as_the_minimum_were_erased_it_is_told(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 20})
    await released(acme, names_of("sales", 20), pay=3, series="quarterly")
    for number in range(5):
        await erase(acme.client, f"sales-{number}")
    await released(acme, names_of("sales", 20)[5:], pay=4, series="quarterly")
    found = await read(acme.client, "trends", series="quarterly")
    assert change_of(group_of(found, None), "satisfaction")["verdict"] == "increased"


@pytest.mark.parametrize("mode", ["attributed", "confidential"])
async def test_what_a_rolling_release_showed_is_only_unlinked_and_nothing_marks_it(
    mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    """Gone, the next release minus this one would be the person's answer."""
    await staff(acme.client, {"sales": 20})
    survey_id = await start(acme.client, release_policy="rolling", mode=mode)
    names = names_of("sales", 20)
    for name in names[:8]:
        await answer(acme.client, survey_id, [name])
    await metrics_jobs.release_survey(acme.database, acme.id, UUID(survey_id))
    await answer(acme.client, survey_id, names[8:])
    rows = "SELECT *, xmin::text AS written FROM responses WHERE survey_id = $1"
    before = await owner.fetch(rows, survey_id)
    await erase(acme.client, "sales-0")
    await erase(acme.client, "sales-19")
    after = await owner.fetch(rows, survey_id)
    assert len(after) == len(before) - 1
    keys = {row["respondent_key"] for row in before}
    [loose] = [row for row in after if row["respondent_key"] not in keys]
    beside = [row for row in after if row["included_in"] == 1]
    assert {row["written"] for row in beside} == {loose["written"]}, "no transaction tells"
    times = [row["submitted_at"] for row in before if row["included_in"] == 1]
    assert min(times) <= loose["submitted_at"] <= max(times)
    assert loose["submitted_at"] not in times
    is_versioned = loose["respondent_key"].version == 4
    assert is_versioned or mode == "confidential", "as the ids of the people beside it"
    await finish(acme, survey_id)
    assert (await read(acme.client, survey_id=survey_id))["groups"][0]["n"] == 19
    erased = "SELECT sum(erased) FROM survey_cells WHERE survey_id = $1"
    counted = await owner.fetchval(erased, survey_id)
    await retain_in(acme.database, acme.id)
    left = await owner.fetch(rows, survey_id)
    assert len(left) == len(after) - (mode == "attributed"), "of nobody is of somebody erased"
    assert await owner.fetchval(erased, survey_id) == counted + (mode == "attributed")
    assert (await read(acme.client, survey_id=survey_id))["groups"][0]["n"] == 19


# ------------------------------------------------------------------------------------------ samples


async def sampled_at(owner: asyncpg.Connection, table: str) -> datetime | None:
    found: datetime | None = await owner.fetchval(
        "SELECT last_analyze FROM pg_stat_user_tables WHERE relname = $1", table
    )
    return found


async def is_counted(owner: asyncpg.Connection, tenant: Tenant, table: str) -> bool:
    """Whether the database has counted what was changed since the last sample.

    A connection tells at the end of a transaction what it changed a second or longer ago.
    """
    await tenant.client.get("/v1/organization")
    return bool(
        await owner.fetchval(
            "SELECT n_mod_since_analyze > 0 FROM pg_stat_user_tables WHERE relname = $1", table
        )
    )


async def jobs_for_samples(owner: asyncpg.Connection, tenant: Tenant) -> int:
    return int(
        await owner.fetchval(
            "SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND convert_from(payload, 'UTF8') LIKE $2",
            STATISTICS_JOB,
            f"%{tenant.id}%",
        )
    )


async def set_back(owner: asyncpg.Connection, tenant: Tenant) -> None:
    """As if it had been a while ago that somebody was erased."""
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(tenant.id))
    await owner.execute(
        "UPDATE erased_people SET erased_at = erased_at - interval '1 hour' WHERE organization_id = $1",
        tenant.id,
    )


@pytest.mark.nightly
async def test_tables_that_tell_of_who_was_erased_are_sampled_anew_and_no_others(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"sales": 3})
    await forget_statistics(acme.database, acme.id, acme.id)
    before = {table: await sampled_at(owner, table) for table in ("people", "kpi_values", "pgqueuer")}
    assert before["pgqueuer"] is None, "nothing of anybody is in it"
    await erase(acme.client)
    await until(lambda: is_counted(owner, acme, "people"))
    with pytest.raises(TooEarly):
        await forget_statistics(acme.database, acme.id, acme.id)
    after = {table: await sampled_at(owner, table) for table in before}
    assert after["people"] != before["people"]
    assert after["kpi_values"] == before["kpi_values"]
    await set_back(owner, acme)
    await forget_statistics(acme.database, acme.id, acme.id)


async def test_samples_whose_job_was_lost_are_asked_for_again(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"sales": 3})
    await forget_statistics(acme.database, acme.id, acme.id)
    await erase(acme.client)
    await until(lambda: is_counted(owner, acme, "people"))
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = $1", STATISTICS_JOB)
    await retain_in(acme.database, acme.id)
    assert await jobs_for_samples(owner, acme) == 1
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = $1", STATISTICS_JOB)
    await set_back(owner, acme)
    await forget_statistics(acme.database, acme.id, acme.id)
    await retain_in(acme.database, acme.id)
    assert await jobs_for_samples(owner, acme) == 0


# ------------------------------------------------------------------------------------------ retention


async def left(api: ContractClient, external_id: str, ends_on: date) -> None:
    sent = await api.patch(f"/v1/people/{external_id}", json={"ends_on": ends_on.isoformat()})
    assert sent.status_code == 200


@pytest.mark.nightly
async def test_leavers_are_erased_after_the_time_that_was_set(lone: Tenant) -> None:
    api = lone.client
    await staff(api, {"sales": 3})
    today = datetime.now(UTC).date()
    await left(api, "sales-0", today - timedelta(days=400))
    await left(api, "sales-1", today - timedelta(days=300))
    await retain_in(lone.database, lone.id)
    assert (await api.get(PERSON)).status_code == 200, "nothing was set"
    await api.patch("/v1/organization", json={"retention": {"leavers_months": 12}})
    for _ in range(2):
        await retain(lone.database)
    found = [(await api.get(f"/v1/people/sales-{number}")).status_code for number in range(3)]
    assert found == [404, 200, 200]
    told = (await api.get("/v1/audit", params={"action": "erase_person", "person": "sales-0"})).json()[
        "items"
    ]
    assert [one["actor"] for one in told] == ["system"]


async def test_answers_go_after_the_time_that_was_set_and_numbers_stay(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    await staff(api, {"sales": 8})
    survey_id = await released(acme, names_of("sales", 8), pay=3, series="quarterly")
    before = [await read(api, metric, survey_id=survey_id) for metric in METRICS]
    await owner.execute(
        "UPDATE surveys SET closed_at = now() - interval '13 months' WHERE id = $1", survey_id
    )
    await retain_in(acme.database, acme.id)
    count = "SELECT count(*) FROM responses WHERE survey_id = $1"
    assert await owner.fetchval(count, survey_id) == 8, "nothing was set"
    await api.patch("/v1/organization", json={"retention": {"answers_months": 12}})
    await retain_in(acme.database, acme.id)
    assert await owner.fetchval(count, survey_id) == 0
    assert await jobs_for_samples(owner, acme) == 1
    moved = {"survey", "waves", "release"}
    after = [await read(api, metric, survey_id=survey_id) for metric in METRICS]
    for one, other in zip(before, after, strict=True):
        assert {k: v for k, v in one.items() if k not in moved} == {
            k: v for k, v in other.items() if k not in moved
        }
    later = await released(acme, names_of("sales", 8), pay=4, series="quarterly")
    found = await read(api, "trends", survey_id=later)
    assert found["groups"][0]["changes"] == []
    await metrics_jobs.freeze_turnover(acme.database, acme.id, UUID(later))
    assert (await read(api, "outcomes", survey_id=survey_id))["turnover"]["association"]["status"] != "ok"
    (entry,) = (await api.get("/v1/audit", params={"action": "delete_answers"})).json()["items"]
    assert (entry["actor"], entry["target"]) == ("system", survey_id)


@pytest.mark.parametrize(
    ("name", "message", "left"),
    [
        ("Noor  de Wit", "Thanks NOOR DE\u00a0WIT!", "Thanks [...]!"),
        ("O'Neill (Jr.)", "For O'Neill (Jr.) and o'neill (jr.)s desk", "For [...] and [...] desk"),
        ("Noémie Öz", "Dank je NOÉMIE ÖZ", "Dank je [...]"),
        ("J", "J gave A plus", "J gave A plus"),
        ("a.c", "abc and a.c", "abc and [...]"),
        ("Jan", "Jan, Jans, Jan's and January", "[...], [...], [...] and January"),
    ],
)
async def test_a_name_is_replaced_as_it_stands(
    name: str, message: str, left: str, api: ContractClient
) -> None:
    await staff(api, {"sales": 3})
    assert (await api.patch(PERSON, json={"name": name})).status_code == 200
    body = {"giver": "sales-1", "receivers": ["sales-2"], "message": message}
    event = (await api.post("/v1/recognitions", json=body)).json()["id"]
    assert (await erase(api)).status_code == 200
    assert (await api.get(f"/v1/recognitions/{event}")).json()["message"] == left


async def test_a_name_of_blanks_stored_before_they_were_refused_replaces_nothing(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    api = acme.client
    await staff(api, {"sales": 3})
    await owner.execute(
        "UPDATE people SET name = '  ' WHERE organization_id = $1 AND external_id = 'sales-0'", acme.id
    )
    body = {"giver": "sales-1", "receivers": ["sales-2"], "message": "Nobody at all"}
    event = (await api.post("/v1/recognitions", json=body)).json()["id"]
    assert (await erase(api)).status_code == 200
    assert (await api.get(f"/v1/recognitions/{event}")).json()["message"] == "Nobody at all"
