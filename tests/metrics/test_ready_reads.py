"""A release does not change, so what is read of it is made once: for each reader what they may see."""

import pytest

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.test_managers import manager
from tests.metrics.test_release import METRICS, names_of, released, staff

MADE_ONCE = [f"/v1/metrics/{metric}" for metric in METRICS if metric != "comments"]
each = pytest.mark.parametrize(
    "path", [*MADE_ONCE[:3], *(pytest.param(path, marks=pytest.mark.nightly) for path in MADE_ONCE[3:])]
)
BY_TEAM = "?by=organization&by=team"
BODIES = ("release_results", "survey_groups")


@pytest.fixture
async def survey_id(acme: Tenant) -> str:
    await staff(acme.client, {"sales": 6, "care": 6})
    await acme.client.patch("/v1/teams/sales", json={"lead": "sales-0"})
    return await released(acme, names_of("sales", 6) + names_of("care", 6))


def told(queries: list[str]) -> list[str]:
    return [sql for sql in queries if any(table in sql for table in BODIES)]


@each
async def test_it_is_made_of_the_release_once(
    path: str, acme: Tenant, survey_id: str, queries: list[str]
) -> None:
    first = await acme.client.get(path + BY_TEAM)
    assert told(queries)
    queries.clear()
    again = await (await acme.client_with("metrics:read")).get(path + BY_TEAM)
    assert (again.status_code, again.content) == (200, first.content)
    known = await acme.client.get(path + BY_TEAM, headers={"If-None-Match": first.headers["etag"]})
    assert known.status_code == 304
    assert not told(queries)


@each
async def test_it_is_what_a_reader_may_see_and_no_other_s(
    path: str, acme: Tenant, other: Tenant, survey_id: str
) -> None:
    """Each after the ones who see more, or another organisation's of the same names."""
    whole = await acme.client.get(path + BY_TEAM)
    lead, narrow = await manager(acme, person="sales-0"), await manager(acme, teams=["care"])
    for client, team in ((lead, "sales"), (narrow, "care"), (lead, "sales")):
        groups = (await client.get(path + BY_TEAM)).json()["groups"]
        assert [group["group"]["id"] for group in groups] == [team]
    assert (await other.client.get(path + BY_TEAM)).status_code == 404
    without = await acme.client_with("people:read")
    tag = {"If-None-Match": whole.headers["etag"]}
    assert (await without.get(path + BY_TEAM, headers=tag)).status_code == 403
    assert (await other.client.get(f"{path}?survey_id={survey_id}", headers=tag)).status_code == 404


@pytest.mark.nightly
async def test_organisations_alike_have_their_own(acme: Tenant, other: Tenant, survey_id: str) -> None:
    await staff(other.client, {"sales": 6, "care": 6})
    await released(other, names_of("sales", 6) + names_of("care", 6))
    for path in MADE_ONCE:
        tags = {(await tenant.client.get(path)).headers["etag"] for tenant in (acme, other)}
        assert len(tags) == 2, path


async def told_in(client: ContractClient, path: str, language: str = "en") -> tuple[str, bytes]:
    answer = await client.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"], answer.content


async def test_it_is_in_the_language_asked_for(acme: Tenant, survey_id: str) -> None:
    english, dutch, again = [
        await told_in(acme.client, "/v1/metrics/drivers", one) for one in ("en", "nl", "en")
    ]
    assert english == again
    assert english[0] != dutch[0]
    await acme.client.patch("/v1/organization", json={"locale": "nl"})
    assert (await acme.client.get("/v1/metrics/drivers")).headers["etag"] == dutch[0]


@pytest.mark.nightly
async def test_what_is_said_of_the_survey_is_what_it_is_called_now(acme: Tenant, survey_id: str) -> None:
    before = {path: await told_in(acme.client, path) for path in MADE_ONCE}
    changed = await acme.client.patch(f"/v1/surveys/{survey_id}", json={"name": "Renamed"})
    assert changed.status_code == 200, changed.text
    for path, (tag, _) in before.items():
        after, body = await told_in(acme.client, path)
        assert after != tag, path
        assert b'"name":"Renamed"' in body, path


@pytest.mark.nightly
async def test_an_earlier_wave_that_is_archived_is_left_out_at_once(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    first = await released(acme, names_of("sales", 6), pay=2, series="pulse")
    await released(acme, names_of("sales", 6), pay=4, series="pulse")
    paths = ("/v1/metrics/trends", "/v1/metrics/overview")
    lead = await manager(acme, teams=["sales"])
    for client in (acme.client, lead):
        before = [await told_in(client, path) for path in paths]
        assert all(first.encode() in body for _, body in before)
        await acme.client.patch(f"/v1/surveys/{first}", json={"archived": True})
        after = [await told_in(client, path) for path in paths]
        assert not any(first.encode() in body for _, body in after)
        assert all(one[0] != other[0] for one, other in zip(before, after, strict=True))
        await acme.client.patch(f"/v1/surveys/{first}", json={"archived": False})


async def test_an_overview_reads_the_groups_once(acme: Tenant, survey_id: str, queries: list[str]) -> None:
    await acme.client.get("/v1/metrics/overview" + BY_TEAM)
    assert len([sql for sql in queries if "FROM survey_groups" in sql]) <= 2  # and for the levers
