"""Reporting by segment: what opening freezes, and which cell a response is stored in."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.test_surveys import ANSWERS, draft, open_to_enough, opened, respond

Json = dict[str, Any]
OPEN = {"mode": "anonymous", "access": "open"}
BY_INVITATION = {"mode": "anonymous", "access": "invited"}
CELLS = """
SELECT g.external_id AS team, c.segments, c.invited, c.ordinal, count(r.*) AS responses
FROM survey_cells c
JOIN survey_groups g ON g.survey_id = c.survey_id AND g.ordinal = c.group_ordinal
LEFT JOIN responses r ON r.survey_id = c.survey_id AND r.cell_ordinal = c.ordinal
WHERE c.survey_id = $1 GROUP BY 1, 2, 3, 4 ORDER BY c.ordinal
"""
VIEW = text(
    "SELECT group_ordinal, segments, value FROM answer_values"
    " WHERE survey_id = :survey_id AND value IS NOT NULL"
)


async def staff(api: ContractClient, *groups: tuple[int, str | None, Json]) -> list[str]:
    """So many people in a team with these segments; their names."""
    for team in dict.fromkeys(team for _, team, _ in groups if team):
        parent = team.rpartition("/")[0].replace("/", "-") or None
        await api.put(f"/v1/teams/{team.replace('/', '-')}", json={"name": team, "parent": parent})
    items = [
        {"external_id": f"E-{number}-{place}", "name": "x", "team": team and team.replace("/", "-")}
        | {"segments": segments}
        for place, (count, team, segments) in enumerate(groups)
        for number in range(count)
    ]
    answer = await api.post("/v1/people/batch", json={"items": items})
    assert answer.json()["summary"]["failed"] == 0, answer.text
    return [item["external_id"] for item in items]


async def cells(owner: asyncpg.Connection, survey_id: str) -> list[tuple[str, Json, int | None]]:
    """Team, categories and number invited."""
    await owner.set_type_codec("jsonb", encoder=str, decoder=json.loads, schema="pg_catalog")
    rows = await owner.fetch(CELLS, UUID(survey_id))
    return [(row["team"], row["segments"], row["invited"]) for row in rows]


async def answered(owner: asyncpg.Connection, survey_id: str) -> Counter[tuple[str, ...]]:
    """Team and categories of the responses, and how many."""
    await owner.set_type_codec("jsonb", encoder=str, decoder=json.loads, schema="pg_catalog")
    rows = await owner.fetch(CELLS, UUID(survey_id))
    return Counter({(row["team"], *row["segments"].values()): row["responses"] for row in rows}) - Counter()


async def segments_of(owner: asyncpg.Connection, survey_id: str) -> list[tuple[str, str]]:
    rows = await owner.fetch(
        "SELECT * FROM survey_groups WHERE survey_id = $1 ORDER BY ordinal", UUID(survey_id)
    )
    assert [row["ordinal"] for row in rows] == list(range(len(rows)))
    tree = [row["kind"] != "segment" for row in rows]
    assert tree == sorted(tree, reverse=True)
    found = [row for row in rows if row["kind"] == "segment"]
    assert all((row["parent"], row["depth"], row["name"]) == (0, 0, row["external_id"]) for row in found)
    return [(row["segment"], row["external_id"]) for row in found]


async def test_opening_freezes_team_and_categories(api: ContractClient, owner: asyncpg.Connection) -> None:
    await staff(
        api,
        (6, "sales", {"site": "Utrecht", "tenure": "0-1"}),
        (5, "sales", {"site": "Delft"}),
        (2, None, {"site": "Assen", "tenure": "0-1"}),
        (4, "sales", {"site": "Bergen", "tenure": "2+"}),
    )
    survey_id = await opened(api, report_by=["tenure", "site"])
    assert await segments_of(owner, survey_id) == [
        ("tenure", "0-1"),
        ("tenure", "other"),
        ("site", "Delft"),
        ("site", "Utrecht"),
        ("site", "other"),
    ]
    assert await cells(owner, survey_id) == [
        ("", {"tenure": "0-1", "site": "other"}, 2),
        ("sales", {"tenure": "0-1", "site": "Utrecht"}, 6),
        ("sales", {"tenure": "other", "site": "Delft"}, 5),
        ("sales", {"tenure": "other", "site": "other"}, 4),
    ]


async def test_without_a_value_one_is_unknown(api: ContractClient, owner: asyncpg.Connection) -> None:
    await staff(api, (5, None, {"site": "Utrecht"}), (5, None, {}), (5, None, {"site": "unknown"}))
    survey_id = await opened(api, report_by=["site"])
    assert await segments_of(owner, survey_id) == [("site", "Utrecht"), ("site", "unknown")]
    assert [invited for _, _, invited in await cells(owner, survey_id)] == [5, 10]


async def test_a_dimension_of_one_category_is_listed(api: ContractClient, owner: asyncpg.Connection) -> None:
    await staff(api, (9, None, {"site": "Utrecht"}), (2, None, {"site": "Delft"}))
    survey_id = await opened(api, report_by=["site", "tenure"])
    assert await segments_of(owner, survey_id) == [("site", "other"), ("tenure", "unknown")]


async def test_a_response_keeps_the_cell_frozen_at_opening(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    names = await staff(api, (5, "sales", {"site": "Utrecht"}), (5, None, {"site": "Delft"}))
    survey_id = await opened(api, report_by=["site"], mode="attributed")
    await api.patch(f"/v1/people/{names[0]}", json={"team": None, "segments": {"site": "Delft"}})
    await respond(api, survey_id, respondent=names[0])
    assert await answered(owner, survey_id) == {("sales", "Utrecht"): 1}
    read = await api.get(f"/v1/surveys/{survey_id}/responses")
    assert read.json()["items"][0]["team"] == "sales"


async def test_the_view_tells_sql_users_the_cell(acme: Tenant, owner: asyncpg.Connection) -> None:
    names = await staff(acme.client, (5, "sales", {"site": "Utrecht"}), (5, None, {"site": "Delft"}))
    survey_id = await opened(acme.client, report_by=["site"])
    for name in (names[0], names[-1]):
        await respond(acme.client, survey_id, respondent=name, answers={"S01": 4})
    async with acme.database.tenant_session(acme.id) as session:
        rows = (await session.execute(VIEW, {"survey_id": survey_id})).all()
    assert sorted(rows) == [(0, {"site": "Delft"}, 4), (1, {"site": "Utrecht"}, 4)]


async def test_an_anonymous_survey_keeps_no_cell_of_too_few(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    await staff(
        api,
        (6, "sales", {"site": "Utrecht"}),
        (3, "sales", {"site": "Delft"}),
        (3, "sales", {"site": "Assen"}),
        (4, "sales/nl", {"site": "Utrecht"}),
        (5, "sales/be", {"site": "Delft"}),
        (5, None, {"site": "Assen"}),
    )
    survey_id = await opened(api, report_by=["site"], **BY_INVITATION)
    assert await cells(owner, survey_id) == [
        ("", {"site": "Assen"}, 5),
        ("sales", {"site": "Utrecht"}, 6),
        ("sales", {"site": "other"}, 10),
        ("sales-be", {"site": "Delft"}, 5),
    ]
    members = await owner.fetch(
        "SELECT cell_ordinal, count(*) AS n FROM survey_members WHERE survey_id = $1 GROUP BY 1 ORDER BY 1",
        UUID(survey_id),
    )
    assert [tuple(row) for row in members] == [(0, 5), (1, 6), (2, 10), (3, 5)]
    participation = (await api.get(f"/v1/surveys/{survey_id}/participation")).json()
    assert participation["invited"] is None


async def test_an_anonymous_survey_by_invitation_takes_no_response_from_a_key(api: ContractClient) -> None:
    survey_id = await opened(api, **BY_INVITATION)
    url, body = f"/v1/surveys/{survey_id}/responses", {"answers": ANSWERS}
    one = await api.post(url, json=body)
    many = await api.post(f"{url}/batch", json={"items": [body]})
    for answer in (one, many):
        assert (answer.status_code, answer.json()["code"]) == (409, "invitation_required")


SPREAD = [
    (6, "sales", {"site": "Utrecht", "tenure": "0-1"}),
    (3, "sales", {"site": "Utrecht", "tenure": "2+"}),
    (2, "sales", {"site": "Utrecht", "tenure": "1-2"}),
    (2, "sales", {"site": "Delft", "tenure": "2+"}),
    (4, "sales/nl", {"site": "Delft", "tenure": "2+"}),
    (5, "sales/be", {"site": "Delft"}),
    (5, "it", {"site": "Utrecht", "tenure": "1-2"}),
]


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ({"team": "sales", "segments": {"site": "Utrecht", "tenure": "0-1"}}, ("sales", "Utrecht", "0-1")),
        ({"team": "sales", "segments": {"site": "Utrecht", "tenure": "2+"}}, ("sales", "Utrecht", "other")),
        ({"team": "sales", "segments": {"site": "Paris", "tenure": "0-1"}}, ("sales", "other", "other")),
        ({"team": "sales", "segments": {"site": "Utrecht"}}, ("sales", "Utrecht", "other")),
        ({"team": "sales", "segments": {"site": "Delft", "tenure": "2+"}}, ("sales", "other", "other")),
        ({"team": "sales"}, ("sales", "unknown", "unknown")),
        ({"team": "sales", "segments": {}}, ("sales", "unknown", "unknown")),
        ({"team": "sales-be", "segments": {"site": "Delft"}}, ("sales-be", "Delft", "unknown")),
        ({"team": "sales-nl", "segments": {"site": "Delft", "tenure": "2+"}}, ("sales", "other", "other")),
        ({"team": "empty", "segments": {"site": "Utrecht", "tenure": "0-1"}}, ("empty", "other", "other")),
        ({"segments": {"site": "Utrecht", "tenure": "0-1"}}, ("", "other", "other")),
        ({}, ("", "unknown", "unknown")),
    ],
)
async def test_what_is_said_in_an_open_survey_is_stored_as_far_as_it_singles_out_nobody(
    said: Json, stored: Sequence[str], api: ContractClient, owner: asyncpg.Connection
) -> None:
    await api.put("/v1/teams/empty", json={"name": "Nobody is on file here"})
    await staff(api, *SPREAD)
    survey_id = await opened(api, report_by=["site", "tenure"], **OPEN)
    one = await respond(api, survey_id, **said)
    assert one.status_code == 201, one.text
    many = {"items": [{"answers": ANSWERS, **said}, {"answers": ANSWERS, "team": "sales"}]}
    await api.post(f"/v1/surveys/{survey_id}/responses/batch", json=many)
    expected = Counter([stored, stored, ("sales", "unknown", "unknown")])
    assert await answered(owner, survey_id) == expected
    assert {invited for _, _, invited in await cells(owner, survey_id)} == {None}


async def test_an_open_survey_of_an_organisation_with_nobody_on_file_keeps_the_teams(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    survey_id = await opened(api, report_by=["site"], **OPEN)
    await respond(api, survey_id, team="sales", segments={"site": "Utrecht"})
    assert await answered(owner, survey_id) == {("sales", "other"): 1}
    assert await segments_of(owner, survey_id) == [("site", "other"), ("site", "unknown")]


async def test_an_open_survey_narrowed_by_segments_knows_the_teams_with_such_people(
    api: ContractClient,
) -> None:
    await staff(api, (5, "sales", {"site": "Utrecht"}), (5, "it", {"site": "Delft"}))
    survey_id = await opened(api, audience={"segments": {"site": ["Delft"]}}, **OPEN)
    assert (await respond(api, survey_id, team="it")).status_code == 201
    assert (await respond(api, survey_id, team="sales")).json()["code"] == "unknown_team"


async def test_segments_beside_report_by_are_refused(api: ContractClient) -> None:
    survey_id = await opened(api, report_by=["site"], **OPEN)
    for segments, code, place in (
        ({"site": "x", "tenure": "0-1"}, "unknown_segment", "#/segments/tenure"),
        ({"a/b": "x"}, "unknown_segment", "#/segments/a~1b"),
        ({"site": ""}, "invalid_value", "#/segments/site"),
        ({"site": "x" * 101}, "invalid_value", "#/segments/site"),
        ({"site": None}, "invalid_value", "#/segments/site"),
        (["site"], "invalid_value", "#/segments"),
    ):
        one = await respond(api, survey_id, segments=segments)
        items = [{"answers": ANSWERS, "segments": segments}]
        many = await api.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
        (result,) = many.json()["results"]
        for status, problem in ((one.status_code, one.json()), (result["status"], result["problem"])):
            assert (status, problem["code"], problem["errors"][0]["pointer"]) == (422, code, place)


@pytest.mark.parametrize(
    "report_by", [["site", "site"], [f"s{number}" for number in range(21)], ["1"], [""], [None], "site", None]
)
async def test_a_bad_report_by_is_refused(report_by: Any, api: ContractClient) -> None:
    body = {"name": "x", "questionnaire": "betrokken-33", "mode": "confidential", "report_by": report_by}
    created = await api.post("/v1/surveys", json=body)
    patched = await api.patch(f"/v1/surveys/{await draft(api)}", json={"report_by": report_by})
    for answer in (created, patched):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value"), answer.text
        assert answer.json()["errors"][0]["pointer"].startswith("#/report_by")


async def test_report_by_is_returned_changed_and_locked_by_opening(api: ContractClient) -> None:
    names = [f"s{number}" for number in range(20)]
    survey_id = await draft(api, report_by=names)
    url = f"/v1/surveys/{survey_id}"
    assert (await api.get(url)).json()["report_by"] == names
    assert (await api.patch(url, json={"report_by": ["tenure", "site"]})).json()["report_by"] == [
        "tenure",
        "site",
    ]
    await open_to_enough(api, survey_id)
    refused = await api.patch(url, json={"report_by": []})
    assert (refused.status_code, refused.json()["code"]) == (409, "survey_locked")
