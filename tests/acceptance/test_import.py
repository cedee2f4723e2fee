"""`betrokken import` against a service, and a service killed while it reads a file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from app.imports.client import Delivery, SendingFailed
from tests.acceptance.process import PATIENCE, Service, eventually, free_port, is_ready, serving
from tests.acceptance.steps import open_survey, put_all
from tests.acceptance.test_crash import kill
from tests.conftest import GIVEN_DATABASE

PEOPLE = [f"E-{number}" for number in range(10_000)]


def imported(service: Service, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", "import", *arguments, "--url", service.url]
    environment = service.environment | {"BETROKKEN_API_KEY": key}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


@pytest.mark.nightly
def test_the_command_sends_a_file_and_says_what_became_of_it(service: Service, tmp_path: Path) -> None:
    with service.organization("Shell") as api:
        key = api.headers["Authorization"].removeprefix("Bearer ")
        file, report = tmp_path / "people.csv", tmp_path / "report.csv"
        file.write_text("external_id;name;starts_on\nE-1;Noor;2021-03-01\nE-2;Sam;03-01-2021\n")
        done = imported(service, key, str(file), "--kind", "people", "--report", str(report))
        assert done.returncode == 1
        assert "2 rows, 1 created, 0 updated, 0 unchanged, 1 failed" in done.stdout
        assert done.stderr.splitlines()[-1].startswith("betrokken: 1 rows were refused")
        assert report.read_text().splitlines()[1].startswith("3,E-2,#/starts_on,starts_on,invalid_value")
        assert api.sent("GET", "/v1/people/E-1")["name"] == "Noor"
        file.write_text("external_id;name\nE-2;Sam\n")
        assert imported(service, key, str(file), "--kind", "people").returncode == 0


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("people.csv", {"kind": "salaries"}, "invalid_value"),
        ("people.csv", {"kind": "people", "mapping": "none"}, "unknown_mapping"),
        ("people.txt", {"kind": "people"}, "neither .csv nor .ndjson"),
    ],
)
def test_what_the_service_or_the_command_refuses_is_one_line(
    name: str, options: dict[str, str], word: str, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_text("external_id;name\nE-2;Sam\n")
    with service.organization("Refused") as api:
        key = api.headers["Authorization"].removeprefix("Bearer ")
    with pytest.raises(SendingFailed, match=word) as refused:
        Delivery(file, service.url, key, options).send(Console(stderr=True))
    assert "\n" not in str(refused.value)


@pytest.mark.nightly  # kills, and ten thousand people
@pytest.mark.skipif(GIVEN_DATABASE is not None, reason="kills its database: only its own, the embedded one")
def test_an_import_goes_on_after_kill_9(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    environment = os.environ | {"BETROKKEN_DATA_DIR": str(data)}
    server = subprocess.Popen([sys.executable, "-m", "app", "serve", "--port", str(port)], env=environment)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: is_ready(url))
    with Service(url, dict(environment)).organization("Crash") as api:
        put_all(api, "/v1/people", [{"external_id": name, "name": name} for name in PEOPLE])
        survey_id = open_survey(api, questionnaire="betrokken-33", mode="confidential")
        rows = (json.dumps({"respondent": name, "answers": {"S01": 3}}) + "\n" for name in PEOPLE)
        params = {"kind": "responses", "survey_id": survey_id}
        headers = {"Content-Type": "application/x-ndjson"}
        sent = api.sent("POST", "/v1/imports", params=params, content="".join(rows), headers=headers)
        path = f"/v1/imports/{sent['id']}"
        eventually(lambda: progress(api, path)["summary"]["created"] > 0)
        before = progress(api, path)
        os.kill(server.pid, signal.SIGSTOP)
        kill(server, data)
        assert 0 < before["summary"]["created"] < len(PEOPLE)
        with serving(dict(environment), tmp_path / "again.log") as again:
            api.base_url = httpx.URL(again)
            eventually(lambda: progress(api, path)["finished_at"] is not None)
            found = progress(api, path)
            assert (found["status"], found["summary"]["created"]) == ("finished", len(PEOPLE))
            assert found["summary"]["failed"] == 0


def progress(api: httpx.Client, path: str) -> Any:
    return api.get(path).json()
