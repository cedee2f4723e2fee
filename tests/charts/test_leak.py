"""What charts say of small random organisations is what the metrics say, and of the same groups."""

import csv
import io
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI

from tests.charts.specifications import numbers_of, untold
from tests.conftest import Tenant
from tests.metrics.leak import random_organisation
from tests.metrics.test_http_leak import FRAMED, founded, wave
from tests.metrics.test_leak import minimum
from tests.metrics.test_release import read

Json = dict[str, Any]
METRICS = {
    "quadrants": ["satisfaction-engagement"],
    "gap": ["satisfaction-engagement"],
    "participation": ["participation"],
    "heatmap": ["heatmap"],
    "facets": ["facets"],
    "questions": ["facets"],
    "levers": ["levers", "drivers"],
    "trend": ["trends"],
}
OF_GROUPS = ("quadrants", "gap", "participation", "heatmap")
SAMPLES = [*range(3), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(3, 60))]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", SAMPLES)
async def test_no_chart_tells_what_its_metric_does_not(seed: int, app: FastAPI) -> None:
    organisation, k = random_organisation(seed), minimum(seed)
    tenant = await founded(app, organisation, k)
    survey_id = await wave(tenant, organisation, FRAMED, Random(seed))
    whole = await read(tenant.client, survey_id=survey_id, by=["organization", "team"])
    for team in [one["group"]["id"] for one in whole["groups"]]:
        where = {"survey_id": survey_id, **({"team": team} if team else {})}
        for name in METRICS:
            await compare(tenant, name, where)
            await compare(tenant, name, where | {"by": ["organization", "team"]})


def untold_cells(table: str, answer: Json) -> set[str]:
    """Of a table, what its JSON does not say; names of its members are said by it."""
    rows = list(csv.reader(io.StringIO(table)))[1:]
    return {cell for row in rows for cell in row} - set(said_in(answer)) - {""}


def said_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield name
            yield from said_in(value)
    elif isinstance(node, list):
        yield "; ".join(map(str, node))
        for value in node:
            yield from said_in(value)
    else:
        yield node if isinstance(node, str) else json.dumps(node)


def test_a_hidden_number_that_is_planted_is_found() -> None:
    answer = {"groups": [{"group": {"id": "sales"}, "status": "suppressed", "reason": "below_minimum"}]}
    table = "group.id,status,n\r\nsales,suppressed,3\r\n"
    assert untold_cells(table, answer) == {"3"}
    chart = {"datasets": {"groups": [], "hidden": [{"name": "sales", "score": 61.25}]}}
    assert untold(chart, answer)


async def compare(tenant: Tenant, name: str, where: Json) -> None:
    by = where.get("by", ["organization", "team"])
    answers = [await read(tenant.client, metric, **where | {"by": by}) for metric in METRICS[name]]
    for metric, answer in zip(METRICS[name], answers, strict=True):
        table = await tenant.client.get(
            f"/v1/metrics/{metric}", params=where | {"by": by}, headers={"Accept": "text/csv"}
        )
        assert untold_cells(table.text, answer) == set()
    got = await tenant.client.get(f"/v1/charts/{name}", params=where)
    assert got.status_code == 200, got.text
    found: Json = got.json()
    assert untold(found, *answers) == set()
    if name in OF_GROUPS:
        shown = {one["group"]["id"] for one in answers[0]["groups"] if one["status"] == "ok"}
        data = found["datasets"]
        assert len(data["groups"]) <= len(shown)
        assert set(numbers_of(data["hidden"])) == set()
        if "by" in where:
            assert len(data["groups"]) == len(shown)
