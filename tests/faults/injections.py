"""What goes wrong, by kind. Each leaves the world as it was, but for what died of it."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx

from tests.acceptance.process import environment_of
from tests.faults.load import Load, is_for_later, sent
from tests.faults.site import CLOCK, Loop, Site

A_WHILE = 2.0
MANY = 60
LARGE, SMALL, OF_A_BATCH = 100_000, 300, 1_000
"""Responses: of the first release that is killed, of those after it, and of a request."""
RELEASING = 120.0
"""Seconds for the release itself, after all is healed; the machine may be busy."""
OTHERS = """
SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass
class Scene:
    site: Site
    loop: Loop
    load: Load
    random: random.Random
    disk: Path | None
    """A small one that the data folder lies on."""
    client: httpx.Client
    patience: float
    """Seconds in which all is to be well again."""
    releases: Iterator[int] = field(default_factory=lambda: iter([LARGE]))


Injection = Callable[[Scene], None]
KINDS: dict[str, Injection] = {}


def kind(words: str) -> Callable[[Injection], Injection]:
    def add(injection: Injection) -> Injection:
        KINDS[words] = injection
        return injection

    return add


@kind("service killed")
def kill_service(scene: Scene) -> None:
    scene.site.send(signal.SIGKILL)


@kind("service told to end")
def end_service(scene: Scene) -> None:
    scene.site.send(signal.SIGTERM)
    scene.site.service.wait()


@kind("service stopped for a while")
def stop_service(scene: Scene) -> None:
    scene.site.send(signal.SIGSTOP)
    time.sleep(A_WHILE)
    scene.site.send(signal.SIGCONT)


@kind("PostgreSQL killed, all of it")
def kill_server(scene: Scene) -> None:
    for process in scene.site.server_processes():
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@kind("PostgreSQL ended at once")
def quit_server(scene: Scene) -> None:
    os.kill(scene.site.server_processes()[0], signal.SIGQUIT)


@kind("PostgreSQL ended in order")
def end_server(scene: Scene) -> None:
    os.kill(scene.site.server_processes()[0], signal.SIGINT)


@kind("a process of PostgreSQL killed")
def kill_backend(scene: Scene) -> None:
    others: list[int] = []
    while not others:
        others = [row[0] for row in scene.site.sql(OTHERS)[0]]
    with suppress(ProcessLookupError):
        os.kill(scene.random.choice(others), signal.SIGKILL)


@kind("all lines ended by the server")
def terminate_lines(scene: Scene) -> None:
    with suppress(asyncpg.PostgresError):
        scene.site.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


@kind("all statements cancelled")
def cancel_statements(scene: Scene) -> None:
    for _ in range(20):
        scene.site.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        time.sleep(0.05)


@kind("a table locked")
def lock_table(scene: Scene) -> None:
    with scene.site.holding("LOCK TABLE people IN ACCESS EXCLUSIVE MODE"):
        time.sleep(A_WHILE)


@kind("rows locked")
def lock_rows(scene: Scene) -> None:
    with scene.site.holding("SELECT FROM people WHERE external_id LIKE 'giver-%' FOR UPDATE"):
        time.sleep(A_WHILE)


@kind("no connection left")
def exhaust(scene: Scene) -> None:
    """Until the server refuses the next one; also those are taken that the service had."""
    scene.loop.do(take_every_connection(scene.site))


async def take_every_connection(site: Site) -> None:
    taken: list[asyncpg.Connection] = []
    try:
        await take_those_left(site, taken)
        await site.network.cut()
        since = time.monotonic()
        while time.monotonic() < since + A_WHILE:
            await take_those_left(site, taken)
    finally:
        for line in taken:
            line.terminate()


async def take_those_left(site: Site, taken: list[asyncpg.Connection]) -> None:
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            taken.append(await asyncpg.connect(site.database))


@kind("lines cut")
def cut_lines(scene: Scene) -> None:
    scene.loop.do(scene.site.network.cut())


@kind("new lines refused")
def close_network(scene: Scene) -> None:
    scene.site.network.is_closed = True
    scene.loop.do(scene.site.network.cut())
    time.sleep(A_WHILE)
    scene.site.network.is_closed = False


@kind("packets lost in silence")
def lose_packets(scene: Scene) -> None:
    scene.loop.call(scene.site.network.fall_silent)
    time.sleep(6 * A_WHILE)
    scene.loop.call(scene.site.network.come_back)


@kind("a slow network")
def slow_network(scene: Scene) -> None:
    scene.site.network.delay = 0.2
    time.sleep(A_WHILE)
    scene.site.network.delay = 0.0


def raw(scene: Scene, path: str, length: int, body: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", scene.site.port), timeout=10)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {scene.load.given.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    line.sendall(head.encode() + body)
    return line


@kind("clients gone amid a request")
def half_requests(scene: Scene) -> None:
    for _ in range(20):
        with suppress(OSError):
            raw(scene, "/v1/people/batch", 5000, b'{"items": [').close()


@kind("clients gone before the answer")
def gone_clients(scene: Scene) -> None:
    for number in range(20):
        message = f"gone-{id(scene)}-{time.monotonic_ns()}-{number}"
        body = f'{{"giver": "giver-2", "receivers": ["giver-3"], "message": "{message}"}}'.encode()
        with suppress(OSError):
            raw(scene, "/v1/recognitions", len(body), body).close()


@kind("a rush of clients")
def rush(scene: Scene) -> None:
    def ask() -> None:
        with suppress(httpx.TransportError):
            headers = {"Authorization": f"Bearer {scene.load.given.key}"}
            answer = httpx.get(f"{scene.site.url}/v1/people", headers=headers, timeout=30)
            if answer.status_code != 200:
                scene.load.ledger.note("person", "rush", answer)

    threads = [threading.Thread(target=ask) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@kind("service killed inside a release")
def kill_in_release(scene: Scene) -> None:
    """The survey is released all the same, once: the first time one of 100,000 responses."""
    survey = closed_survey(scene, next(scene.releases, SMALL))
    time.sleep(scene.random.random())
    scene.site.send(signal.SIGKILL)
    deadline = time.monotonic() + RELEASING + scene.patience
    while time.monotonic() < deadline:
        with suppress(asyncpg.PostgresError, OSError):
            rows = scene.site.sql(
                f"SELECT s.status, (SELECT count(*) FROM releases r WHERE r.survey_id = s.id) AS n"
                f" FROM surveys s WHERE s.id = '{survey}'"
            )[0]
            if tuple(rows[0]) == ("released", 1):
                return
        time.sleep(0.5)
    scene.load.ledger.wrong.append(f"the survey {survey} has no release after its service was killed")


def closed_survey(scene: Scene, size: int) -> str:
    headers = {"Authorization": f"Bearer {scene.load.given.key}"}
    with httpx.Client(base_url=scene.site.url, headers=headers, timeout=60) as client:

        def done(path: str, body: object = None) -> httpx.Response:
            """Under a key of its own, until it is: a busy machine may take several tries."""
            key = str(uuid4())
            while (answer := sent(client, "POST", path, body, key=key)) is None or is_for_later(answer):
                time.sleep(0.2)
            return answer.raise_for_status()

        draft = {"name": "Killed", "questionnaire": "betrokken-33", "mode": "anonymous", "access": "open"}
        survey: str = done("/v1/surveys", draft).json()["id"]
        done(f"/v1/surveys/{survey}/open")
        for start in range(0, size, OF_A_BATCH):
            items = [{"answers": {"S01": n % 5 + 1}} for n in range(start, min(size, start + OF_A_BATCH))]
            done(f"/v1/surveys/{survey}/responses/batch", {"items": items})
        done(f"/v1/surveys/{survey}/close")
        return survey


@kind("disk of the data folder full")
def fill_disk(scene: Scene) -> None:
    if scene.disk is None:
        raise Unavailable("no small disk could be mounted")
    file = scene.disk / "fill"
    with suppress(OSError), file.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(2**20))
    time.sleep(A_WHILE)
    file.unlink()


@kind("clock stepped")
def step_clock(scene: Scene) -> None:
    """That of the service, an hour ahead and an hour back."""
    if CLOCK is None:
        raise Unavailable("libfaketime is not installed")
    for step in ("+3600", "-3600", "+0"):
        scene.site.clock.write_text(step)
        time.sleep(A_WHILE)


@kind("migrated meanwhile")
def migrate(scene: Scene) -> None:
    subprocess.run(
        [sys.executable, "-m", "app", "migrate"],
        env=environment_of(scene.site.database),
        check=True,
        capture_output=True,
    )


class Unavailable(Exception):
    """This kind cannot be had on this machine."""
