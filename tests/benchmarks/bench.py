"""What the benchmarks share: a service as a process, clocks, and a survey of many random answers."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from app.embedded.server import embedded_postgres
from app.surveys.questionnaires.built_in import built_in
from tests.acceptance.process import Api, Service, eventually, served_database, serving
from tests.acceptance.steps import open_survey, put_all

QUESTIONS: list[dict[str, Any]] = built_in().content["questions"]
RESPONSES = 100_000
RESPONSE_BATCH = 5_000
DEPARTMENTS, TEAMS_EACH = 10, 20
TEAMS = [f"department-{number % DEPARTMENTS}~{number}" for number in range(DEPARTMENTS * TEAMS_EACH)]


@dataclass(frozen=True)
class Bench:
    api: Api
    database_url: str
    environment: dict[str, str]
    """Of the service."""

    @property
    def secret(self) -> str:
        """That with which its database is sealed."""
        return Path(self.environment["BETROKKEN_DATA_DIR"], "pseudonym-secret").read_text().strip()


@contextmanager
def bench() -> Iterator[Bench]:
    """A service with one organisation of 210 teams, and the address of its database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="betrokken-bench-")))
        environment = stack.enter_context(served_database(folder))
        url = stack.enter_context(serving(environment, folder / "serve.log"))
        database_url = environment.get("DATABASE_URL") or stack.enter_context(
            embedded_postgres(Path(environment["BETROKKEN_DATA_DIR"]))
        )
        api = stack.enter_context(Service(url, environment).organization("Bench"))
        departments = sorted({team.partition("~")[0] for team in TEAMS})
        put_all(api, "/v1/teams", [{"external_id": team, "name": team} for team in departments])
        below = [{"external_id": team, "name": team, "parent": team.partition("~")[0]} for team in TEAMS]
        put_all(api, "/v1/teams", below)
        yield Bench(api, database_url, environment)


def hire(api: Api, count: int) -> list[str]:
    names = [f"E-{number}" for number in range(count)]
    people = [
        {"external_id": name, "name": name, "team": TEAMS[number % len(TEAMS)]}
        for number, name in enumerate(names)
    ]
    put_all(api, "/v1/people", people)
    return names


def open_confidential(api: Api) -> str:
    return open_survey(api, questionnaire="betrokken-33", mode="confidential")


def open_anonymous(api: Api) -> str:
    return open_survey(api, questionnaire="betrokken-33", mode="anonymous", access="open")


def batches(who: Sequence[dict[str, str]]) -> list[bytes]:
    """Bodies of random responses, made before any clock runs."""
    random = Random(33)
    items = [{**one, "answers": random_answers(random)} for one in who]
    parts = [items[start : start + RESPONSE_BATCH] for start in range(0, len(items), RESPONSE_BATCH)]
    return [json.dumps({"items": part}).encode() for part in parts]


def random_answers(random: Random) -> dict[str, int]:
    return {q["key"]: random.randint(q["scale"]["low"], q["scale"]["high"]) for q in QUESTIONS}


def submit(api: Api, survey_id: str, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        answer = send(api, "POST", f"/v1/surveys/{survey_id}/responses/batch", body)
        assert answer.json()["summary"]["failed"] == 0, answer.text[:500]


def send(api: Api, method: str, path: str, body: bytes | None = None) -> httpx.Response:
    """Past the contract check of Api.request, which takes longer than the service."""
    headers = {"Content-Type": "application/json"} if body else None
    answer = api.send(api.build_request(method, path, content=body, headers=headers))
    assert answer.status_code == 200, answer.text[:500]
    return answer


def close_and_wait(api: Api, survey_id: str) -> None:
    api.sent("POST", f"/v1/surveys/{survey_id}/close")
    eventually(lambda: api.sent("GET", f"/v1/surveys/{survey_id}")["status"] == "released")


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median_seconds(work: Callable[[], Any], times: int) -> float:
    return median(seconds(work) for _ in range(times))


def show(title: str, columns: Sequence[str], *rows: Sequence[str]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
