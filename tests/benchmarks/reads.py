"""Reads against ready bytes of the same size: python -m tests.benchmarks.reads"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import median

import httpx

from tests.acceptance.process import Api, free_port
from tests.benchmarks.bench import batches, bench, close_and_wait, hire, open_confidential, send, show, submit

PERSONS = 4_000
ROUNDS = 3
SECONDS = 3
CLIENTS = 16
ALL_GROUPS = "?by=organization&by=team"
READS = {
    "satisfaction-engagement, the organisation": "/v1/metrics/satisfaction-engagement",
    "satisfaction-engagement, 211 groups": f"/v1/metrics/satisfaction-engagement{ALL_GROUPS}",
    "overview, 211 groups": f"/v1/metrics/overview{ALL_GROUPS}",
    "drivers, 211 groups": f"/v1/metrics/drivers{ALL_GROUPS}",
    "facets, 211 groups": f"/v1/metrics/facets{ALL_GROUPS}",
}
UNCHANGED = "/v1/metrics/facets?by=organization&by=team"
LIVE = "/health/live"


@dataclass(frozen=True)
class Row:
    """How often a second, as a median over rounds, and of the limit measured in between."""

    work: str
    ours: float
    limit: float

    @property
    def ratio(self) -> float:
        return self.ours / self.limit


def main() -> None:
    with bench() as run:
        found = rows(run.api)
    told = [(one.work, f"{one.ours:.0f}", f"{one.limit:.0f}", f"{one.ratio:.3f}") for one in found]
    show(f"Reading, {CLIENTS} clients, median of {ROUNDS}", ("what", "a second", "limit", "ratio"), *told)


def rows(api: Api) -> list[Row]:
    """Of one organisation with a released wave; each limit is a bare server's with bytes of that size."""
    close_and_wait(api, open_confidential_wave(api))
    with raw_server() as raw:
        found = [against_ready_bytes(api, raw, work, path) for work, path in READS.items()]
    return [*found, unchanged_against_live(api)]


def against_ready_bytes(api: Api, raw: str, work: str, path: str) -> Row:
    size = len(send(api, "GET", path).content)
    ours, limit = by_turns((f"{api.base_url}{path}", token_of(api)), (f"{raw}/blob/{size}", {}))
    return Row(f"{work} ({size / 1000:.1f} kB)", ours, limit)


def unchanged_against_live(api: Api) -> Row:
    """What is answered 304, against a request that asks nothing of anybody."""
    tag = {"If-None-Match": send(api, "GET", UNCHANGED).headers["ETag"]}
    ours, limit = by_turns((f"{api.base_url}{UNCHANGED}", token_of(api) | tag), (f"{api.base_url}{LIVE}", {}))
    return Row(f"304, against {LIVE}", ours, limit)


def by_turns(ours: tuple[str, dict[str, str]], limit: tuple[str, dict[str, str]]) -> tuple[float, float]:
    """A B A B: what else the machine does falls on both."""
    pairs = [(a_second(*ours), a_second(*limit)) for _ in range(ROUNDS)]
    return median(one for one, _ in pairs), median(other for _, other in pairs)


def a_second(url: str, headers: dict[str, str]) -> float:
    """By wrk, which takes next to nothing of the processor itself."""
    sent = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", *sent, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told, told
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert found is not None, told
    return float(found[1])


def token_of(api: Api) -> dict[str, str]:
    return {"Authorization": api.headers["Authorization"]}


@contextmanager
def raw_server() -> Iterator[str]:
    port = free_port()
    command: Sequence[str] = [
        *(sys.executable, "-m", "uvicorn", "tests.benchmarks.raw:app"),
        *("--port", str(port), "--no-access-log", "--log-level", "error"),
    ]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command) as process:
        try:
            wait_for(url)
            yield url
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    while True:
        with suppress(httpx.TransportError):
            httpx.get(f"{url}/blob/1")
            return
        time.sleep(0.1)


def open_confidential_wave(api: Api) -> str:
    persons = [{"respondent": name} for name in hire(api, PERSONS)]
    survey_id = open_confidential(api)
    submit(api, survey_id, batches(persons))
    return survey_id


if __name__ == "__main__":
    main()
