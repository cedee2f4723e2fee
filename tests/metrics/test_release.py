"""Over HTTP: a release is made once, and every reading of it says the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.core.contract import contract
from app.metrics import jobs
from app.surveys import service as surveys
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.test_surveys import draft, opened

Json = dict[str, Any]
METRICS = ("satisfaction-engagement", "participation")
CONTENT: Json = {
    "title": {"en": "Two questions"},
    "facets": [{"key": key, "title": {"en": key}} for key in ("pay", "bond")],
    "questions": [
        {
            "key": key,
            "text": {"en": key},
            "dimension": dimension,
            "facet": key,
            "scale": {"low": 1, "high": 5},
        }
        for key, dimension in (("pay", "satisfaction"), ("bond", "engagement"))
    ],
}


def names_of(team: str, count: int) -> list[str]:
    return [f"{team}-{number}" for number in range(count)]


async def staff(api: ContractClient, teams: dict[str, int], parents: dict[str, str] | None = None) -> None:
    items = [
        {"external_id": team, "name": team.title(), "parent": (parents or {}).get(team)} for team in teams
    ]
    sent = [await api.post("/v1/teams/batch", json={"items": items})]
    people = [
        {"external_id": name, "name": name, "team": team}
        for team, count in teams.items()
        for name in names_of(team, count)
    ]
    sent.append(await api.post("/v1/people/batch", json={"items": people}))
    assert [answer.json()["summary"]["failed"] for answer in sent] == [0, 0]


async def start(api: ContractClient, **members: Any) -> str:
    """An open survey of two questions."""
    await api.put("/v1/questionnaires/two", json=CONTENT)
    return await opened(api, questionnaire="two", **members)


async def answer(api: ContractClient, survey_id: str, respondents: list[str], pay: int = 4) -> None:
    items = [{"respondent": name, "answers": {"pay": pay, "bond": 5}} for name in respondents]
    stored = await api.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert stored.json()["summary"]["created"] == len(items)


async def finish(tenant: Tenant, survey_id: str) -> str:
    await tenant.client.post(f"/v1/surveys/{survey_id}/close")
    await tenant.work()
    assert (await tenant.client.get(f"/v1/surveys/{survey_id}")).json()["status"] == "released"
    return survey_id


async def released(tenant: Tenant, respondents: list[str], pay: int = 4, **members: Any) -> str:
    survey_id = await start(tenant.client, **members)
    await answer(tenant.client, survey_id, respondents, pay)
    return await finish(tenant, survey_id)


async def read(api: ContractClient, metric: str = METRICS[0], **params: Any) -> Json:
    got = await api.get(f"/v1/metrics/{metric}", params=params)
    assert got.status_code == 200, got.text
    found: Json = got.json()
    return found


async def code(api: ContractClient, **params: Any) -> tuple[int, str]:
    got = [await api.get(f"/v1/metrics/{metric}", params=params) for metric in METRICS]
    (said,) = {(one.status_code, one.json()["code"]) for one in got}
    return said


async def test_a_survey_has_no_numbers_before_its_release(acme: Tenant, other: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    assert await code(acme.client) == (404, "no_released_survey")
    assert await code(acme.client, survey_id=await draft(acme.client)) == (409, "survey_not_released")
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 6))
    assert await code(acme.client, survey_id=survey_id) == (409, "survey_not_released")
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    assert await code(acme.client, survey_id=survey_id) == (409, "release_pending")
    pending = await acme.client.get(f"/v1/metrics/{METRICS[0]}", params={"survey_id": survey_id})
    assert int(pending.headers["retry-after"]) > 0
    assert await code(acme.client) == (404, "no_released_survey")
    await acme.work()
    assert (await read(acme.client, survey_id=survey_id))["groups"][0]["n"] == 6
    assert await code(other.client, survey_id=survey_id) == (404, "not_found")
    assert await code(other.client) == (404, "no_released_survey")


async def test_a_release_is_computed_once_and_a_repeated_job_is_harmless(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"sales": 6})
    survey_id = await released(acme, names_of("sales", 6))
    before = [await read(acme.client, metric) for metric in METRICS]
    await owner.execute("UPDATE responses SET answers = '{1,1}' WHERE organization_id = $1", acme.id)
    found = await acme.client.get(f"/v1/surveys/{survey_id}")
    await jobs.release_survey(acme.database, acme.id, found.json()["id"])
    assert [await read(acme.client, metric) for metric in METRICS] == before
    assert (await acme.client.get(f"/v1/surveys/{survey_id}")).json() == found.json()
    query = "SELECT count(*) FROM releases WHERE organization_id = $1"
    assert await owner.fetchval(query, acme.id) == 1


async def test_a_release_job_that_comes_before_the_close_does_nothing(acme: Tenant) -> None:
    survey_id = await start(acme.client)
    found = (await acme.client.get(f"/v1/surveys/{survey_id}")).json()
    await jobs.release_survey(acme.database, acme.id, found["id"])
    assert (await acme.client.get(f"/v1/surveys/{survey_id}")).json() == found


async def test_the_newest_wave_of_the_series_is_shown(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    everybody = names_of("sales", 6)
    yearly = await released(acme, everybody, series="yearly")
    older = await released(acme, everybody, series="quarterly")
    newer = await released(acme, everybody, series="quarterly")
    alone = await released(acme, everybody)
    assert await shown(acme.client) == alone
    assert await shown(acme.client, series="quarterly") == newer
    assert await shown(acme.client, survey_id=older) == older
    assert await code(acme.client, series="monthly") == (404, "no_released_survey")
    await acme.client.patch("/v1/organization", json={"default_series": "yearly"})
    assert await shown(acme.client) == yearly
    await acme.client.patch("/v1/organization", json={"default_series": "monthly"})
    assert await shown(acme.client) == alone


async def shown(api: ContractClient, **params: str) -> str:
    survey_id: str = (await read(api, **params))["survey"]["id"]
    return survey_id


async def test_groups_are_chosen_by_kind_and_by_node(acme: Tenant) -> None:
    await staff(acme.client, {"a": 5, "b": 7, "a1": 6, "a2": 8}, {"a1": "a", "a2": "a"})
    people = [
        name for team, count in {"a": 5, "b": 7, "a1": 6, "a2": 8}.items() for name in names_of(team, count)
    ]
    await released(acme, people)
    for metric in METRICS:
        for params, expected in (
            ({}, [None]),
            ({"by": "team"}, ["a", "a1", "a2", "b"]),
            ({"by": ["organization", "team"]}, [None, "a", "a1", "a2", "b"]),
            ({"team": "a"}, ["a"]),
            ({"team": "a", "by": "team"}, ["a", "a1", "a2"]),
            ({"team": "b", "by": ["organization", "team"]}, ["b"]),
        ):
            groups = (await read(acme.client, metric, **params))["groups"]
            assert [group["group"]["id"] for group in groups] == expected, params
    counts = {group["group"]["id"]: group["n"] for group in (await read(acme.client, by="team"))["groups"]}
    assert counts == {"a": 19, "a1": 6, "a2": 8, "b": 7}


async def test_unknown_teams_and_segments_are_refused(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    await released(acme, names_of("sales", 6))
    assert await code(acme.client, team="nowhere") == (422, "unknown_team")
    assert await code(acme.client, by="segment:location") == (422, "unknown_segment")
    assert await code(acme.client, by="segment:location", team="sales") == (422, "not_within_team")


async def test_answers_are_the_same_to_the_byte_until_there_is_another_wave(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    everybody = names_of("sales", 6)
    await released(acme, everybody)
    for metric in METRICS:
        url = f"/v1/metrics/{metric}"
        first, again = [await acme.client.get(url) for _ in range(2)]
        assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
        assert first.headers["cache-control"] == "private, no-cache"
        tag = {"If-None-Match": first.headers["etag"]}
        known = await acme.client.get(url, headers=tag)
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", first.headers["etag"])
        assert (await acme.client.get(url, params={"by": "team"}, headers=tag)).status_code == 200
        await released(acme, everybody)
        assert (await acme.client.get(url, headers=tag)).status_code == 200


async def test_the_groups_are_those_of_the_opening_day(acme: Tenant) -> None:
    api = acme.client
    await staff(api, {"sales": 6, "care": 6})
    survey_id = await start(api)
    await api.patch("/v1/teams/sales", json={"name": "Renamed"})
    await api.patch("/v1/organization", json={"name": "Renamed"})
    await api.patch("/v1/people/sales-0", json={"active": False})
    await api.patch("/v1/people/sales-1", json={"team": "care"})
    await answer(api, survey_id, names_of("sales", 6) + names_of("care", 6))
    await finish(acme, survey_id)
    groups = (await read(api, by=["organization", "team"]))["groups"]
    said = [(group["group"]["name"], group["n"], group["invited"]) for group in groups]
    assert said == [("Acme", 12, 12), ("Care", 6, 6), ("Sales", 6, 6)]


async def test_a_questionnaire_with_one_dimension_has_no_headline(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    content = CONTENT | {"questions": CONTENT["questions"][:1]}
    await acme.client.put("/v1/questionnaires/one", json=content)
    survey_id = await finish(acme, await opened(acme.client, questionnaire="one"))
    for metric in METRICS:
        (group,) = (await read(acme.client, metric, survey_id=survey_id))["groups"]
        assert (group["status"], group["reason"], group["n"]) == ("undefined", "dimension_missing", 0)


async def test_a_survey_nobody_answered_is_released_without_a_number(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    await finish(acme, await start(acme.client))
    for metric in METRICS:
        (group,) = (await read(acme.client, metric))["groups"]
        assert (group["status"], group["reason"]) == ("suppressed", "below_minimum")


async def definitions(api: ContractClient, language: str) -> Json:
    got = await api.get("/v1/metrics/definitions", headers={"Accept-Language": language})
    found: Json = got.json()
    return found


async def test_definitions_are_in_the_language_asked_for_and_else_in_the_organisations(
    api: ContractClient,
) -> None:
    titles = {
        language: [metric["title"] for metric in (await definitions(api, language))["metrics"]]
        for language in ("en", "nl", "de")
    }
    assert titles["en"] != titles["nl"]
    assert titles["de"] == titles["en"]
    await api.patch("/v1/organization", json={"locale": "nl"})
    assert [metric["title"] for metric in (await definitions(api, "de"))["metrics"]] == titles["nl"]


DEFINED = {
    "satisfaction-engagement": {
        "satisfaction.score": "satisfaction.score",
        "engagement.score": "engagement.score",
        "ci_low": "score.ci",
        "ci_high": "score.ci",
        "sd": "score.sd",
        "favourable": "favourable",
        "neutral": "neutral",
        "unfavourable": "unfavourable",
        "gap.mean": "gap.mean",
        "gap.ci_low": "gap.mean",
        "gap.ci_high": "gap.mean",
        "gap.dz": "gap.dz",
        "quadrants": "quadrants.shares",
        "n": "n",
        "invited": "invited",
    },
    "participation": {
        "satisfaction.score": "satisfaction.score",
        "engagement.score": "engagement.score",
        "ci_low": "participation.ci",
        "ci_high": "participation.ci",
        "bound_low": "participation.bounds",
        "bound_high": "participation.bounds",
        "n": "n",
        "invited": "invited",
        "responded": "responded",
        "response_rate": "response_rate",
    },
}


def numbers(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every number of a group."""
    for name, member in value.items():
        if isinstance(member, dict):
            yield from numbers(member, (*path, name))
        elif isinstance(member, int | float):
            yield (*path, name)


async def test_every_number_has_a_definition(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 10), pay=2)
    await answer(acme.client, survey_id, names_of("sales", 20)[10:], pay=5)
    await finish(acme, survey_id)
    defined = {metric["name"] for metric in (await definitions(acme.client, "en"))["metrics"]}
    for metric in METRICS:
        (group,) = (await read(acme.client, metric))["groups"]
        group.pop("group")
        for path in numbers(group):
            names = (".".join(path), path[0], path[-1])
            known = next((DEFINED[metric][name] for name in names if name in DEFINED[metric]), None)
            assert known in defined, path


@pytest.mark.parametrize("kind", ["GroupSuppressed", "GroupInsufficient", "GroupUndefined"])
async def test_every_reason_has_a_label_in_both_languages(kind: str, api: ContractClient) -> None:
    labels = (await definitions(api, "en"))["labels"]["reasons"]
    schema = contract()["components"]["schemas"][kind]["properties"]["reason"]
    for reason in schema["enum"]:
        assert labels[reason].keys() == {"en", "nl"}


async def test_every_reason_that_a_number_is_missing_has_a_label(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 21, "care": 7})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 20) + names_of("care", 6))
    await finish(acme, survey_id)
    labels = (await definitions(acme.client, "en"))["labels"]["reasons"]
    given = set()
    for metric in METRICS:
        found = await read(acme.client, metric, by=["organization", "team"])
        given |= {reason for group in found["groups"] for reason in group.get("reasons", {}).values()}
    assert given == {"zero_variance", "few_silent", "banded", "not_computed"}
    assert given <= labels.keys()


async def test_a_release_that_got_lost_is_asked_for_again(acme: Tenant, owner: asyncpg.Connection) -> None:
    await staff(acme.client, {"sales": 6})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 6))
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    await owner.execute("DELETE FROM pgqueuer")
    for _ in range(2):
        async with acme.database.tenant_session(acme.id) as session:
            await surveys.ask_again_for_releases(session, acme.id, datetime.now(UTC) + timedelta(hours=1))
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer") == 1
    await acme.work()
    assert (await read(acme.client, survey_id=survey_id))["groups"][0]["n"] == 6
