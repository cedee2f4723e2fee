"""One response of 33 answers a request against the raw limit: python -m tests.benchmarks.submissions

The limit is a bare ASGI application that parses the answers, checks them and stores them by one INSERT
through asyncpg, on the same server with the same settings. Both are loaded by wrk, by turns; CPU is that of
the service and of PostgreSQL, without the client's.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import asyncpg
import jiter

from tests.acceptance.process import free_port, is_ready
from tests.benchmarks.bench import Bench, bench, hire, open_confidential, random_answers, show
from tests.conftest import on_database, run_sql
from tests.waiting import eventually

PEOPLE = 40_000
SECONDS, ROUNDS = 6, 2
RAW = "BENCH_RAW_DATABASE"
TICKS = os.sysconf("SC_CLK_TCK")
STORE = "INSERT INTO raw (who, answers) VALUES ($1, $2) RETURNING id"
TABLE = """
CREATE TABLE IF NOT EXISTS raw (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who text,
    at timestamptz DEFAULT now(), answers smallint[])
"""
SCRIPT = """
local number, bodies, tokens = -1, {}, {}
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
for line in io.lines("TOKENS") do tokens[#tokens + 1] = line end
local headers = {["Content-Type"] = "application/json"}
request = function()
  number = number + 1
  headers["Authorization"] = "Bearer " .. tokens[number % #tokens + 1]
  if KEYED then headers["Idempotency-Key"] = "TAG" .. number end
  return wrk.format("POST", nil, headers, (bodies[number % #bodies + 1]:gsub("NUMBER", number)))
end
"""

pools: list[asyncpg.Pool] = []


async def limit(scope: Any, receive: Any, send: Any) -> None:
    """The raw limit, as an ASGI application."""
    if scope["type"] == "lifespan":
        await receive()
        pools.append(await asyncpg.create_pool(os.environ[RAW], min_size=10, max_size=10))
        await pools[0].execute(TABLE)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pools.pop().close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["method"] == "GET":
        await answer(send, 200, b"{}")
        return
    body, is_more = b"", True
    while is_more:
        message = await receive()
        body, is_more = body + message["body"], message.get("more_body", False)
    sent = jiter.from_json(body)
    values = [*sent["answers"].values()]
    assert len(values) == 33
    assert all(0 <= value <= 10 for value in values)
    stored = await pools[0].fetchval(STORE, sent.get("respondent"), values)
    await answer(send, 201, b'{"id":%d}' % stored)


async def answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Load:
    """What wrk sends; each request has a number of its own."""

    name: str
    connections: int
    is_keyed: bool = False
    is_invited: bool = False


LOADS = (
    Load("one response a request, c=32", 32),
    Load("the same with Idempotency-Key", 32, is_keyed=True),
    Load("the same, c=128", 128),
    Load("/v1/respond with a token, c=32", 32, is_invited=True),
)
ONE_BY_ONE = Load("one response at a time, c=1: none are stored together", 1)


@dataclass(frozen=True)
class Found:
    per_second: float
    p99_ms: float
    cpu_seconds: float
    """Of a thousand requests, in user and system mode."""


class Processes:
    """The service that is measured, and the PostgreSQL below both."""

    def __init__(self, *roots: int) -> None:
        self.roots = roots

    def cpu_seconds(self) -> float:
        stats = {pid: stat for pid, stat in map(stat_of, every_process()) if stat}
        used = 0.0
        for stat in stats.values():
            if any(one in self.roots for one in line_of(stat, stats)):
                used += (int(stat[13]) + int(stat[14])) / TICKS
        return used


def every_process() -> list[int]:
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]


def stat_of(pid: int) -> tuple[int, list[str]]:
    """The fields as `man proc` counts them, from 0; none of a process that has just ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return pid, []
    return pid, [str(pid), "", *text.rpartition(")")[2].split()]


def line_of(stat: list[str], stats: dict[int, list[str]]) -> Iterator[int]:
    """A process and those above it."""
    while stat:
        yield int(stat[0])
        stat = stats.get(int(stat[3]), [])


def load(url: str, path: str, script: Path, connections: int, processes: Processes) -> Found:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(script), url + path]
    before = processes.cpu_seconds()
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = processes.cpu_seconds() - before
    assert "Non-2xx" not in told, told
    done = re.search(r"(\d+) requests in", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    assert done is not None
    assert rate is not None
    assert slowest is not None
    factor = {"us": 0.001, "ms": 1, "s": 1000}[slowest[2]]
    return Found(float(rate[1]), float(slowest[1]) * factor, 1000 * used / int(done[1]))


@contextmanager
def raw_limit(run: Bench) -> Iterator[tuple[str, int]]:
    """Its address and its process."""
    asyncio.run(run_sql(run.database_url, "CREATE DATABASE raw"))
    port = free_port()
    application = "tests.benchmarks.submissions:limit"
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--no-access-log", application]
    environment = os.environ | {RAW: on_database(run.database_url, "raw")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: is_ready(url))
            yield url, process.pid
        finally:
            process.terminate()


def process_of(*words: str) -> int:
    """The child of this process whose command has these words."""
    for pid, stat in map(stat_of, every_process()):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0") if stat else []
        if stat and int(stat[3]) == os.getpid() and set(words) <= set(command):
            return pid
    raise LookupError(words)


async def postmaster(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        return int(stat_of(backend)[1][3])
    finally:
        await connection.close()


def script(folder: Path, one: Load, tokens: Sequence[str], tag: str) -> Path:
    random = Random(33)
    who = "" if one.is_invited else '"respondent":"E-NUMBER",'
    bodies = [f'{{{who}"answers":{json.dumps(random_answers(random))}}}' for _ in range(1000)]
    (folder / "bodies").write_text("\n".join(bodies))
    (folder / "tokens").write_text("\n".join(tokens))
    given = {"KEYED": str(one.is_keyed).lower(), "TAG": tag}
    told = SCRIPT.replace("BODIES", f"{folder}/bodies").replace("TOKENS", f"{folder}/tokens")
    for name, value in given.items():
        told = told.replace(name, value)
    (folder / "load.lua").write_text(told)
    return folder / "load.lua"


def rounds(run: Bench, one: Load, raw: tuple[str, int], folder: Path) -> Iterator[tuple[Found, Found]]:
    """The service and the limit by turns; each time on a survey of its own."""
    database = asyncio.run(postmaster(run.database_url))
    service = process_of("serve")
    key = run.api.headers["authorization"].partition(" ")[2]
    for _ in range(ROUNDS):
        survey_id = open_confidential(run.api)
        tokens, path = [key], f"/v1/surveys/{survey_id}/responses"
        if one.is_invited:
            asked = run.api.sent("POST", f"/v1/surveys/{survey_id}/invitations", json={"send": False})
            tokens, path = [each["token"] for each in asked["invitations"]], "/v1/respond"
        sent = script(folder, one, tokens, survey_id)
        ours = load(str(run.api.base_url), path, sent, one.connections, Processes(service, database))
        yield ours, load(raw[0], "/r", sent, one.connections, Processes(raw[1], database))


def measured(run: Bench, loads: Sequence[Load]) -> list[tuple[str, ...]]:
    """A row a load, medians of the rounds: ratio, requests a second, CPU of a thousand, 99th percentile."""
    hire(run.api, PEOPLE)
    rows = []
    with raw_limit(run) as raw, tempfile.TemporaryDirectory(prefix="betrokken-bench-") as folder:
        for one in loads:
            ours, limits = zip(*rounds(run, one, raw, Path(folder)), strict=True)
            rows.append((one.name, *compared(ours, limits)))
    return rows


def compared(ours: Sequence[Found], limits: Sequence[Found]) -> Iterator[str]:
    own, least = (
        [median(getattr(one, name) for one in found) for name in FIELDS] for found in (ours, limits)
    )
    yield f"{own[0] / least[0]:.3f}"
    for name, one, other in zip(FORMATS, own, least, strict=True):
        yield f"{one:{name}}"
        yield f"{other:{name}}"


FIELDS, FORMATS = ("per_second", "cpu_seconds", "p99_ms"), (",.0f", ".2f", ".1f")
COLUMNS = ("what", "ratio", "a second", "limit", "CPU-s of 1,000", "limit", "p99 in ms", "limit")


def main(loads: Sequence[Load] = LOADS) -> None:
    with bench() as run:
        show("Submissions", COLUMNS, *measured(run, loads))


if __name__ == "__main__":
    chosen = [LOADS[int(place)] for place in sys.argv[1:]]
    main(chosen or LOADS)
