"""That what a whole run is held to can find something."""

import logging

import httpx
import pytest

from tests import secrecy
from tests.secrecy import Listener, Told


@pytest.fixture
def told() -> Told:
    made = Told()
    person = {
        "name": "Noor de Wit",
        "occasions": [{"key": "birthday", "date": "1990-05-17"}],
        "team": "sales-nl",
    }
    made.remember(httpx.Request("PUT", "http://test/v1/people/E-1", json=person))
    answers = {"answers": {"why": "The canteen", "how": "responses"}, "comment": "Thank you all"}
    made.remember(httpx.Request("POST", "http://test/v1/respond", json=answers))
    return made


@pytest.mark.parametrize(
    "planted",
    [
        {"person": "Noor de Wit"},
        {"day": "1990-05-17"},
        {"given": {"why": ["The canteen"]}},
        {"comment": "Thank you all"},
        {"reason": "550 no such box: noor@example.com"},
        {"token": "btk_live_0123456789abcdefghij"},
    ],
    ids=str,
)
def test_what_is_planted_in_a_line_is_found(planted: dict[str, object], told: Told) -> None:
    record = logging.makeLogRecord({"name": "betrokken.people", "msg": "planted", **planted})
    Listener(told).emit(record)
    assert told.betrayals() == [f"betrokken.people planted: {next(iter(planted))}"]


def test_what_is_planted_in_a_label_or_by_another_process_is_found(told: Told) -> None:
    told.hear("label of betrokken_jobs_total", {"task": "Noor de Wit"})
    told.hear_lines(
        'Listening.\n{"at": "", "logger": "betrokken", "event": "made", "by": "Thank you all"}\n{"at'
    )
    assert told.betrayals() == ["betrokken made: by", "label of betrokken_jobs_total: task"]


def test_what_operators_need_is_none_of_it(told: Told) -> None:
    told.hear("betrokken.access request", {"operation": "get_person", "status": 404, "team": "sales"})
    told.hear("label of betrokken_import_rows_total", {"kind": "responses"})
    assert told.betrayals() == []


def test_it_listens_to_this_run() -> None:
    logging.getLogger("betrokken.tests").info("secrecy_is_listening", extra={"heard": "a word of ours"})
    assert secrecy.told.heard["a word of ours"] == "betrokken.tests secrecy_is_listening: heard"
