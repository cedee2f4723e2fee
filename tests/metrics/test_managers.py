"""Who leads teams sees these, what is below them, and nothing else: permissions hide, and open nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI

from app.auth.principal import Scope
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Tenant, client_for, new_tenant
from tests.contract import ContractClient, Operation, operations
from tests.metrics.leak import random_organisation
from tests.metrics.test_http_leak import (
    FRAMED,
    as_kept,
    everything_shown,
    founded,
    groups_with_numbers,
    team_name,
    wave,
)
from tests.metrics.test_leak import attack, minimum
from tests.metrics.test_release import METRICS, read, released, staff
from tests.organizations.provider import AUDIENCE, Provider, providing

Json = dict[str, Any]
SIZES = {"sales": 6, "nl": 12, "be": 12, "it": 12}
PARENTS = {"nl": "sales", "be": "sales"}
VIEW = {"by", "team", "survey_id"}
FOR_MANAGERS = {"get_context", "get_definitions", "list_charts", "get_chart"} | {
    operation.id
    for operation in operations()
    if operation.path.startswith("/v1/metrics/") and {one["name"] for one in operation.parameters} >= VIEW
} - {"get_outcomes"}
SCOPED = [operation for operation in operations() if operation.scopes]


async def manager(tenant: Tenant, **narrowed: Any) -> ContractClient:
    """With every scope, narrowed by teams or person."""
    body = {"name": "manager", "scopes": [*Scope], **narrowed}
    made = await tenant.client.post("/v1/api-keys", json=body)
    assert made.status_code == 201, made.text
    return client_for(tenant.app, made.json()["key"])


@pytest.fixture
async def acme(app: FastAPI) -> Tenant:
    """Released, with sales above nl and be, and it beside them; nl-0 leads sales."""
    tenant = await new_tenant(app, "Acme")
    await staff(tenant.client, SIZES, PARENTS)
    await tenant.client.patch("/v1/teams/sales", json={"lead": "nl-0"})
    everybody = [f"{team}-{number}" for team, size in SIZES.items() for number in range(size)]
    await released(tenant, everybody)
    return tenant


def ids(answer: Json) -> list[str | None]:
    return [group["group"]["id"] for group in answer["groups"]]


@pytest.mark.nightly
@pytest.mark.parametrize("narrowed", [{"teams": ["sales"]}, {"person": "nl-0"}], ids=str)
async def test_a_manager_s_teams_take_the_organisation_s_place(narrowed: Json, acme: Tenant) -> None:
    client = await manager(acme, **narrowed)
    assert (await client.get("/v1/me")).json()["teams"] == ["sales"]
    whole = {group["group"]["id"]: group for group in (await read(acme.client, by=["team"]))["groups"]}
    assert (await read(client))["groups"] == [whole["sales"]]
    assert (await read(client, by=["team"]))["groups"] == [whole[team] for team in ("sales", "be", "nl")]
    assert ids(await read(client, by=["organization", "team"])) == ["sales", "be", "nl"]
    assert ids(await read(client, team="nl")) == ["nl"]
    assert whole["it"]["status"] == "ok"


async def test_what_a_manager_does_not_lead_is_not_there_for_him(acme: Tenant) -> None:
    client = await manager(acme, teams=["nl"])
    for team in ("sales", "be", "it", "nowhere"):
        answer = await client.get("/v1/metrics/satisfaction-engagement", params={"team": team})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_team")
    segment = await client.get("/v1/metrics/satisfaction-engagement", params={"by": "segment:location"})
    assert (segment.status_code, segment.json()["code"]) == (422, "not_within_team")
    overview = await read(client, "overview")
    assert (overview["levers"], ids(overview)) == (None, ["nl"])
    assert (await read(acme.client, "overview"))["levers"] is not None
    more = {"filter": "location:Utrecht"}
    asked_more = await client.get("/v1/metrics/satisfaction-engagement", params=more)
    assert (asked_more.status_code, asked_more.json()["code"]) == (403, "teams_only")


@pytest.mark.parametrize("operation", SCOPED, ids=lambda operation: operation.id)
async def test_a_manager_reads_metrics_by_team_and_nothing_else(
    operation: Operation, acme_as_manager: ContractClient
) -> None:
    kind = next(iter(operation.content), None)
    sent = {"json": operation.body, "headers": {"Content-Type": kind}} if kind else {}
    answer = await acme_as_manager.request(operation.method, operation.url(), **sent)
    if operation.id in FOR_MANAGERS:
        assert answer.status_code in (200, 404)
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "teams_only")


@pytest.fixture(scope="module")
async def acme_as_manager(app: FastAPI) -> ContractClient:
    tenant = await new_tenant(app, "Acme")
    return await manager(tenant, person="E-1")


@pytest.mark.nightly
async def test_a_manager_who_has_left_or_leads_nothing_sees_nothing(acme: Tenant) -> None:
    client = await manager(acme, person="nl-0")
    assert ids(await read(client, by=["team"])) == ["sales", "be", "nl"]
    await acme.client.patch("/v1/people/nl-0", json={"starts_on": "2020-01-01", "ends_on": "2020-12-31"})
    for metric in (*METRICS, "overview"):
        assert ids(await read(client, metric, by=["organization", "team"])) == []
    await acme.client.patch("/v1/people/nl-0", json={"ends_on": None, "active": False})
    assert ids(await read(client)) == []
    await acme.client.patch("/v1/people/nl-0", json={"active": True})
    assert ids(await read(client)) == ["sales"]
    await acme.client.patch("/v1/teams/sales", json={"lead": None})
    assert ids(await read(client)) == []
    assert ids(await read(await manager(acme, person="nobody"))) == []


async def test_teams_of_a_manager_may_lie_in_each_other(acme: Tenant) -> None:
    client = await manager(acme, teams=["nl", "it", "sales"])
    assert ids(await read(client)) == ["it", "sales", "nl"]
    assert ids(await read(client, by=["team"])) == ["it", "sales", "be", "nl"]


@pytest.mark.nightly
@pytest.mark.parametrize("narrowed", [{"teams": ["sales"]}, {"person": "nl-0"}], ids=str)
async def test_an_old_point_that_its_own_address_refuses_is_in_no_trend(narrowed: Json, app: FastAPI) -> None:
    """Of a wave in which the team lay elsewhere, or was another's to see: nor what it changed by."""
    tenant = await new_tenant(app, "Acme")
    await staff(tenant.client, SIZES, PARENTS)
    await tenant.client.patch("/v1/teams/nl", json={"parent": "it"})
    everybody = [f"{team}-{number}" for team, size in SIZES.items() for number in range(size)]
    if "teams" in narrowed:
        await tenant.client.patch("/v1/teams/sales", json={"lead": "nl-0"})
    first = await released(tenant, everybody, pay=2, series="s")
    await tenant.client.patch("/v1/teams/nl", json={"parent": "sales"})
    await tenant.client.patch("/v1/teams/sales", json={"lead": "nl-0"})
    second = await released(tenant, everybody, pay=4, series="s")
    client = await manager(tenant, **narrowed)
    refused = await client.get(
        "/v1/metrics/satisfaction-engagement", params={"survey_id": first, "team": "nl"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_team")
    for reader, told in ((tenant.client, True), (client, False)):
        trends = await read(reader, "trends", survey_id=second, team="nl")
        [nl] = trends["groups"]
        assert [point["status"] for point in nl["points"]] == ["ok" if told else "undefined", "ok"]
        assert bool(nl["changes"]) == told
        overview = await read(reader, "overview", survey_id=second, team="nl")
        assert bool(overview["groups"][0]["changes"]) == told
    be = (await read(client, "trends", survey_id=second, team="be"))["groups"][0]
    assert (be["points"][0]["status"] == "ok") == ("teams" in narrowed)


# ------------------------------------------------------------------ by claim


@dataclass
class Trusting:
    tenant: Tenant
    provider: Provider

    def bearer(self, **claims: Any) -> ContractClient:
        token = self.provider.token(betrokken_organization=str(self.tenant.id), **claims)
        return client_for(self.tenant.app, token)


@pytest.fixture
async def trusting(acme: Tenant, settings: Settings, database_url: str) -> AsyncIterator[Trusting]:
    async with providing() as provider:
        own = {"oidc_issuer": provider.url, "oidc_audience": AUDIENCE}
        app = create_app(settings.model_copy(update=own), database_url)
        async with app.router.lifespan_context(app):
            yield Trusting(replace(acme, app=app), provider)


@pytest.mark.nightly
async def test_a_claim_makes_a_token_a_manager_s(trusting: Trusting) -> None:
    assert ids(await read(trusting.bearer())) == [None]
    led = trusting.bearer(betrokken_person="nl-0")
    assert (await led.get("/v1/me")).json()["teams"] == ["sales"]
    assert ids(await read(led)) == ["sales"]
    assert (await led.get("/v1/people")).status_code == 403


@pytest.mark.nightly
@pytest.mark.parametrize("person", ["nl-1", "", "None", None, 7, ["nl-0"], {"id": "nl-0"}], ids=str)
async def test_a_claim_that_names_no_manager_opens_nothing(person: Any, trusting: Trusting) -> None:
    client = trusting.bearer(betrokken_person=person)
    assert ids(await read(client, by=["organization", "team"])) == []
    assert (await client.get("/v1/people")).status_code == 403


# ------------------------------------------------------------------ attacked


@pytest.mark.parametrize(
    "seed", [1, 3, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(4, 24))]
)
async def test_all_managers_together_see_what_is_shown_and_nothing_more(seed: int, app: FastAPI) -> None:
    organisation, k = random_organisation(seed), minimum(seed)
    tenant = await founded(app, organisation, k)
    survey_id = await wave(tenant, organisation, FRAMED, Random(seed))
    whole = await everything_shown(tenant, survey_id)
    seen: set[int] = set()
    for team in whole.keys() - {0}:
        client = await manager(tenant, teams=[team_name(team)])
        said = await everything_shown(replace(tenant, client=client), survey_id)
        below = {node for node in whole if team in organisation.ancestors(node)}
        assert said == {node: whole[node] for node in below}
        names = {team_name(node) for node in below}
        for metric in METRICS:
            params = {"survey_id": survey_id, "by": ["team"]}
            everybodys = (await read(tenant.client, metric, **params))["groups"]
            mine = [group for group in everybodys if group["group"]["id"] in names]
            assert (await read(client, metric, **params))["groups"] == mine
        seen |= groups_with_numbers(said)
    assert seen == groups_with_numbers(whole) - {0}
    assert attack(await as_kept(tenant, organisation, survey_id), seen, k) is None
