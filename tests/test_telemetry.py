"""What operators see, and that nobody is named in it."""

import io
import json
import logging
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import text

from app.auth.principal import Scope
from app.core import telemetry
from app.core.logging import JsonLines
from app.core.settings import Settings
from app.main import JOBS, create_app
from app.scim.rooms import SCIM_ROUTERS
from tests.acceptance.process import free_port
from tests.conftest import SECRET, Tenant
from tests.contract import ContractClient, operations
from tests.world import MARK, furnish, open_survey

NAME = "Noor de Wit"


async def samples(client: ContractClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    exposition = (await client.get("/metrics")).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def change(before: dict, after: dict, name: str, **labels: str) -> float:  # type: ignore[type-arg]
    key = (name, frozenset(labels.items()))
    return float(after.get(key, 0) - before.get(key, 0))


async def test_requests_are_counted_by_operation_and_status_class(api: ContractClient) -> None:
    before = await samples(api)
    await api.get("/v1/people/E-1")
    await api.get("/v1/me")
    await api.get("/v1/no/such/path")
    after = await samples(api)
    total = "betrokken_http_requests_total"
    assert change(before, after, total, operation="get_person", status_class="4xx") == 1
    assert change(before, after, total, operation="get_me", status_class="2xx") == 1
    assert change(before, after, total, operation="none", status_class="4xx") == 1
    assert change(before, after, "betrokken_http_request_duration_seconds_count", operation="get_me") == 1


@pytest.mark.nightly
async def test_a_survey_s_life_is_counted(acme: Tenant) -> None:
    await acme.work()  # what earlier tests left to do
    before = await samples(acme.client)
    world = await furnish(acme)
    of_one = await open_survey(acme, "E-1042")
    await acme.client.post(f"/v1/surveys/{of_one}/close")
    await acme.work()
    url = f"/v1/surveys/{world['survey_id']}/responses"
    await acme.client.post(url, json={"respondent": "E-1042", "answers": {"pay_fair": 4}})
    await acme.client.post(url, json={"respondent": "E-0007", "answers": {"pay_fair": 9}})
    after = await samples(acme.client)
    assert change(before, after, "betrokken_survey_responses_accepted_total") == 5
    refused = "betrokken_survey_responses_refused_total"
    assert change(before, after, refused, reason="already_responded") == 1
    assert change(before, after, refused, reason="off_scale") == 1
    assert change(before, after, "betrokken_recognition_events_total") == 1
    assert change(before, after, "betrokken_release_duration_seconds_count") == 2
    assert change(before, after, "betrokken_release_suppressed_groups_total", reason="below_minimum") >= 1
    assert any(name == "betrokken_database_pool_connections_in_use" for name, _ in after)


@pytest.mark.nightly
async def test_labels_are_words_of_ours(acme: Tenant) -> None:
    """Whatever is asked for, a label is an operation, a class, a reason or a job: few, and known before."""
    before = (await samples(acme.client)).keys()  # of jobs that other tests made up, too
    await furnish(acme)
    for path in ("/v1/people/E-1042", "/v1/people/<script>", "/v1/x/y", "/v1/people/" + "z" * 200):
        await acme.client.get(path)
    known = {operation.id for operation in operations()} | set(JOBS) | {"none"}
    known |= {getattr(route, "operation_id", "") for router in SCIM_ROUTERS for route in router.routes}
    for name, labels in (await samples(acme.client)).keys() - before:
        if name.startswith("betrokken_"):
            for label, value in labels:
                assert label in {"operation", "status_class", "reason", "task", "kind", "outcome", "le"}, name
                if label in ("operation", "task"):
                    assert value in known
                assert label == "le" or re.fullmatch(r"[a-z0-9_]{1,40}", value), (name, value)
    exposition = telemetry.exposition().decode()
    assert not [word for word in (MARK, "E-1042", str(acme.id), "/v1/") if word in exposition]


def test_promtool_finds_nothing_to_say() -> None:
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool (Debian: prometheus) is not on the PATH")
    found = subprocess.run(
        [promtool, "check", "metrics"], input=telemetry.exposition(), capture_output=True, check=False
    )
    own = [line for line in found.stderr.decode().splitlines() if line.startswith("betrokken_")]
    assert not own


# ------------------------------------------------------------------ logs and errors


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged from DEBUG up, as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, own = logging.getLogger(), logging.getLogger("betrokken")
    levels = root.level, own.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    own.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(levels[0])
    own.setLevel(levels[1])


@pytest.fixture
async def broken(acme: Tenant, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service with three endpoints more, each of which fails over a person's name."""
    settings = Settings(pseudonym_secret=SecretStr(SECRET), worker_enabled=False)
    app: FastAPI = create_app(settings, database_url)
    app.state.database = acme.database

    @app.get("/code")
    async def code() -> None:
        raise RuntimeError(f"no such person: {NAME}")

    @app.get("/value")
    async def value() -> None:
        async with acme.database.tenant_session(acme.id) as session:
            await session.execute(text("SELECT CAST(CAST(:name AS text) AS int)"), {"name": NAME})

    @app.get("/duplicate")
    async def duplicate() -> None:
        async with acme.database.tenant_session(acme.id) as session:
            row = "INSERT INTO teams (organization_id, id, external_id, name) VALUES (:o, :o, :n, :n)"
            for _ in range(2):
                await session.execute(text(row), {"o": acme.id, "n": NAME})

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(("path", "status"), [("/code", 500), ("/value", 500), ("/duplicate", 409)])
async def test_an_error_tells_the_log_where_and_nobody_what(
    path: str, status: int, broken: httpx.AsyncClient, log: io.StringIO
) -> None:
    answer = await broken.get(path, headers={"X-Request-Id": "r-42"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "r-42"
    for hidden in (NAME, "Traceback", "RuntimeError", "SELECT", "asyncpg", ".py"):
        assert hidden not in answer.text
    written = log.getvalue()
    assert NAME not in written
    if status == 500:
        error = next(line for line in map(json.loads, written.splitlines()) if line["level"] == "error")
        assert (error["event"], error["request_id"]) == ("unexpected_error", "r-42")
        assert any("test_telemetry.py" in place for place in error["stack"])


def lines_of(log: io.StringIO, event: str) -> list[dict[str, object]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == event]


async def test_each_request_has_a_line_without_address_or_body(acme: Tenant, log: io.StringIO) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"X-Request-Id": "r-7", "traceparent": trace}
    person = {"name": NAME, "email": "noor@example.com"}
    await acme.client.put("/v1/people/n.dewit@example.com?dry=1", json=person, headers=headers)
    [line] = lines_of(log, "request")
    duration = line.pop("duration_ms")
    assert isinstance(duration, float)
    assert duration > 0
    assert line.pop("at")
    assert line == {
        "level": "info",
        "logger": "betrokken.access",
        "event": "request",
        "request_id": "r-7",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "organization_id": str(acme.id),
        "operation": "put_person",
        "status": 422,
    }


@pytest.mark.parametrize(("share", "lines"), [(0.0, 0), (1.0, 2)])
async def test_lines_are_sampled_but_those_of_errors(
    share: float, lines: int, settings: Settings, database_url: str, log: io.StringIO
) -> None:
    sampled = settings.model_copy(update={"access_log": share})
    app = create_app(sampled, database_url)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for path in ("/v1/me", "/health/live", "/broken"):
                await client.get(path)
    told = lines_of(log, "request")
    assert [line["status"] for line in told] == ([401, 200, 500] if lines else [500])
    assert [line["event"] for line in map(json.loads, log.getvalue().splitlines()) if "pid" in line] == [
        "ready",
        "stopped",
    ]


async def test_every_line_of_a_503_names_the_operation(settings: Settings, log: io.StringIO) -> None:
    """What found the database away, and the request itself."""
    app = create_app(settings, f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/health/ready")).status_code == 503
    told = lines_of(log, "request") + lines_of(log, "database_unavailable")
    assert [line["operation"] for line in told] == ["get_readiness"] * 2


async def test_logs_are_json_lines_without_people(acme: Tenant, log: io.StringIO) -> None:
    key = await acme.key(Scope.PEOPLE_READ)
    await furnish(acme)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert lines
    assert all({"at", "level", "logger", "event"} <= line.keys() for line in lines)
    assert not [word for word in (MARK, key, "kept the customer", "pay_fair") if word in log.getvalue()]
