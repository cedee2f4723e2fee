"""Over HTTP: releases while a survey is open (disclosure.md R2) add nobody or enough; the last holds back."""

from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pytest

from app.metrics.releases import jobs
from tests.conftest import Tenant
from tests.metrics.test_release import answer, code, finish, names_of, read, staff, start
from tests.surveys.test_surveys import opened

Json = dict[str, Any]


async def roll(tenant: Tenant, survey_id: str) -> Json | None:
    """What is shown after another release was tried; None while there is none."""
    await jobs.release_survey(tenant.database, tenant.id, UUID(survey_id))
    said = await tenant.client.get(
        "/v1/metrics/satisfaction-engagement",
        params={"survey_id": survey_id, "by": ["organization", "team"]},
    )
    return said.json() if said.status_code == 200 else None


def sizes(said: Json | None) -> dict[str | None, int | None]:
    return {group["group"]["id"]: group.get("n") for group in said["groups"]} if said else {}


async def test_each_release_adds_nobody_or_enough_to_every_region(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 12, "care": 12})
    survey_id = await start(acme.client, release_policy="rolling")
    sales, care = names_of("sales", 12), names_of("care", 12)
    await answer(acme.client, survey_id, sales[:4])
    assert await roll(acme, survey_id) is None
    assert await code(acme.client, survey_id=survey_id) == (409, "survey_not_released")
    await answer(acme.client, survey_id, [sales[4], *care[:3]])
    first = await roll(acme, survey_id)
    assert first is not None
    assert (first["release"]["number"], first["release"]["final"]) == (1, False)
    assert first["survey"]["closed_at"] is None
    assert sizes(first) == {None: 5, "sales": 5, "care": None}
    assert sizes(await roll(acme, survey_id)) == sizes(first)
    await answer(acme.client, survey_id, [*care[3:6], *sales[5:8]])
    assert sizes(await roll(acme, survey_id)) == {None: 11, "sales": 5, "care": 6}
    for said in (first, await roll(acme, survey_id)):
        assert said is not None
        [whole, *_] = said["groups"]
        assert (whole["invited"], whole["reasons"]["invited"]) == (None, "awaits_final_release")
    told = (await acme.client.get(f"/v1/surveys/{survey_id}/participation")).json()
    assert told["responded"] == 11


async def test_the_final_release_takes_enough_and_holds_back_the_rest(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"sales": 12, "care": 12})
    survey_id = await start(acme.client, release_policy="rolling")
    sales, care = names_of("sales", 12), names_of("care", 12)
    await answer(acme.client, survey_id, sales[:6])
    await roll(acme, survey_id)
    await answer(acme.client, survey_id, [*sales[6:9], *care[:7]])
    await finish(acme, survey_id)
    said = await read(acme.client, survey_id=survey_id, by=["organization", "team"])
    assert (said["release"]["number"], said["release"]["final"], said["release"]["held_back"]) == (
        2,
        True,
        10,
    )
    assert sizes(said) == {None: 13, "sales": 6, "care": 7}
    counted = (await acme.client.get(f"/v1/surveys/{survey_id}/participation")).json()
    assert counted["responded"] == 13, "all 16 less those of the release would be whom it held back"
    rows = await owner.fetch("SELECT included_in FROM responses WHERE survey_id = $1", UUID(survey_id))
    assert sorted(row["included_in"] or 0 for row in rows) == [0] * 3 + [1] * 6 + [2] * 7


async def test_other_metrics_come_with_the_final_release(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 12})
    survey_id = await start(acme.client, release_policy="rolling")
    await answer(acme.client, survey_id, names_of("sales", 12)[:6])
    await roll(acme, survey_id)
    for metric in ("participation", "facets", "enps", "heatmap", "levers", "drivers", "comments"):
        (whole,) = (await read(acme.client, metric, survey_id=survey_id))["groups"]
        assert (whole["status"], whole["reason"], whole["n"]) == ("undefined", "awaits_final_release", 6)
    glance = await read(acme.client, "overview", survey_id=survey_id)
    assert glance["groups"][0]["satisfaction"]["score"] == 75
    assert (await read(acme.client, "trends", survey_id=survey_id))["groups"][0]["points"] == []
    await finish(acme, survey_id)
    (whole,) = (await read(acme.client, "participation", survey_id=survey_id))["groups"]
    assert (whole["n"], whole["responded"]) == (6, 6)


async def test_an_open_survey_that_does_not_roll_is_not_released(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 6))
    assert await roll(acme, survey_id) is None


async def choose(tenant: Tenant, **metrics: Any) -> None:
    sent = await tenant.client.patch("/v1/organization", json={"metrics": metrics})
    assert sent.status_code == 200


async def answer_all(tenant: Tenant, survey_id: str, respondents: list[str]) -> None:
    """Every question, satisfaction and engagement apart."""
    asked = [f"S{number:02}" for number in range(1, 13)] + [f"E{number:02}" for number in range(1, 19)]
    random = np.random.default_rng(len(respondents))
    items = [
        {"respondent": name, "answers": {key: int(random.integers(1, 6)) for key in asked}}
        for name in respondents
    ]
    stored = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert stored.json()["summary"]["created"] == len(items)


def cuts(said: Json | None) -> list[tuple[str, float, float]]:
    told = [group["quadrants"] for group in (said or {"groups": []})["groups"] if group.get("quadrants")]
    return [(of["mode"], of["cut"]["satisfaction"], of["cut"]["engagement"]) for of in told]


@pytest.mark.nightly
async def test_the_cuts_of_a_survey_are_those_of_its_first_release(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 24})
    sales = names_of("sales", 24)
    await choose(acme, quadrants="benchmark", norm={"satisfaction": 60, "engagement": 71.5})
    survey_id = await opened(acme.client, release_policy="rolling")
    await answer_all(acme, survey_id, sales[:6])
    assert set(cuts(await roll(acme, survey_id))) == {("benchmark", 60, 71.5)}
    await choose(acme, quadrants="fixed", norm=None)
    await answer_all(acme, survey_id, sales[6:14])
    assert set(cuts(await roll(acme, survey_id))) == {("benchmark", 60, 71.5)}
    await answer_all(acme, survey_id, sales[14:])
    await finish(acme, survey_id)
    assert set(cuts(await read(acme.client, survey_id=survey_id))) == {("benchmark", 60, 71.5)}
    await choose(acme, quadrants="benchmark")
    other = await opened(acme.client)
    await answer_all(acme, other, sales)
    await finish(acme, other)
    said = await read(acme.client, survey_id=other)
    own = said["groups"][0]
    assert set(cuts(said)) == {("benchmark", own["satisfaction"]["score"], own["engagement"]["score"])}
