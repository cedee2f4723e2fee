"""The bundled PostgreSQL dies under a living service: it comes back, and nothing acknowledged is lost."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.acceptance.process import Service, served_database, serving
from tests.acceptance.steps import open_survey, put_all, release
from tests.acceptance.test_crash import PEOPLE, stored
from tests.conftest import GIVEN_DATABASE
from tests.embedded.servers import servers_below
from tests.waiting import eventually

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.acceptance,
    pytest.mark.skipif(
        GIVEN_DATABASE is not None, reason="kills its database: only its own, the embedded one"
    ),
]


def send_until_taken(api: httpx.Client, survey_id: str, respondents: list[str], was_refused: Event) -> None:
    """As a patient client does: what is not taken now is sent again, with the same key."""
    for respondent in respondents:
        body = {"respondent": respondent, "answers": {"S01": 3}}
        headers = {"Idempotency-Key": f"r-{respondent}"}
        while (answer := api.post(f"/v1/surveys/{survey_id}/responses", json=body, headers=headers)).is_error:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            was_refused.set()


def test_it_comes_back_under_load_and_the_worker_goes_on(tmp_path: Path) -> None:
    refused = [Event() for _ in range(4)]
    with served_database(tmp_path) as environment, serving(environment, tmp_path / "log") as url:
        with Service(url, environment).organization("Restart") as api:
            put_all(api, "/v1/people", [{"external_id": name, "name": name} for name in PEOPLE])
            survey_id = open_survey(api, questionnaire="betrokken-33", mode="attributed")
            with ThreadPoolExecutor(4) as threads:
                senders = [
                    threads.submit(send_until_taken, api, survey_id, PEOPLE[first::4], refused[first])
                    for first in range(4)
                ]
                eventually(lambda: len(stored(api, survey_id)) > 50)
                for process in servers_below(tmp_path):
                    os.kill(process, signal.SIGKILL)
                for sender in senders:
                    sender.result()
            assert any(event.is_set() for event in refused)
            assert stored(api, survey_id) == set(PEOPLE)
            release(api, survey_id)
    log = (tmp_path / "log").read_text()
    assert "postgres_is_back" in log
    assert "unexpected_error" not in log
