"""Whatever was answered 2xx is there after service and database were killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.process import PATIENCE, Service, eventually, free_port, is_ready, serving
from tests.acceptance.steps import open_survey, put_all
from tests.conftest import GIVEN_DATABASE
from tests.embedded.servers import servers_below

PEOPLE = [f"E-{number}" for number in range(2000)]
FEWER = PEOPLE[:500]


def send_answers(url: str, headers: Any, survey_id: str, respondents: list[str], done: list[str]) -> None:
    """Adds to `done` those whose response was answered 201 before the service died."""
    with httpx.Client(base_url=url, headers=headers, timeout=PATIENCE) as client:
        for respondent in respondents:
            body = {"respondent": respondent, "answers": {"S01": 3}}
            try:
                if client.post(f"/v1/surveys/{survey_id}/responses", json=body).status_code == 201:
                    done.append(respondent)
            except httpx.TransportError:
                break


def kill(service: subprocess.Popen[bytes], data: Path) -> None:
    """The service and every process of its database, at once and without warning."""
    for pid in [service.pid, *servers_below(data)]:
        os.kill(pid, signal.SIGKILL)
    service.wait()


def stored(api: httpx.Client, survey_id: str) -> set[str]:
    found: set[str] = set()
    path: str | None = f"/v1/surveys/{survey_id}/responses?limit=200"
    while path:
        page = api.get(path)
        found |= {item["respondent"] for item in page.json()["items"]}
        path = page.links["next"]["url"] if "next" in page.links else None
    return found


def send_by_code(url: str, codes: dict[str, str], answers: dict[str, int]) -> dict[str, int]:
    """The status that each code was answered with before the service died."""
    found: dict[str, int] = {}
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        for respondent, code in codes.items():
            headers = {"Authorization": f"Bearer {code}"}
            try:
                said = client.post("/v1/respond", headers=headers, json={"answers": answers})
                found[respondent] = said.status_code
            except httpx.TransportError:
                break
    return found


@contextmanager
def killable(tmp_path: Path) -> Iterator[tuple[Service, subprocess.Popen[bytes], Path]]:
    data, port = tmp_path / "data", free_port()
    environment = os.environ | {"BETROKKEN_DATA_DIR": str(data)}
    service = subprocess.Popen([sys.executable, "-m", "app", "serve", "--port", str(port)], env=environment)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: is_ready(url))
    yield Service(url, dict(environment)), service, data


@pytest.mark.nightly  # kills
@pytest.mark.skipif(GIVEN_DATABASE is not None, reason="kills its database: only its own, the embedded one")
def test_what_was_answered_2xx_survives_kill_9(tmp_path: Path) -> None:
    with killable(tmp_path) as (served, service, data), served.organization("Crash") as api:
        put_all(api, "/v1/people", [{"external_id": name, "name": name} for name in PEOPLE])
        survey_id = open_survey(api, questionnaire="betrokken-33", mode="attributed")
        with ThreadPoolExecutor(4) as threads:
            done: list[str] = []
            for first in range(4):
                threads.submit(send_answers, served.url, api.headers, survey_id, PEOPLE[first::4], done)
            eventually(lambda: len(done) > 20)
            kill(service, data)
        accepted = set(done)
        assert 20 < len(accepted) < len(PEOPLE)
        with serving(served.environment, tmp_path / "again.log") as again:
            api.base_url = httpx.URL(again)
            assert accepted <= stored(api, survey_id)


@pytest.mark.nightly  # kills
@pytest.mark.skipif(GIVEN_DATABASE is not None, reason="kills its database: only its own, the embedded one")
@pytest.mark.parametrize("allow_changes", [False, True])
def test_who_answers_by_code_as_it_is_killed_answers_once(tmp_path: Path, allow_changes: bool) -> None:
    with killable(tmp_path) as (served, service, data), served.organization("Crash") as api:
        put_all(api, "/v1/people", [{"external_id": name, "name": name} for name in FEWER])
        survey_id = open_survey(
            api, questionnaire="betrokken-33", mode="attributed", allow_changes=allow_changes
        )
        made = api.sent("POST", f"/v1/surveys/{survey_id}/invitations", json={"form": "codes"})
        codes = {one["respondent"]: one["token"] for one in made["invitations"]}
        with ThreadPoolExecutor(4) as threads:
            sending = [
                threads.submit(
                    send_by_code, served.url, {name: codes[name] for name in FEWER[first::4]}, {"S01": 3}
                )
                for first in range(4)
            ]
            eventually(lambda: len(stored(api, survey_id)) > 20)
            kill(service, data)
        accepted = {name for one in sending for name, status in one.result().items() if status == 201}
        assert 20 < len(accepted) < len(FEWER)
        with serving(served.environment, tmp_path / "again.log") as again:
            api.base_url = httpx.URL(again)
            before = stored(api, survey_id)
            assert accepted <= before
            statuses = send_by_code(again, codes, {"S01": 3})
            repeated = 201 if allow_changes else 409
            assert statuses == {name: repeated if name in before else 201 for name in FEWER}
            assert stored(api, survey_id) == set(FEWER)
