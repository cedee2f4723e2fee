"""Small random organisations driven through HTTP, and everything shown of them attacked together."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.conftest import Tenant, new_tenant
from tests.metrics.leak import Organisation, random_organisation
from tests.metrics.test_leak import above_the_threshold, attack, minimum, named
from tests.metrics.test_release import CONTENT, METRICS, finish, read
from tests.surveys.test_surveys import opened

Json = dict[str, Any]
DOZENS = range(24)
SAMPLES = [
    pytest.param(range(6), id="few"),
    pytest.param(range(6, 500), id="hundreds", marks=pytest.mark.nightly),
]
TEAMS_WITH_CELLS = text(
    "SELECT g.external_id FROM survey_cells c JOIN survey_groups g ON g.organization_id = c.organization_id"
    " AND g.survey_id = c.survey_id AND g.ordinal = c.group_ordinal WHERE c.survey_id = :survey_id"
)
FRAMED = {"mode": "confidential"}
UNFRAMED = {"mode": "anonymous", "access": "open"}


def team_name(group: int) -> str | None:
    """None for the organisation itself."""
    return f"team-{group}" if group else None


async def founded(app: FastAPI, organisation: Organisation, k: int) -> Tenant:
    tenant = await new_tenant(app, "Small")
    teams = [
        {"external_id": team_name(group), "name": f"Team {group}", "parent": team_name(parent or 0)}
        for group, parent in enumerate(organisation.parents)
        if group
    ]
    people = [
        {"external_id": f"person-{person}", "name": "Somebody", "team": team_name(group)}
        for person, group in enumerate(organisation.team)
    ]
    await tenant.client.patch("/v1/organization", json={"minimum_group_size": k})
    await tenant.client.put("/v1/questionnaires/two", json=CONTENT)
    for path, items in (("/v1/teams/batch", teams), ("/v1/people/batch", people)):
        sent = await tenant.client.post(path, json={"items": items})
        assert sent.json()["summary"]["created"] == len(items)
    return tenant


async def wave(tenant: Tenant, organisation: Organisation, survey: Mapping[str, str], answers: Random) -> str:
    survey_id = await opened(tenant.client, questionnaire="two", **survey)
    items = [
        who(organisation, person, survey) | {"answers": some_answers(organisation, person, answers)}
        for person, came in enumerate(organisation.responded)
        if came
    ]
    sent = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert sent.json()["summary"]["created"] == len(items)
    return await finish(tenant, survey_id)


def who(organisation: Organisation, person: int, survey: Mapping[str, str]) -> Json:
    if survey == UNFRAMED:
        return {"team": team_name(organisation.team[person])}
    return {"respondent": f"person-{person}"}


async def as_kept(tenant: Tenant, organisation: Organisation, survey_id: str) -> Organisation:
    """Everybody in the team the survey knows them in: an anonymous one keeps none of too few people apart."""
    async with tenant.database.tenant_session(tenant.id) as session:
        kept = set(await session.scalars(TEAMS_WITH_CELLS, {"survey_id": survey_id}))
    teams = [
        next(group for group in organisation.ancestors(team) if (team_name(group) or "") in kept)
        for team in organisation.team
    ]
    return replace(organisation, team=teams)


def some_answers(organisation: Organisation, person: int, answers: Random) -> Json:
    questions = ["pay", "bond"] if organisation.has_both_scores[person] else ["pay"]
    return {question: answers.randint(1, 5) for question in questions}


async def everything_shown(tenant: Tenant, survey_id: str) -> dict[int, Json]:
    """What any request for the wave says of each group it mentions; no two of them differ."""
    whole = await read(tenant.client, survey_id=survey_id, by=["organization", "team"])
    nodes = [group["group"]["id"] for group in whole["groups"]]
    said: dict[int, Json] = {}
    for metric, node, by in product(
        METRICS[:2], nodes, (["organization"], ["team"], ["organization", "team"])
    ):
        params = {"survey_id": survey_id, "by": by} | ({"team": node} if node else {})
        for group in (await read(tenant.client, metric, **params))["groups"]:
            ordinal = int((group["group"]["id"] or "team-0").removeprefix("team-"))
            kept = {name: value for name, value in group.items() if name in COMPARED}
            shown = said.setdefault(ordinal, {}).setdefault(metric, kept)
            assert shown == kept
    return said


COMPARED = {"status", "reason", "n", "precision", "invited", "responded"}
"""What must not depend on anybody's answers."""


def groups_with_numbers(said: dict[int, Json]) -> set[int]:
    return {ordinal for ordinal, metrics in said.items() if any("n" in shown for shown in metrics.values())}


def groups_with_invited(said: dict[int, Json]) -> set[int]:
    return {
        ordinal
        for ordinal, metrics in said.items()
        if any(shown.get("invited") is not None for shown in metrics.values())
    }


@pytest.mark.parametrize("seeds", SAMPLES)
async def test_nothing_shown_over_http_leaks_anybody(seeds: range, app: FastAPI) -> None:
    shown = hidden = 0
    for seed in seeds:
        organisation, k = random_organisation(seed), minimum(seed)
        tenant = await founded(app, organisation, k)
        survey = UNFRAMED if seed % 4 == 0 else FRAMED
        survey_id = await wave(tenant, organisation, survey, Random(seed))
        said = await everything_shown(tenant, survey_id)
        organisation = await as_kept(tenant, organisation, survey_id)
        groups = groups_with_numbers(said)
        for group in groups:
            assert said[group][METRICS[0]]["n"] == len(organisation.headline_set(group)), (seed, group)
        assert attack(organisation, groups, k) is None, seed
        assert named(organisation, groups, groups_with_invited(said)) is None, seed
        shown, hidden = shown + len(groups), hidden + len(said.keys() - groups)
    assert shown > len(seeds)
    assert hidden > len(seeds)


async def test_the_attacker_catches_a_threshold_alone_on_the_same_organisations() -> None:
    caught = 0
    for seed in DOZENS:
        organisation, k = random_organisation(seed), minimum(seed)
        caught += attack(organisation, above_the_threshold(organisation.nodes(), k), k) is not None
    assert caught > len(DOZENS) / 6


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(1, 24))]
)
async def test_what_was_answered_decides_nothing_that_is_shown(seed: int, app: FastAPI) -> None:
    organisation, k = random_organisation(seed), minimum(seed)
    tenant = await founded(app, organisation, k)
    waves = [await wave(tenant, organisation, FRAMED, Random(100 + number)) for number in range(3)]
    first, *others = [await everything_shown(tenant, survey_id) for survey_id in waves]
    assert all(other == first for other in others)
