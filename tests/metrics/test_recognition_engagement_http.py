"""Over HTTP: recognition between two waves, beside engagement, frozen with the later wave's release."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pytest

from app.core.contract import contract
from app.metrics.formulas import lagged, within_persons
from app.metrics.releases import jobs
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.test_outcomes_http import closed
from tests.metrics.test_release import (
    CONTENT,
    answer,
    definitions,
    finish,
    names_of,
    numbers,
    read,
    staff,
    start,
)
from tests.surveys.test_surveys import opened

Json = dict[str, Any]
URL = "/v1/metrics/recognition-engagement"
TEAMS = [f"t{number:02}" for number in range(22)]
PEOPLE = [name for team in TEAMS for name in names_of(team, 6)]
GIVER = {"name": "Giver", "ends_on": "2020-12-31"}
"""Invited to nothing."""
TEAM = np.arange(len(PEOPLE)) // 6
CLOSED = [datetime(2025, 9, 1, 12, tzinfo=UTC) + timedelta(days=120 * wave) for wave in range(4)]
BETWEEN = [at + timedelta(days=30) for at in CLOSED]
"""An instant after each wave closed and before the next opened."""
RANDOM = np.random.default_rng(17)
EVENTS = [RANDOM.choice([0, 0, 1, 1, 2, 3, 4, 5], len(PEOPLE)) for _ in CLOSED]
STEADY = 60 + RANDOM.normal(0, 8, len(PEOPLE))
SCORES = [
    np.clip(np.rint(STEADY + 4 * np.log1p(events) + RANDOM.normal(0, 3, len(PEOPLE))), 0, 100).astype(int)
    for events in [0 * EVENTS[0], *EVENTS]
]
"""Engagement by wave, what was received before it counting."""
FINE = CONTENT | {
    "questions": [one | {"scale": {"low": 0, "high": 100}} for one in CONTENT["questions"]],
}


async def hold(
    tenant: Tenant, owner: asyncpg.Connection, wave: int, who: list[str] | None = None, **members: Any
) -> str:
    """The wave of that number, answered by all or some of them."""
    await tenant.client.put("/v1/questionnaires/fine", json=FINE)
    survey_id = await opened(tenant.client, questionnaire="fine", **{"series": "quarterly", **members})
    bonds = dict(zip(PEOPLE, SCORES[wave].tolist(), strict=True))
    await respond(tenant, survey_id, {name: bonds[name] for name in (PEOPLE if who is None else who)})
    await closed(tenant, owner, survey_id, CLOSED[wave])
    await tenant.work()
    return survey_id


async def respond(tenant: Tenant, survey_id: str, bonds: dict[str, int]) -> None:
    items = [{"respondent": name, "answers": {"pay": 50, "bond": bond}} for name, bond in bonds.items()]
    sent = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert sent.json()["summary"]["failed"] == 0


async def recognise(tenant: Tenant, received: dict[str, int], at: datetime, **members: Any) -> None:
    """By a colleague who never receives, several at a time where it is the same to them."""
    event = {"giver": "giver", "message": "Thank you.", "occurred_at": at.isoformat(), **members}
    items = [
        event | {"receivers": some}
        for turn in range(max(received.values()))
        for some in batched([name for name, events in received.items() if events > turn], 50)
    ]
    sent = await tenant.client.post("/v1/recognitions/batch", json={"items": items})
    assert sent.json()["summary"]["failed"] == 0, sent.text


def batched(names: list[str], size: int) -> Iterator[list[str]]:
    for first in range(0, len(names), size):
        yield names[first : first + size]


def counts(wave: int) -> dict[str, int]:
    return dict(zip(PEOPLE, EVENTS[wave].tolist(), strict=True))


async def told(api: ContractClient, **params: Any) -> Json:
    [group] = (await read(api, "recognition-engagement", **params))["groups"]
    assert group["group"]["kind"] == "organization"
    found: Json = group
    return found


async def why(api: ContractClient, **params: Any) -> tuple[str, str]:
    group = await told(api, **params)
    return group["status"], group["reason"]


@pytest.fixture
async def organisation(acme: Tenant) -> None:
    await staff(acme.client, dict.fromkeys(TEAMS, 6))
    await acme.client.put("/v1/people/giver", json=GIVER)


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize("mode", ["confidential", "attributed"])
async def test_recognition_between_two_waves_beside_engagement(
    acme: Tenant, other: Tenant, owner: asyncpg.Connection, mode: str
) -> None:
    first = await hold(acme, owner, 0, mode=mode)
    assert await why(acme.client) == ("undefined", "no_earlier_wave")
    await recognise(acme, counts(0), BETWEEN[0])
    everybody = dict.fromkeys(PEOPLE, 1)
    for wrong in (CLOSED[0] - timedelta(1), CLOSED[1] - timedelta(6)):
        await recognise(acme, everybody, wrong)
    await recognise(acme, everybody, BETWEEN[0], source="automatic")
    await staff(other.client, {"t00": 6})
    await other.client.put("/v1/people/giver", json=GIVER)
    await recognise(other, dict.fromkeys(names_of("t00", 6), 9), BETWEEN[0])
    second = await hold(acme, owner, 1, mode=mode)
    group = await told(acme.client)
    expected = lagged(SCORES[1], SCORES[0], EVENTS[0], TEAM)
    assert (group["from_survey"], group["to_survey"]) == (first, second)
    assert (group["received_after"], group["received_until"]) == (
        "2025-09-01T12:00:00Z",
        "2025-12-23T12:00:00Z",
    )
    assert expected.association is not None
    assert group["association"]["points"] == pytest.approx(expected.association.value)
    assert group["association"]["ci_low"] == pytest.approx(expected.association.ci.low)
    assert (group["n"], group["recognised"], group["errors"]) == (132, expected.recognised, "cluster")
    assert [dose["n"] for dose in group["doses"]] == [dose.n for dose in expected.doses]
    whole = (await read(acme.client))["groups"][0]["engagement"]["score"]
    assert np.average(
        [dose["score"] for dose in group["doses"]], weights=[dose["n"] for dose in group["doses"]]
    ) == pytest.approx(whole)
    assert group["direction"] == "separable"
    assert (group["reliability"], group["reasons"]) == (None, {"reliability": "single_part"})
    assert group["within_persons"] == {"status": "undefined", "reason": "under_three_waves"}
    assert await why(acme.client, survey_id=first) == ("undefined", "no_earlier_wave")


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_it_is_worded_in_the_language_asked_for(acme: Tenant, owner: asyncpg.Connection) -> None:
    await hold(acme, owner, 0)
    await recognise(acme, counts(0), BETWEEN[0])
    await hold(acme, owner, 1)
    texts = {}
    for language in ("en", "nl"):
        got = await acme.client.get(URL, headers={"Accept-Language": language})
        [group] = got.json()["groups"]
        points = f"{group['association']['points']:.1f}"
        texts[language] = group["text"]
    assert f"scored {points} points higher on engagement on average than others" in texts["en"]
    assert texts["en"].startswith("People who are more engaged may also receive more recognition, so what")
    assert texts["nl"].startswith("Wie meer betrokken is, krijgt misschien ook meer complimenten;")
    assert f"gemiddeld {points.replace('.', ',')} punten hoger op betrokkenheid dan anderen" in texts["nl"]
    await acme.client.patch("/v1/organization", json={"locale": "nl"})
    assert (await told(acme.client))["text"] == texts["nl"]


@pytest.mark.usefixtures("organisation")
async def test_what_is_frozen_stays_whatever_is_recognised_deleted_or_erased_since(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hold(acme, owner, 0)
    await recognise(acme, counts(0), BETWEEN[0])
    second = await hold(acme, owner, 1)
    before = await acme.client.get(URL)
    assert before.headers["cache-control"] == "private, no-cache"
    await recognise(acme, dict.fromkeys(PEOPLE[:40], 5), BETWEEN[0])
    events = (await acme.client.get("/v1/recognitions")).json()["items"]
    await acme.client.delete(f"/v1/recognitions/{events[-1]['id']}")
    await owner.execute("DELETE FROM responses WHERE organization_id = $1", acme.id)
    await jobs.release_survey(acme.database, acme.id, UUID(second))
    after = await acme.client.get(URL)
    assert after.content == before.content
    assert (await acme.client.get(URL, headers={"If-None-Match": before.headers["etag"]})).status_code == 304


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_from_three_waves_on_people_are_compared_with_themselves(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    for wave in range(4):
        await hold(acme, owner, wave)
        await recognise(acme, counts(wave), BETWEEN[wave])
    group = await told(acme.client)
    events = np.column_stack([np.full(len(PEOPLE), np.nan), *EVENTS[:3]])
    expected = within_persons(np.column_stack(SCORES[:4]), events)
    assert expected.association is not None
    within = group["within_persons"]
    assert (within["status"], within["persons"], within["waves"]) == ("ok", 132, 4)
    assert within["association"]["points"] == pytest.approx(expected.association.value)
    pair = lagged(SCORES[3], SCORES[2], EVENTS[2], TEAM, EVENTS[1])
    assert pair.placebo is not None
    assert group["placebo"]["points"] == pytest.approx(pair.placebo.value)


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_engagement_that_attracts_recognition_is_not_told_from_the_reverse(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hold(acme, owner, 0)
    attracted = {
        name: int(score > 62) + 2 * int(score > 70) for name, score in zip(PEOPLE, SCORES[0], strict=True)
    }
    await recognise(acme, attracted, BETWEEN[0])
    await hold(acme, owner, 1)
    group = await told(acme.client)
    assert group["direction"] == "not_separable"
    assert group["text"].startswith("Which came first cannot be said here")


# ------------------------------------------------------------------ when there is nothing to tell


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_few_persons_or_few_recognised_are_not_enough(acme: Tenant, owner: asyncpg.Connection) -> None:
    await hold(acme, owner, 0)
    await recognise(acme, dict.fromkeys(PEOPLE[:120:5], 2), BETWEEN[0])
    await hold(acme, owner, 1)
    group = await told(acme.client)
    assert (group["status"], group["reason"], group["n"]) == ("insufficient", "too_few_recognised", 132)
    await recognise(acme, counts(1), BETWEEN[1])
    await hold(acme, owner, 2, PEOPLE[:96])
    group = await told(acme.client)
    assert (group["status"], group["reason"], group["n"]) == ("insufficient", "too_few_persons", 96)


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_where_few_did_not_come_back_or_were_erased_nothing_is_told(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hold(acme, owner, 0)
    await recognise(acme, counts(0), BETWEEN[0])
    second = await hold(acme, owner, 1, PEOPLE[:130])
    assert await why(acme.client) == ("suppressed", "crossing")
    await recognise(acme, counts(1), BETWEEN[1])
    await owner.execute(
        "UPDATE survey_cells SET erased = 2 WHERE organization_id = $1 AND survey_id = $2 AND ordinal = 0",
        acme.id,
        second,
    )
    await hold(acme, owner, 2, PEOPLE[:130])
    assert await why(acme.client) == ("suppressed", "erased")


@pytest.mark.nightly
async def test_fewer_than_the_minimum_in_both_are_not_counted(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"t00": 6, "t01": 6})
    await hold(acme, owner, 0, PEOPLE[:6])
    await hold(acme, owner, 1, PEOPLE[3:9])
    assert await why(acme.client) == ("suppressed", "below_minimum")


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_answers_that_are_not_linked_are_not_put_together(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hold(acme, owner, 0)
    await hold(acme, owner, 1, mode="attributed")
    assert await why(acme.client) == ("undefined", "not_linked")
    for _ in range(2):
        survey_id = await opened(
            acme.client, questionnaire="fine", mode="anonymous", access="open", series="anonymous"
        )
        items = [{"team": "t00", "answers": {"pay": 50, "bond": 60}}] * 12
        await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
        await finish(acme, survey_id)
    assert await why(acme.client, series="anonymous") == ("undefined", "not_linked")


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_waves_that_overlap_and_one_that_nobody_answered(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hold(acme, owner, 0)
    await owner.execute(
        "UPDATE surveys SET closed_at = $2 WHERE organization_id = $1", acme.id, CLOSED[1] - timedelta(7)
    )
    await hold(acme, owner, 1)
    assert await why(acme.client) == ("undefined", "waves_overlap")
    await finish(acme, await start(acme.client, series="quarterly"))
    assert await why(acme.client) == ("suppressed", "below_minimum")


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_other_questions_and_recognition_alike_for_all(acme: Tenant, owner: asyncpg.Connection) -> None:
    await hold(acme, owner, 0)
    await recognise(acme, dict.fromkeys(PEOPLE, 2), BETWEEN[0])
    await hold(acme, owner, 1)
    assert await why(acme.client) == ("undefined", "not_estimable")
    survey_id = await start(acme.client, series="quarterly")
    await answer(acme.client, survey_id, PEOPLE)
    await finish(acme, survey_id)
    assert await why(acme.client) == ("undefined", "questions_changed")


async def test_a_survey_of_one_dimension_and_one_still_open(acme: Tenant) -> None:
    await staff(acme.client, {"t00": 12})
    await acme.client.put("/v1/questionnaires/one", json=CONTENT | {"questions": CONTENT["questions"][:1]})
    one = await finish(acme, await opened(acme.client, questionnaire="one"))
    assert await why(acme.client, survey_id=one) == ("undefined", "dimension_missing")
    await acme.client.put("/v1/questionnaires/fine", json=FINE)
    rolling = await opened(acme.client, questionnaire="fine", release_policy="rolling", series="rolling")
    await respond(acme, rolling, dict.fromkeys(names_of("t00", 12), 60))
    await jobs.release_survey(acme.database, acme.id, UUID(rolling))
    assert await why(acme.client, survey_id=rolling) == ("undefined", "awaits_final_release")


async def test_without_a_release_the_answers_are_those_of_every_metric(acme: Tenant, other: Tenant) -> None:
    async def code(api: ContractClient, **params: str) -> tuple[int, str]:
        got = await api.get(URL, params=params)
        return got.status_code, got.json()["code"]

    await staff(acme.client, {"t00": 6})
    assert await code(acme.client) == (404, "no_released_survey")
    survey_id = await start(acme.client)
    assert await code(acme.client, survey_id=survey_id) == (409, "survey_not_released")
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    assert await code(acme.client, survey_id=survey_id) == (409, "release_pending")
    assert await code(other.client, survey_id=survey_id) == (404, "not_found")
    assert await code(acme.client, survey_id="one") == (422, "invalid_value")


# --------------------------------------------------------------------------------------------- words

DEFINED = {
    name: name for name in ("association", "stability", "reliability", "r2", "placebo", "doses", "trend")
} | {
    "within_persons": "within_persons",
    "persons": "n",
    "n": "n",
    "recognised": "n",
}


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_every_number_has_a_definition(acme: Tenant, owner: asyncpg.Connection) -> None:
    for wave in range(3):
        await hold(acme, owner, wave)
        await recognise(acme, counts(wave), BETWEEN[wave])
    group = await told(acme.client)
    assert group["within_persons"]["status"] == "ok"
    known = {metric["name"] for metric in (await definitions(acme.client, "en"))["metrics"]}
    del group["group"]
    for path in numbers(group):
        found = next(DEFINED[step] for step in path if step in DEFINED)
        assert f"recognition_engagement.{found}" in known, path


async def test_every_reason_has_a_label_in_both_languages(api: ContractClient) -> None:
    labels = (await definitions(api, "en"))["labels"]["reasons"]
    schemas = contract()["components"]["schemas"]
    told = [schema for name, schema in schemas.items() if name.startswith(("RecognitionEng", "WithinPers"))]
    reasons = [
        reason
        for schema in told
        if "reason" in schema.get("properties", {})
        for reason in schema["properties"]["reason"]["enum"]
    ]
    assert len(reasons) > 15
    for reason in [*reasons, "few", "crossing", "not_estimable"]:
        assert labels[reason].keys() == {"en", "nl"}
