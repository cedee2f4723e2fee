"""Lists and metrics as tables: the same as their JSON, to whom prefers a table."""

import csv
import io
import json
from typing import Any

import pytest

from app.core.contract import contract
from app.core.spreadsheets import table_of
from tests.conftest import Tenant
from tests.contract import Operation, operations
from tests.metrics.test_release import names_of, released, staff

AS_TABLE = {"Accept": "text/csv"}
BOTH = {"application/json", "text/csv"}
TABLES = [one for one in operations() if set(one.answers.get("200", {})) >= BOTH]


def read(table: str | bytes) -> list[dict[str, str]]:
    text = table if isinstance(table, str) else table.decode()
    return list(csv.DictReader(io.StringIO(text)))


def numbers_in(node: Any) -> set[str]:
    if isinstance(node, dict | list):
        return {
            found for one in (node.values() if isinstance(node, dict) else node) for found in numbers_in(one)
        }
    return {json.dumps(node)} if isinstance(node, int | float) and not isinstance(node, bool) else set()


async def test_people_are_a_table_to_whom_prefers_one(acme: Tenant) -> None:
    for external_id, name in (("E-1", "Noor"), ("E-2", "=1+1")):
        body = {"name": name, "segments": {"location": "Urk"}}
        await acme.client.put(f"/v1/people/{external_id}", json=body)
    got = await acme.client.get("/v1/people", params={"limit": 1}, headers=AS_TABLE)
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'rel="next"' in got.headers["link"]
    assert "Accept" in got.headers["vary"].split(", ")
    [row] = read(got.text)
    assert (row["external_id"], row["name"], row["segments.location"], row["email"]) == (
        "E-1",
        "Noor",
        "Urk",
        "",
    )
    rows = read((await acme.client.get("/v1/people", headers=AS_TABLE)).text)
    assert rows[1]["name"] == "'=1+1"
    for accept in ("*/*", "application/json, text/csv", "text/csv;q=0.5, application/json", "text/html"):
        answer = await acme.client.get("/v1/people", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json", accept
    refused = await acme.client.get("/v1/people?limit=0", headers=AS_TABLE)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


async def test_what_is_neither_a_list_nor_of_groups_is_json_whatever_is_accepted(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 8})
    await released(acme, names_of("sales", 8))
    for metric in ("outcomes", "benchmark", "context"):
        answer = await acme.client.get(f"/v1/metrics/{metric}", headers=AS_TABLE)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), metric


async def test_a_metric_is_a_table_with_all_its_numbers_and_a_tag_of_its_own(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 8, "care": 9, "lab": 2})
    await released(acme, [*names_of("sales", 8), *names_of("care", 9)])
    params = {"by": ["organization", "team"]}
    for metric in ("satisfaction-engagement", "facets"):
        address = f"/v1/metrics/{metric}"
        told = await acme.client.get(address, params=params)
        table = await acme.client.get(address, params=params, headers=AS_TABLE)
        assert table.headers["etag"] != told.headers["etag"]
        rows = read(table.text)
        assert {row["group.id"] for row in rows} >= {"sales", "care", "lab"}
        assert {row["n"] for row in rows if row["group.id"] == "lab"} == {""}
        cells = {cell for row in rows for cell in row.values()}
        assert numbers_in(told.json()["groups"]) <= cells
        known = {**AS_TABLE, "If-None-Match": table.headers["etag"]}
        again = await acme.client.get(address, params=params, headers=known)
        assert (again.status_code, again.headers["etag"]) == (304, table.headers["etag"])
        for _ in range(2):  # of which the first may be told anew
            any_tag = {**AS_TABLE, "If-None-Match": "*", "Accept-Language": "nl"}
            assert (await acme.client.get(address, params=params, headers=any_tag)).status_code == 304
        other = {**AS_TABLE, "If-None-Match": told.headers["etag"]}
        assert (await acme.client.get(address, params=params, headers=other)).status_code == 200


def test_every_list_and_metric_with_rows_is_one() -> None:
    """The comparison with the routes says so of each; here that they are not none."""
    assert len(TABLES) >= 40
    assert {"list_people", "list_audit_entries", "get_facets", "get_heatmap", "get_definitions"} <= {
        one.id for one in TABLES
    }


@pytest.mark.parametrize("operation", TABLES, ids=lambda one: one.id)
def test_an_example_as_a_table_tells_what_it_tells_and_nothing_else(operation: Operation) -> None:
    told = operation.answers["200"]["application/json"]["example"]
    rows = read(table_of(json.dumps(told, default=str).encode()))
    cells = " ".join(cell for row in rows for cell in row.values())
    member = next(name for name in ("items", "groups", "metrics") if name in told)
    numbers = numbers_in(told[member])
    assert [one for one in numbers if one not in cells] == []
    assert rows
    assert contract()["paths"][operation.path]["get"]["operationId"] == operation.id
