"""Over HTTP: a release is made once, and every reading of it says the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np
import pytest

from app.core.contract import contract
from app.metrics.releases import jobs
from app.surveys import service as surveys
from app.surveys.questionnaires.built_in import built_in
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.test_surveys import draft, opened

Json = dict[str, Any]
SNAPSHOTS = (
    "satisfaction-engagement",
    "participation",
    "facets",
    "enps",
    "reliability",
    "heatmap",
    "drivers",
    "levers",
    "overview",
)
METRICS = (*SNAPSHOTS, "trends", "comments", "choices")
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


@pytest.mark.nightly
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
    misspelt = await acme.client.get("/v1/metrics/enps", params={"series": "quartely"})
    assert misspelt.json()["errors"][0]["parameter"] == "series"
    assert misspelt.json()["detail"] == "There is no series quartely: did you mean quarterly?"
    unlike = await acme.client.get("/v1/metrics/enps", params={"series": "zz"})
    assert unlike.json()["detail"] == "There is no series zz: there is quarterly, yearly."
    await opened(acme.client, questionnaire="betrokken-33", series="weekly")
    early = await acme.client.get("/v1/metrics/enps", params={"series": "weekly"})
    assert early.json()["detail"].startswith("No such survey has results yet")
    nobody = await acme.client.get("/v1/metrics/enps", params={"survey_id": str(acme.id)})
    assert (nobody.status_code, nobody.json()["errors"][0]["parameter"]) == (404, "survey_id")
    await acme.client.patch("/v1/organization", json={"default_series": "yearly"})
    assert await shown(acme.client) == yearly
    await acme.client.patch("/v1/organization", json={"default_series": "monthly"})
    assert await shown(acme.client) == alone


async def shown(api: ContractClient, **params: str) -> str:
    survey_id: str = (await read(api, **params))["survey"]["id"]
    return survey_id


@pytest.mark.nightly
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
    tags = {}
    for url in (f"/v1/metrics/{metric}" for metric in METRICS):
        first, again = [await acme.client.get(url) for _ in range(2)]
        assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
        assert first.headers["cache-control"] == "private, no-cache"
        tag = {"If-None-Match": first.headers["etag"]}
        known = await acme.client.get(url, headers=tag)
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", first.headers["etag"])
        assert (await acme.client.get(url, params={"by": "team"}, headers=tag)).status_code == 200
        tags[url] = tag
    await released(acme, everybody)
    for url, tag in tags.items():
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
    for metric in SNAPSHOTS:
        (group,) = (await read(acme.client, metric, survey_id=survey_id))["groups"]
        assert (group["status"], group["reason"], group["n"]) == ("undefined", "dimension_missing", 0)


async def test_a_questionnaire_without_a_score_is_released_too(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    option = [{"key": key, "text": {"en": key}} for key in ("a", "b")]
    question = {"key": "one", "text": {"en": "Which?"}, "kind": "choice", "options": option}
    content = {"title": {"en": "One choice"}, "questions": [question]}
    assert (await acme.client.put("/v1/questionnaires/choice", json=content)).json()["facets"] == []
    survey_id = await opened(acme.client, questionnaire="choice")
    for name in names_of("sales", 6):
        given = {"respondent": name, "answers": {"one": "a"}}
        assert (await acme.client.post(f"/v1/surveys/{survey_id}/responses", json=given)).status_code == 201
    await finish(acme, survey_id)
    for metric in METRICS:
        await read(acme.client, metric, survey_id=survey_id)
    (group,) = (await read(acme.client, survey_id=survey_id))["groups"]
    assert (group["status"], group["reason"], group["n"]) == ("undefined", "dimension_missing", 0)


async def test_a_survey_nobody_answered_is_released_without_a_number(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    await finish(acme, await start(acme.client))
    for metric in SNAPSHOTS:
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


SCORE = {
    "ci_low": "score.ci",
    "ci_high": "score.ci",
    "sd": "score.sd",
    "favourable": "favourable",
    "neutral": "neutral",
    "unfavourable": "unfavourable",
    "favourable_ci_low": "favourable.ci",
    "favourable_ci_high": "favourable.ci",
    "n": "n",
    "invited": "invited",
    "satisfaction.score": "satisfaction.score",
    "engagement.score": "engagement.score",
}
CHANGE = {
    "difference": "change.difference",
    "ci_low": "change.difference",
    "ci_high": "change.difference",
    "q": "change.q",
    "n_before": "change.n",
    "n_after": "change.n",
    "detectable": "change.detectable",
    "smallest_change": "smallest_change",
}
DEFINED = {
    "satisfaction-engagement": SCORE
    | {
        "gap.mean": "gap.mean",
        "gap.ci_low": "gap.mean",
        "gap.ci_high": "gap.mean",
        "gap.dz": "gap.dz",
        "gap.reliability": "gap.reliability",
        "gap.interpretable": "gap.reliability",
        "quadrants.near_cut": "quadrants.near_cut",
        "quadrants.expected": "quadrants.expected",
        "quadrants": "quadrants.shares",
        "position.ellipse": "position.ellipse",
        "position": "position.probability",
        "distinctness.n": "n",
        "distinctness.n_complete": "distinctness.htmt",
        "distinctness.parts": "distinctness.htmt",
        "distinctness.htmt": "distinctness.htmt",
        "distinctness.htmt2": "distinctness.htmt",
        "distinctness.ci_low": "distinctness.ci",
        "distinctness.ci_high": "distinctness.ci",
        "distinctness.r_disattenuated": "distinctness.r_disattenuated",
        "distinctness.r_disattenuated_is_capped": "distinctness.r_disattenuated",
        "distinctness.r": "distinctness.r",
        "distinctness.r_ci_low": "distinctness.r",
        "distinctness.r_ci_high": "distinctness.r",
        "distinctness.spearman": "distinctness.spearman",
        "distinctness.spearman_ci_low": "distinctness.spearman",
        "distinctness.spearman_ci_high": "distinctness.spearman",
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
        "complete_response_rate": "complete_response_rate",
        "weighted.strata": "weighted.strata",
        "weighted.trimmed": "weighted.strata",
        "weighted.coverage": "weighted.coverage",
        "weighted.deff": "weighted.deff",
        "weighted.effective_n": "weighted.effective_n",
        "weighted.satisfaction.score": "weighted.score",
        "weighted.engagement.score": "weighted.score",
        "weighted": "weighted.ci",
    },
    "facets": SCORE
    | {
        "facets.score": "facet.score",
        "questions.score": "question.score",
        "facets.n": "part.n",
        "questions.n": "part.n",
        "questions.dont_know": "dont_know",
    },
    "choices": {
        "n": "n",
        "questions.n": "part.n",
        "questions.options.share": "choice.share",
        "questions.options.ci_low": "choice.ci",
        "questions.options.ci_high": "choice.ci",
        "questions.dont_know": "dont_know",
    },
    "enps": {
        "n": "part.n",
        "score": "enps.score",
        "ci_low": "enps.ci",
        "ci_high": "enps.ci",
        "promoters": "enps.shares",
        "passives": "enps.shares",
        "detractors": "enps.shares",
    },
    "heatmap": {
        "n": "n",
        "cells.difference": "heatmap.difference",
        "cells.ci_low": "heatmap.difference",
        "cells.ci_high": "heatmap.difference",
        "cells.g": "heatmap.g",
        "cells.q": "heatmap.q",
        "cells.detectable": "heatmap.detectable",
        "smallest_change": "smallest_change",
        "cells.score": "heatmap.score",
        "cells.shrunken": "heatmap.shrunken",
    },
    "drivers": {
        "n": "n",
        "criteria.n": "drivers.r2",
        "criteria.left_out": "drivers.r2",
        "criteria.r2": "drivers.r2",
        "criteria.r2_adjusted": "drivers.r2_adjusted",
        "criteria.p": "drivers.p",
        "criteria.is_associated": "drivers.p",
        "criteria.chance_share": "drivers.chance_share",
        "criteria.levers.above_chance": "drivers.chance_share",
        "criteria.r2_ci_low": "drivers.r2",
        "criteria.r2_ci_high": "drivers.r2",
        "criteria.levers.share": "drivers.share",
        "criteria.levers.ci_low": "drivers.share",
        "criteria.levers.ci_high": "drivers.share",
        "criteria.levers.rank_low": "drivers.rank",
        "criteria.levers.rank_high": "drivers.rank",
        "criteria.levers.r": "drivers.r",
    },
    "levers": SCORE
    | {
        "n": "n",
        "target": "levers.target",
        "levers.n": "part.n",
        "levers.score": "levers.score",
        "levers.shrunken": "levers.shrunken",
        "levers.importance": "levers.importance",
        "levers.priority": "levers.priority",
        "levers.rank_probability": "levers.rank_probability",
        "levers.is_top": "levers.rank_probability",
    },
    "reliability": {
        "n": "n",
        "scales.n": "reliability.parts",
        "scales.parts": "reliability.parts",
        "scales.alpha": "reliability.alpha",
        "scales.alpha_ci_low": "reliability.alpha.ci",
        "scales.alpha_ci_high": "reliability.alpha.ci",
        "scales.omega": "reliability.omega",
        "scales.heywood": "reliability.omega",
        "scales.spearman_brown": "reliability.spearman_brown",
        "scales.sem": "reliability.sem",
        "scales.items.rest_r": "reliability.rest_r",
        "rwg_j": "agreement.rwg_j",
        "rwg_j_skewed": "agreement.rwg_j_skewed",
        "agreement": "agreement.rwg_j",
        "icc1": "teams.icc1",
        "icc1_raw": "teams.icc1",
        "icc2": "teams.icc2",
        "icc2_raw": "teams.icc2",
        "teams": "teams.f",
    },
}
DEFINED["overview"] = {
    **DEFINED["satisfaction-engagement"],
    **{f"enps.{name}": known for name, known in DEFINED["enps"].items()},
    **{name: DEFINED["participation"][name] for name in ("responded", "response_rate")},
    **{f"changes.{name}": known for name, known in CHANGE.items()},
}


def numbers(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every number, that of a list's entries without their place."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from numbers(member, (*path, name))
    elif isinstance(value, list):
        for member in value:
            yield from numbers(member, path)
    elif isinstance(value, int | float):
        yield path


def definition(metric: str, path: tuple[str, ...]) -> str | None:
    """By the whole path, else its end, else its beginning."""
    names = [".".join(path[:end]) for end in range(len(path), 1, -1)] + [path[-1], path[0]]
    return next((DEFINED[metric][name] for name in names if name in DEFINED[metric]), None)


@pytest.fixture
async def measured(acme: Tenant) -> Tenant:
    """Six teams of thirty answered the built-in questionnaire, each person about a level a dimension."""
    random = np.random.default_rng(1)
    teams = {f"team-{number}": 30 for number in range(6)}
    await staff(acme.client, teams)
    survey_id = await opened(acme.client, questionnaire="betrokken-33")
    people = [name for team, count in teams.items() for name in names_of(team, count)]
    items = [{"respondent": name, "answers": leaning(random)} for name in people[:-3]]
    stored = await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert stored.json()["summary"]["created"] == len(items)
    await finish(acme, survey_id)
    return acme


def leaning(random: np.random.Generator) -> Json:
    """Answers about a level of satisfaction and one of engagement, which go together a little.

    Growth is a level lower: one lever is lowest, whatever lot falls.
    """
    satisfied, engaged = random.multivariate_normal([3.6, 3.5], [[0.6, 0.2], [0.2, 0.7]])
    answers: Json = {}
    for question in built_in().content["questions"]:
        level = satisfied if question["dimension"] == "satisfaction" else engaged
        level -= question["lever"] == "growth"
        low, high = question["scale"]["low"], question["scale"]["high"]
        share = np.clip((level + random.normal(0, 0.8) - 1) / 4, 0, 1)
        turned = 1 - share if question["reversed"] else share
        answers[question["key"]] = round(low + (high - low) * turned)
    return answers


@pytest.mark.nightly
async def test_every_number_has_a_definition(measured: Tenant) -> None:
    defined = {metric["name"] for metric in (await definitions(measured.client, "en"))["metrics"]}
    for metric in SNAPSHOTS:
        found = await read(measured.client, metric, by=["organization", "team"])
        groups = [group for group in found.pop("groups") if group["status"] == "ok"]
        assert groups
        for group in groups:
            group.pop("group")
            met = {"distinctness": found.get("distinctness"), **group}
            for path in numbers(met):
                assert definition(metric, path) in defined, (metric, path)


async def test_every_member_has_a_number_in_a_survey_with_everything(measured: Tenant) -> None:
    for metric in SNAPSHOTS:
        found = await read(measured.client, metric)
        assert found.get("reasons", {}) == {}
        reasons = dict(found["groups"][0].get("reasons", {}))
        assert reasons == {}, metric
    assert (await read(measured.client, "reliability"))["instrument_status"] == "not_yet_validated"


@pytest.mark.nightly
async def test_facets_and_questions_have_titles_in_the_language_asked_for(measured: Tenant) -> None:
    for language, pay, asked in (
        ("en", "Pay", "I am paid fairly for the work I do."),
        ("nl", "Loon", "Ik krijg een eerlijk loon voor het werk dat ik doe."),
    ):
        headers = {"Accept-Language": language}
        found = (await measured.client.get("/v1/metrics/facets", headers=headers)).json()["groups"][0]
        assert (found["facets"][0]["title"], found["questions"][0]["title"]) == (pay, asked)
        scales = (await measured.client.get("/v1/metrics/reliability", headers=headers)).json()["groups"][0]
        assert [scale["title"] for scale in scales["scales"]][1] == pay


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
    missing = {"zero_variance", "few_silent", "banded", "organization_only"}
    assert given == missing | {"too_few_questions"}
    assert given <= labels.keys()


async def test_a_release_that_got_lost_is_asked_for_again(acme: Tenant, owner: asyncpg.Connection) -> None:
    await staff(acme.client, {"sales": 6})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 6))
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    await owner.execute("DELETE FROM pgqueuer")
    for _ in range(2):
        async with acme.database.tenant_session(acme.id) as session:
            await surveys.ask_again_for_releases(session, datetime.now(UTC) + timedelta(hours=1))
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer") == 1
    await acme.work()
    assert (await read(acme.client, survey_id=survey_id))["groups"][0]["n"] == 6
