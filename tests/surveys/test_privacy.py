"""What is stored of a response in each mode, read from the tables themselves (the table of privacy.md)."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from app.surveys.responses import queries
from app.tables.base import METADATA
from tests.conftest import Tenant, stranger
from tests.contract import ContractClient
from tests.surveys.test_surveys import hire, opened, respond

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
NAMES = [f"E-{number}" for number in range(6)]
MODES = {
    "attributed": {"mode": "attributed"},
    "confidential": {"mode": "confidential"},
    "anonymous": {"mode": "anonymous", "access": "open"},
}
STORED = {
    "attributed": {
        "respondent_key": "person",
        "submitted_at": True,
        "locale": True,
        "cell_ordinal": True,
        "included_in": False,
    },
    "confidential": {
        "respondent_key": "pseudonym",
        "submitted_at": True,
        "locale": True,
        "cell_ordinal": True,
        "included_in": False,
    },
    "anonymous": {
        "respondent_key": "random",
        "submitted_at": False,
        "locale": False,
        "cell_ordinal": True,
        "included_in": False,
    },
}
TENANT_TABLES = sorted(
    table.name for table in METADATA.sorted_tables if "organization_id" in table.primary_key.columns
)
QUEUE_TABLES = ["pgqueuer", "pgqueuer_log"]


async def people_ids(owner: asyncpg.Connection, tenant: Tenant) -> dict[str, UUID]:
    rows = await owner.fetch("SELECT external_id, id FROM people WHERE organization_id = $1", tenant.id)
    return {row["external_id"]: row["id"] for row in rows}


async def responses(owner: asyncpg.Connection, survey_id: str) -> list[asyncpg.Record]:
    """In the order they lie in on disk."""
    query = "SELECT *, xmin::text FROM responses WHERE survey_id = $1 ORDER BY ctid"
    found: list[asyncpg.Record] = await owner.fetch(query, UUID(survey_id))
    return found


async def answered(api: ContractClient, mode: str, **members: Any) -> str:
    survey_id = await opened(api, **MODES[mode], **members)
    for name in NAMES:
        who = {"team": "sales"} if mode == "anonymous" else {"respondent": name, "locale": "nl"}
        assert (await respond(api, survey_id, **who)).status_code == 201
    return survey_id


def pseudonym(tenant: Tenant, person: UUID) -> UUID:
    return UUID(bytes=tenant.database.keyring.mac(tenant.id, "pseudonym", person.bytes)[:16])


@pytest.mark.parametrize("mode", MODES)
async def test_each_mode_stores_what_the_table_says(
    mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hire(acme.client, *NAMES, team="sales")
    rows = await responses(owner, await answered(acme.client, mode))
    persons = (await people_ids(owner, acme)).values()
    keys = {row["respondent_key"] for row in rows}
    own: dict[str, Callable[[UUID], UUID]] = {
        "person": lambda person: person,
        "pseudonym": lambda person: pseudonym(acme, person),
    }
    kind = STORED[mode]["respondent_key"]
    assert len(keys) == len(NAMES)
    for other, key_of in own.items():
        assert (keys == set(map(key_of, persons))) == (kind == other)
    if kind == "random":
        assert keys.isdisjoint(key_of(person) for key_of in own.values() for person in persons)
        assert {key.version for key in keys} == {4}
    for column in ("submitted_at", "locale", "cell_ordinal", "included_in"):
        assert {row[column] is not None for row in rows} == {STORED[mode][column]}, column


async def test_a_response_has_no_other_column(owner: asyncpg.Connection) -> None:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'responses'"
    columns = {row["column_name"] for row in await owner.fetch(query)}
    assert columns == {"organization_id", "survey_id", "answers", *STORED["anonymous"]}


@pytest.mark.parametrize("mode", ["confidential", "anonymous"])
async def test_no_value_of_a_response_names_a_person(
    mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hire(acme.client, *NAMES, team="sales")
    rows = await responses(owner, await answered(acme.client, mode))
    told = json.dumps([dict(row) for row in rows], default=str)
    for name, person in (await people_ids(owner, acme)).items():
        assert name not in told
        assert str(person) not in told


async def test_a_pseudonym_is_one_persons_in_all_surveys_of_one_organisation(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hire(acme.client, *NAMES, team="sales")
    waves = [await responses(owner, await answered(acme.client, "confidential")) for _ in range(2)]
    first, second = ({row["respondent_key"] for row in rows} for rows in waves)
    assert first == second


async def test_pseudonyms_differ_by_organisation_and_secret(acme: Tenant, other: Tenant) -> None:
    person = UUID(int=1)
    own, secret = pseudonym(acme, person), "another secret of forty characters......"
    assert own != pseudonym(other, person)
    assert own.bytes != stranger(secret).mac(acme.id, "pseudonym", person.bytes)[:16]


async def linked(owner: asyncpg.Connection, rows: list[asyncpg.Record], mark: str) -> set[str]:
    """The tables with a row, other than of `responses`, whose system column `mark` is a response's xmin."""
    transactions = [row["xmin"] for row in rows]
    found = set()
    for table in [*TENANT_TABLES, "credentials", "organizations", *QUEUE_TABLES]:
        query = f"SELECT count(*) FROM {table} WHERE {mark}::text = ANY($1)"
        if table != "responses" and await owner.fetchval(query, transactions):
            found.add(table)
    return found


async def submit_in_every_way(api: ContractClient, survey_id: str, *respondents: Json) -> None:
    url = f"/v1/surveys/{survey_id}/responses"
    one, keyed, *many = [{"answers": {"S01": 3}, **who} for who in respondents]
    assert (await api.post(url, json=one)).status_code == 201
    assert (await api.post(url, json=keyed, headers={"Idempotency-Key": "one"})).status_code == 201
    for number, part in enumerate((many[::2], many[1::2])):
        headers = {"Idempotency-Key": "many"} if number else {}
        answer = await api.post(f"{url}/batch", json={"items": part}, headers=headers)
        assert answer.json()["summary"]["created"] == len(part)


async def test_no_row_shares_an_anonymous_responses_transaction(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hire(acme.client, *NAMES, team="sales")
    survey_id = await opened(acme.client, **MODES["anonymous"])
    await submit_in_every_way(acme.client, survey_id, *[{"team": "sales"}] * 8)
    rows = await responses(owner, survey_id)
    assert len(rows) == 8
    assert await linked(owner, rows, "xmin") == set()
    assert await linked(owner, rows, "xmax") <= {"surveys"}


async def test_no_row_naming_a_person_shares_a_confidential_responses_transaction(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    names = [f"E-{number}" for number in range(8)]
    await hire(acme.client, *names, team="sales")
    survey_id = await opened(acme.client)
    await submit_in_every_way(acme.client, survey_id, *[{"respondent": name} for name in names])
    rows = await responses(owner, survey_id)
    assert await linked(owner, rows, "xmin") <= {"idempotency_records"}
    assert await linked(owner, rows, "xmax") <= {"surveys", "organizations"}


async def test_the_record_of_a_retry_holds_neither_the_person_nor_the_pseudonym(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hire(acme.client, "E-1")
    survey_id = await opened(acme.client)
    body = {"respondent": "E-1", "answers": {"S01": 3}}
    url = f"/v1/surveys/{survey_id}/responses"
    await acme.client.post(url, json=body, headers={"Idempotency-Key": "retry"})
    records = await owner.fetch("SELECT * FROM idempotency_records WHERE organization_id = $1", acme.id)
    (kept,) = (" ".join(map(str, record)) for record in records)
    person = (await people_ids(owner, acme))["E-1"]
    for secret in ("E-1", "retry", str(person), str(pseudonym(acme, person))):
        assert secret not in kept


async def without_gaps(owner: asyncpg.Connection) -> None:
    """Leaves no free place inside the table: what is stored next stands in the order it came."""
    await owner.execute("VACUUM FULL responses")


async def test_a_batch_is_stored_in_the_order_of_its_keys(acme: Tenant, owner: asyncpg.Connection) -> None:
    await without_gaps(owner)
    names = [f"E-{number}" for number in range(50)]
    await hire(acme.client, *names)
    for mode, members in MODES.items():
        survey_id = await opened(acme.client, **members)
        who = [{} if mode == "anonymous" else {"respondent": name} for name in names]
        items = [{"answers": {"S01": 3}, **one} for one in who]
        await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
        keys = [row["respondent_key"] for row in await responses(owner, survey_id)]
        assert keys == sorted(keys), mode


async def test_closing_forgets_the_order_and_the_keys_of_anonymous_responses(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await opened(acme.client, **MODES["anonymous"])
    order = Random(1).sample(range(200), 200)
    for number in order:
        await respond(acme.client, survey_id, answers=digits(number))
    before = await responses(owner, survey_id)
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    after = await responses(owner, survey_id)
    assert sorted(map(number_of, after)) == sorted(map(number_of, before)) == sorted(order)
    assert abs(agreement(order, [number_of(row) for row in after])) < 0.35
    assert {row["respondent_key"] for row in before}.isdisjoint(row["respondent_key"] for row in after)
    assert len({row["xmin"] for row in after}) == 1
    by_key = [number_of(row) for row in sorted(after, key=lambda row: row["respondent_key"])]
    assert abs(agreement(order, by_key)) < 0.35


@pytest.mark.nightly
async def test_the_shuffle_itself_forgets_the_order_whatever_the_plan(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    """Read by the index of random keys, an order that was kept would not show: read it as it lies."""
    survey_id = await opened(acme.client, **MODES["anonymous"])
    for number in range(120):
        await respond(acme.client, survey_id, answers=digits(number))
    before = [number_of(row) for row in await responses(owner, survey_id)]
    async with acme.database.tenant_session(acme.id) as session:
        for method in ("indexscan", "bitmapscan", "indexonlyscan"):
            await session.execute(text(f"SET LOCAL enable_{method} = off"))
        await queries.shuffle_responses(session, UUID(survey_id))
    after = [number_of(row) for row in await responses(owner, survey_id)]
    assert sorted(before) == sorted(after)
    assert abs(agreement(before, after)) < 0.45  # by chance once in a million, with 120


QUINARY = [f"S{number:02}" for number in range(1, 5)]


def digits(number: int) -> dict[str, int]:
    """Answers 1-5 that make each response one of its kind."""
    return {key: number // 5**place % 5 + 1 for place, key in enumerate(QUINARY)}


def number_of(row: asyncpg.Record) -> int:
    return sum((value - 1) * 5**place for place, value in enumerate(row["answers"][: len(QUINARY)]))


def agreement(first: list[int], second: list[int]) -> float:
    """Spearman's rank correlation of two orders; beyond .35 with 200 things by chance once in a million."""
    place = {number: index for index, number in enumerate(second)}
    squares = sum((index - place[number]) ** 2 for index, number in enumerate(first))
    return 1 - 6 * squares / (len(first) * (len(first) ** 2 - 1))


async def test_the_agreement_of_orders_finds_an_order_that_was_kept() -> None:
    assert agreement(list(range(200)), list(range(200))) == 1
    assert agreement(list(range(200)), list(range(200))[::-1]) == -1


ANSWER_VALUES = text("SELECT question, value, is_dont_know FROM answer_values WHERE survey_id = :survey_id")


async def test_the_view_gives_sql_users_the_same_answers(acme: Tenant, other: Tenant) -> None:
    await hire(acme.client, "E-1")
    survey_id = await opened(acme.client, mode="attributed")
    await respond(acme.client, survey_id, respondent="E-1", answers={"S01": 4, "S02": None, "O1": 0})
    async with acme.database.tenant_session(acme.id) as session:
        rows = (await session.execute(ANSWER_VALUES, {"survey_id": survey_id})).all()
    said = {row.question: (row.value, row.is_dont_know) for row in rows}
    assert len(said) == len(rows) == 33
    given = {question: value for question, value in said.items() if value != (None, False)}
    assert given == {"S01": (4, False), "S02": (None, True), "O1": (0, False)}
    async with other.database.tenant_session(other.id) as session:
        assert (await session.execute(ANSWER_VALUES, {"survey_id": survey_id})).all() == []


# ------------------------------------------------------------------ what is left in files


async def bytes_of(owner: asyncpg.Connection, table: str) -> bytes:
    """The file of a table, as somebody with rights on the server would copy it."""
    await owner.execute("CHECKPOINT")
    found: bytes = await owner.fetchval("SELECT pg_read_binary_file(pg_relation_filepath($1))", table)
    return found


def cleaning() -> str:
    """What the guide says to do after closing."""
    guide = (ROOT / "openapi/guides/privacy.md").read_text("utf-8")
    return re.findall(r"`(VACUUM FULL [^`]+)`", guide)[0]


async def test_old_rows_leave_the_files_by_what_the_guide_says(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    """An attack by the keys of before. VACUUM alone marks their room as free and writes over none of it."""
    survey_id = await opened(acme.client, **MODES["anonymous"])
    items = [{"answers": digits(number)} for number in range(400)]
    await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    keys = [row["respondent_key"].bytes for row in await responses(owner, survey_id)]
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    left = []
    for statement in ("VACUUM responses", cleaning()):
        await owner.execute(statement)
        kept = await bytes_of(owner, "responses")
        left.append(sum(key in kept for key in keys))
    assert left[0] > 100, "a control: the attacker finds what is left"
    assert left[1] == 0
