"""Responses that come at the same time are stored together; each is answered as if it had come alone."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.inviting import MODES, at_the_door, employ, tokens
from tests.surveys.test_surveys import ANSWERS, opened

PEOPLE = [f"E-{number}" for number in range(12)]


async def sent(
    api: ContractClient, survey_id: str, *bodies: dict[str, Any], key: str = ""
) -> list[httpx.Response]:
    headers = {"Idempotency-Key": key} if key else {}
    path = f"/v1/surveys/{survey_id}/responses"
    return [*await asyncio.gather(*(api.post(path, json=body, headers=headers) for body in bodies))]


def codes(answers: list[httpx.Response]) -> list[Any]:
    return [one.json().get("code", one.status_code) for one in answers]


async def test_each_is_answered_as_if_it_had_come_alone(acme: Tenant) -> None:
    await employ(acme.client, *PEOPLE)
    survey_id = await opened(acme.client, mode="confidential")
    good = [{"respondent": name, "answers": ANSWERS} for name in PEOPLE[:6]]
    bad = [
        {"respondent": PEOPLE[0], "answers": ANSWERS},
        {"respondent": "nobody", "answers": ANSWERS},
        {"respondent": PEOPLE[7], "answers": {"no_such_question": 1}},
        {"respondent": PEOPLE[8], "answers": {}},
        {"answers": ANSWERS},
    ]
    answers = codes(await sent(acme.client, survey_id, *good, *bad))
    assert answers[:6] == [201] * 6
    assert answers[6:] == [
        "already_responded",
        "not_invited",
        "unknown_question",
        "no_answers",
        "respondent_required",
    ]


async def test_many_cost_few_statements(acme: Tenant, queries: list[str]) -> None:
    await employ(acme.client, *PEOPLE)
    survey_id = await opened(acme.client, mode="confidential")
    await sent(acme.client, survey_id, {"respondent": PEOPLE[0], "answers": ANSWERS})
    queries.clear()
    await sent(acme.client, survey_id, *({"respondent": name, "answers": ANSWERS} for name in PEOPLE[1:]))
    assert sum("INSERT INTO responses" in one for one in queries) < len(PEOPLE[1:]) / 2


@pytest.mark.parametrize("mode", ["confidential", "anonymous"])
async def test_a_key_that_is_sent_twice_at_once_stores_once(acme: Tenant, mode: str) -> None:
    await employ(acme.client, *PEOPLE)
    access = {"access": "open"} if mode == "anonymous" else {}
    survey_id = await opened(acme.client, mode=mode, **access)
    body = {"answers": ANSWERS} | ({} if access else {"respondent": PEOPLE[0]})
    first, second = await sent(acme.client, survey_id, body, body, key="once")
    assert first.status_code == 201
    replayed = second.headers.get("Idempotent-Replayed")
    assert (second.status_code, replayed) == (201, "true") or codes([second]) == ["idempotency_in_progress"]
    (third,) = await sent(acme.client, survey_id, body, key="once")
    assert (third.status_code, third.headers["Idempotent-Replayed"]) == (201, "true")
    assert third.json() == first.json()


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["confidential", "anonymous"])
async def test_a_key_that_was_used_says_so_to_ten_at_once(acme: Tenant, mode: str) -> None:
    await employ(acme.client, *PEOPLE)
    access = {"access": "open"} if mode == "anonymous" else {}
    survey_id = await opened(acme.client, mode=mode, **access)
    body = {"answers": ANSWERS} | ({} if access else {"respondent": PEOPLE[0]})
    await sent(acme.client, survey_id, body, key="once")
    again = await sent(acme.client, survey_id, *[body] * 10, key="once")
    assert {one.headers.get("Idempotent-Replayed") for one in again} == {"true"}
    others = await sent(acme.client, survey_id, *[body | {"answers": ANSWERS | {"S01": 3}}] * 10, key="once")
    assert codes(others) == ["idempotency_key_reused"] * 10


@pytest.mark.parametrize("mode", MODES)
async def test_an_invitation_that_is_used_twice_at_once_counts_once(acme: Tenant, mode: str) -> None:
    await employ(acme.client, *PEOPLE)
    survey_id = await opened(acme.client, **MODES[mode])
    links = await tokens(acme.client, survey_id, *PEOPLE)
    doors = [at_the_door(acme, link) for link in [*links, *links]]
    answers = await asyncio.gather(*(door.post("/v1/respond", json={"answers": ANSWERS}) for door in doors))
    assert sorted(map(str, codes([*answers]))) == ["201"] * 12 + ["already_responded"] * 12


async def test_an_invitation_that_led_to_nothing_is_not_used_up(acme: Tenant) -> None:
    """Whose answers came another way is told the same as often as they ask, and the others are stored."""
    await employ(acme.client, *PEOPLE)
    survey_id = await opened(acme.client, mode="confidential")
    links = await tokens(acme.client, survey_id, *PEOPLE)
    await sent(acme.client, survey_id, {"respondent": PEOPLE[3], "answers": ANSWERS})
    doors = [at_the_door(acme, link) for link in links]
    answers = await asyncio.gather(*(door.post("/v1/respond", json={"answers": ANSWERS}) for door in doors))
    assert codes([*answers]) == [201] * 3 + ["already_responded"] + [201] * 8
    again = await doors[3].post("/v1/respond", json={"answers": ANSWERS})
    assert again.json()["detail"] == answers[3].json()["detail"]
