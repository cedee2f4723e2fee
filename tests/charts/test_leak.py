"""What charts say of small random organisations is what the metrics say, and of the same groups."""

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


async def compare(tenant: Tenant, name: str, where: Json) -> None:
    by = where.get("by", ["organization", "team"])
    answers = [await read(tenant.client, metric, **where | {"by": by}) for metric in METRICS[name]]
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
