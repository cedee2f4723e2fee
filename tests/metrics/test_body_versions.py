"""A release is read as it was written, however long ago: one upcast a version, from the bodies kept here."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import TypeAdapter

from app.core.database import DBAPIError
from app.metrics import names, schemas
from app.metrics.blocks.upcasts import StoredBody
from app.metrics.names import METRICS, Metric, MetricOfGroups
from app.metrics.releases import queries
from app.metrics.releases.builder import frozen
from app.metrics.releases.queries import Result
from app.metrics.views.groups import with_group
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.shapes import file_of, shape_of
from tests.metrics.test_release import finish, names_of, staff
from tests.surveys.test_surveys import opened

BODIES = Path(__file__).parent / "bodies"
VERSIONS = [(metric, version) for metric in METRICS.values() for version in range(1, metric.version + 1)]
PATHS = {
    "satisfaction_engagement": "/v1/metrics/satisfaction-engagement",
    "distinctness": "/v1/metrics/satisfaction-engagement",
    "texts": "/v1/metrics/comments?question=why",
    "filter": "/v1/metrics/satisfaction-engagement?filter=site:A",
    "disclosure": "/v1/surveys/{survey_id}/disclosure",
    "turnover": "/v1/metrics/outcomes",
    "leaving": "/v1/metrics/outcomes",
    "recognition_engagement": "/v1/metrics/recognition-engagement",
}
KEEP = """
INSERT INTO release_results (organization_id, survey_id, number, metric, group_ordinal, body_version, body)
VALUES ($1, $2, 1, $3, 0, $4, $5) ON CONFLICT (organization_id, survey_id, number, metric, group_ordinal)
DO UPDATE SET body = excluded.body, body_version = excluded.body_version
"""


def bodies_of(metric: str, version: int) -> list[StoredBody]:
    file = BODIES / f"{metric}.{version}.json"
    assert file.exists(), f"no {file.name}: keep here what a release of that version says, of each status"
    found: list[StoredBody] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(("metric", "version"), VERSIONS, ids=lambda one: getattr(one, "name", one))
def test_every_version_is_read(metric: Metric[Any], version: int) -> None:
    bodies = bodies_of(metric.name, version)
    assert "ok" in {body["status"].replace("shown", "ok") for body in bodies}
    for body in bodies:
        read = metric.read(body, version).model_dump(mode="json")
        if version == metric.version:
            assert read == body, "this is no longer what is written: a new version, an upcast, a new fixture"


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda one: one.name)
def test_no_status_of_a_version_changes(metric: Metric[Any]) -> None:
    """Also where no body above has it: a release that holds it would be read by nobody any more."""
    file = file_of(metric)
    assert file.exists(), "a new version: python -m tests.metrics.shapes keeps what it holds"
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert shape_of(metric) == kept, "not what releases of this version hold: a new version, and an upcast"


async def with_choices(api: ContractClient) -> StoredBody:
    body: StoredBody = (await api.get("/v1/questionnaires/betrokken-33")).json()
    options = [{"key": key, "text": {"en": key}} for key in ("home", "site")]
    asked = {"where": "choice", "which": "choices"}
    added = [
        {"key": key, "text": {"en": key}, "kind": kind, "options": options} for key, kind in asked.items()
    ]
    added.append({"key": "why", "text": {"en": "Why?"}, "kind": "text"})
    return {**body, "key": None, "questions": body["questions"] + added}


@pytest.fixture
async def survey_id(acme: Tenant) -> str:
    """A release, to put others' bodies into."""
    api = acme.client
    await staff(api, {"sales": 6})
    for name in names_of("sales", 6):
        await api.patch(f"/v1/people/{name}", json={"attributes": {"site": "A"}})
    await api.put("/v1/questionnaires/with-choices", json=await with_choices(api))
    survey = await opened(api, questionnaire="with-choices", report_by=["site"])
    items = [
        {
            "respondent": name,
            "answers": {"S01": 4, "S03": 4, "S05": 4, "E01": 5, "E03": 3, "E05": 4, "E07": 2},
        }
        for name in names_of("sales", 6)
    ]
    await api.post(f"/v1/surveys/{survey}/responses/batch", json={"items": items})
    return await finish(acme, survey)


async def test_every_version_is_served(acme: Tenant, survey_id: str, owner: asyncpg.Connection) -> None:
    for metric, version in VERSIONS:
        path = PATHS.get(metric.name, f"/v1/metrics/{metric.name}").format(survey_id=survey_id)
        for body in bodies_of(metric.name, version):
            await owner.execute(KEEP, acme.id, survey_id, metric.name, version, json.dumps(body))
            acme.app.state.ready_answers.kept.things.clear()  # what is changed by hand here never changes
            answer = await acme.client.get(path)
            assert answer.status_code == 200, (metric.name, body, answer.text)
        assert (await acme.client.get("/v1/metrics/overview")).status_code == 200, metric.name


async def test_what_is_stored_says_its_version(
    acme: Tenant, survey_id: str, owner: asyncpg.Connection
) -> None:
    rows = await owner.fetch(
        "SELECT DISTINCT metric, body_version FROM release_results WHERE survey_id = $1", survey_id
    )
    assert {row["metric"] for row in rows} == METRICS.keys() - {"turnover", "leaving"}
    assert {METRICS[row["metric"]].version for row in rows} == {row["body_version"] for row in rows}


TOLD_AS_KEPT = (names.HEADLINE, names.PARTICIPATION, names.ENPS, names.HEATMAP)
GROUP = schemas.TreeRef(kind="team", id="sales", name='\u00dc "x"', parent=None, depth=1)


@pytest.mark.parametrize("metric", TOLD_AS_KEPT, ids=lambda one: one.name)
def test_what_is_kept_is_what_goes_out_to_the_letter(metric: MetricOfGroups[Any, Any]) -> None:
    for body in bodies_of(metric.name, metric.version):
        numbers = metric.read(body, metric.version)
        expected = metric.placed(GROUP, numbers).model_dump_json()
        (result,) = frozen([metric.said({3: numbers})])
        assert metric.sent(result.body, result.version) == result.body
        reordered = json.dumps(dict(sorted(body.items())))
        for kept in (result.body, json.dumps(body), reordered):
            assert with_group(GROUP, metric.sent(kept, metric.version)) == expected, kept


@pytest.mark.parametrize("metric", TOLD_AS_KEPT, ids=lambda one: one.name)
def test_what_an_older_version_kept_goes_out_as_it_would_be_kept_now(metric: Metric[Any]) -> None:
    for version in range(1, metric.version):
        for body in bodies_of(metric.name, version):
            expected = metric.read(body, version).model_dump_json()
            assert metric.sent(json.dumps(body, separators=(",", ":")), version) == expected


async def test_the_database_keeps_it_to_the_letter(
    acme: Tenant, survey_id: str, owner: asyncpg.Connection
) -> None:
    query = (
        "SELECT body::text FROM release_results WHERE metric = $1 AND survey_id = $2 AND group_ordinal = 0"
    )
    kept = await owner.fetchval(query, names.HEADLINE.name, survey_id)
    assert kept == names.HEADLINE.numbers.validate_json(kept).model_dump_json()
    answer = await acme.client.get("/v1/metrics/satisfaction-engagement")
    assert kept.removeprefix("{") in answer.text


@pytest.mark.nightly
async def test_what_is_no_number_is_not_kept(acme: Tenant, survey_id: str) -> None:
    broken = Result(names.ENPS.name, 9, 1, '{"status":"ok","score":NaN}')
    async with acme.database.tenant_session(acme.id) as session:
        with pytest.raises(DBAPIError):
            await queries.add_results(session, UUID(survey_id), 1, [broken])


# ------------------------------------------------------------------ when a metric grows


class GrownEnps(schemas.EnpsOk):
    """With a member that no release before had."""

    median: float


def grown(*upcasts: Callable[[StoredBody], StoredBody]) -> Metric[Any]:
    numbers: Any = TypeAdapter(GrownEnps)
    return replace(names.ENPS, numbers=numbers, upcasts=(*names.ENPS.upcasts, *upcasts))


@pytest.mark.nightly
async def test_an_older_release_is_served_when_a_metric_has_grown(
    acme: Tenant, survey_id: str, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, newer = json.dumps(bodies_of("enps", 1)[0]), grown(lambda old: {**old, "median": 7.0})
    await owner.execute(KEEP, acme.id, survey_id, "enps", 1, body)
    monkeypatch.setattr(names, "ENPS", grown())
    assert (await acme.client.get("/v1/metrics/enps")).status_code == 500
    monkeypatch.setattr(names, "ENPS", newer)
    assert (await acme.client.get("/v1/metrics/enps")).status_code == 200


def test_upcasts_follow_one_another_from_the_version_that_was_written() -> None:
    metric = grown(lambda old: {**old, "middle": 1.0}, lambda old: {**old, "median": old["middle"] + 1})
    written = names.ENPS.version
    first = bodies_of("enps", written)[0]
    assert metric.version == written + 2
    assert metric.read(bodies_of("enps", 1)[0], 1).median == metric.read(first, written).median == 2
    assert metric.read({**first, "middle": 5.0}, written + 1).median == 6
    assert metric.read({**first, "median": 9.0}, written + 2).median == 9
