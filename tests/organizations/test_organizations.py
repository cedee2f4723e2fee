import pytest
from sqlalchemy import text

from app.core import audit
from app.core.audit import COMMAND_LINE
from app.core.database import Database, DBAPIError
from app.organizations import service
from app.organizations.queries import names_of_organizations
from tests.conftest import Tenant
from tests.contract import ContractClient


async def test_anonymous_is_refused(anonymous: ContractClient) -> None:
    answer = await anonymous.get("/v1/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_me_tells_organization_and_scopes(acme: Tenant) -> None:
    client = await acme.client_with("people:read")
    me = (await client.get("/v1/me")).json()
    assert me["organization"] == {"id": str(acme.id), "name": "Acme"}
    assert me["scopes"] == ["people:read"]


async def test_settings_are_patched_and_conditional(api: ContractClient) -> None:
    before = await api.get("/v1/organization")
    patch = {"name": "Acme BV", "retention": {"answers_months": 12}}
    after = await api.patch("/v1/organization", json=patch, headers={"If-Match": before.headers["etag"]})
    assert after.json()["name"] == "Acme BV"
    assert after.json()["retention"] == {"answers_months": 12, "leavers_months": None}
    stale = await api.patch("/v1/organization", json=patch, headers={"If-Match": before.headers["etag"]})
    assert stale.status_code == 412
    again = await api.get("/v1/organization", headers={"If-None-Match": after.headers["etag"]})
    assert again.status_code == 304


async def test_a_patch_that_changes_nothing_keeps_the_etag(api: ContractClient) -> None:
    first = await api.get("/v1/organization")
    same = await api.patch("/v1/organization", json={"name": "Acme"})
    assert same.headers["etag"] == first.headers["etag"]


async def test_a_key_works_until_it_is_revoked(acme: Tenant, api: ContractClient) -> None:
    made = await api.post("/v1/api-keys", json={"name": "HRIS", "scopes": ["people:read"]})
    assert made.status_code == 201
    bearer = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await api.get("/v1/me", headers=bearer)).json()["scopes"] == ["people:read"]
    assert (await api.delete(f"/v1/api-keys/{made.json()['id']}")).status_code == 204
    assert (await api.get("/v1/me", headers=bearer)).status_code == 401


async def test_a_secret_is_not_replayed(api: ContractClient) -> None:
    body = {"name": "HRIS", "scopes": ["people:read"]}
    first = await api.post("/v1/api-keys", json=body, headers={"Idempotency-Key": "one"})
    assert first.status_code == 201
    again = await api.post("/v1/api-keys", json=body, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    other = await api.post("/v1/api-keys", json={**body, "name": "x"}, headers={"Idempotency-Key": "one"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await api.get("/v1/api-keys")).json()["items"]) == 2


async def test_a_key_gives_no_more_than_its_maker_has(acme: Tenant) -> None:
    manager = await acme.client_with("keys:manage")
    answer = await manager.post("/v1/api-keys", json={"name": "x", "scopes": ["people:read"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_keys_are_listed_newest_first_in_pages(acme: Tenant, api: ContractClient) -> None:
    for name in "abc":
        await api.post("/v1/api-keys", json={"name": name, "scopes": ["people:read"]})
    first = await api.get("/v1/api-keys", params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    names = [key["name"] for key in first.json()["items"] + rest.json()["items"]]
    assert names == ["c", "b", "a", "test"]
    assert rest.json()["next_cursor"] is None


async def test_another_organizations_key_is_not_found(api: ContractClient, other: Tenant) -> None:
    theirs = (await other.client.get("/v1/api-keys")).json()["items"][0]["id"]
    assert (await api.delete(f"/v1/api-keys/{theirs}")).status_code == 404
    assert (await other.client.get("/v1/me")).status_code == 200


async def test_a_small_minimum_is_possible_only_before_a_first_survey(api: ContractClient) -> None:
    assert (await api.patch("/v1/organization", json={"minimum_group_size": 3})).status_code == 200
    assert (await api.patch("/v1/organization", json={"minimum_group_size": 8})).status_code == 200
    survey = {"name": "x", "questionnaire": "betrokken-33", "mode": "confidential"}
    survey_id = (await api.post("/v1/surveys", json=survey)).json()["id"]
    await api.post(
        "/v1/people/batch", json={"items": [{"external_id": f"E-{n}", "name": "x"} for n in range(8)]}
    )
    await api.post(f"/v1/surveys/{survey_id}/open")
    refused = await api.patch("/v1/organization", json={"minimum_group_size": 4})
    assert (refused.status_code, refused.json()["code"]) == (409, "minimum_group_size_locked")
    assert (await api.patch("/v1/organization", json={"minimum_group_size": 5})).status_code == 200


async def test_a_time_zone_is_an_iana_name(api: ContractClient) -> None:
    for zone in ("Mars/Olympus", "../../etc/passwd", "localtime"):
        answer = await api.patch("/v1/organization", json={"time_zone": zone})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_time_zone")


async def test_a_sender_of_cards_has_an_address_that_can_be_one(api: ContractClient) -> None:
    for right in ("HR Team", "hr@acme.example", "HR Team <hr@acme.example>", None):
        answer = await api.patch("/v1/organization", json={"card_sender": right})
        assert answer.json()["card_sender"] == right
    for wrong in ("HR <hr@acme>", "hr@acme..example", "HR <hr@acme.example> x", "@"):
        answer = await api.patch("/v1/organization", json={"card_sender": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_email")


async def test_a_key_is_narrowed_by_teams_or_by_who_leads_them(api: ContractClient) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    body = {"name": "x", "scopes": ["metrics:read"]}
    by_team = (await api.post("/v1/api-keys", json=body | {"teams": ["sales"]})).json()
    assert (by_team["teams"], by_team["person"]) == (["sales"], None)
    by_person = (await api.post("/v1/api-keys", json=body | {"person": "E-1"})).json()
    assert (by_person["teams"], by_person["person"]) == (None, "E-1")
    for wrong, code in (
        ({"teams": ["sales", "nowhere"]}, "unknown_team"),
        ({"teams": ["sales"], "person": "E-1"}, "narrowed_twice"),
        ({"teams": []}, "invalid_value"),
    ):
        answer = await api.post("/v1/api-keys", json=body | wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_what_metrics_count_by_is_chosen_member_by_member(acme: Tenant) -> None:
    before = (await acme.client.get("/v1/organization")).json()["metrics"]
    assert before == {"target": 75, "smallest_change": 5, "quadrants": "fixed", "norm": None}
    sent = await acme.client.patch("/v1/organization", json={"metrics": {"target": 80}})
    assert sent.json()["metrics"] == before | {"target": 80}
    norm = {"satisfaction": 68, "engagement": 71.5}
    sent = await acme.client.patch(
        "/v1/organization", json={"metrics": {"quadrants": "benchmark", "norm": norm}}
    )
    assert sent.json()["metrics"] == before | {"target": 80, "quadrants": "benchmark", "norm": norm}
    sent = await acme.client.patch("/v1/organization", json={"metrics": {"norm": None}})
    assert sent.json()["metrics"] == before | {"target": 80, "quadrants": "benchmark"}
    for wrong in (
        {"target": 0},
        {"target": 101},
        {"smallest_change": 0.5},
        {"smallest_change": 51},
        {"x": 1},
        {"quadrants": "median"},
        {"quadrants": None},
        {"norm": {"satisfaction": 60}},
        {"norm": {"satisfaction": 19, "engagement": 60}},
        {"norm": {"satisfaction": 60, "engagement": 91}},
        {"norm": {"satisfaction": "60", "engagement": 60}},
    ):
        assert (await acme.client.patch("/v1/organization", json={"metrics": wrong})).status_code == 422


async def test_an_organization_and_who_made_it_are_noted_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_id = await service.found(database, "Founded", COMMAND_LINE)
    async with database.tenant_session(organization_id) as session:
        [entry] = await audit.entries_before(session, audit.Filters(*[None] * 6), None, None)
    assert (entry.actor, entry.action, entry.target) == (
        COMMAND_LINE,
        "create_organization",
        str(organization_id),
    )

    monkeypatch.setattr(audit, "ADD", text("SELECT 1 / 0"))
    with pytest.raises(DBAPIError):
        await service.found(database, "Forgotten", COMMAND_LINE)
    async with database.system_session(reason="a test") as system:
        names = [name for _, name in await names_of_organizations(system)]
    assert "Founded" in names
    assert "Forgotten" not in names
