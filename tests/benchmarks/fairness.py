"""What a quiet organisation notices of a loud one: python -m tests.benchmarks.fairness

A ratio of two times on the same machine: the 99th percentile of a quiet organisation's requests beside a loud
one, to that of the same requests alone. The loud one is a process of its own.
"""

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.acceptance.process import Api, Service, served_database, serving
from tests.acceptance.steps import put_all
from tests.benchmarks.bench import show
from tests.waiting import PATIENCE

CONNECTIONS = 128
REQUESTS = 300
EVENTS, RECEIVERS = 5_000, 50
WANTED = 3.0
"""Times as slow as alone, at most."""

Noise = Callable[[str, str, Any], None]
"""Of an address and a key; says when it is loud."""


def many_connections(url: str, key: str, is_loud: Any) -> None:
    """Each asks again as soon as it was answered."""

    async def asking() -> None:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        head = f"GET /v1/me HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        while True:
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
            is_loud.set()

    async def all_of_them() -> None:
        await asyncio.gather(*(asking() for _ in range(CONNECTIONS)))

    asyncio.run(all_of_them())


def two_batches(url: str, key: str, is_loud: Any) -> None:
    """Legal ones, of the largest size, one after another in two lines."""
    names = [f"E-{number}" for number in range(RECEIVERS + 1)]
    event = {"giver": names[0], "receivers": names[1:], "message": "Thanks", "visibility": "private"}
    body = json.dumps({"items": [event] * EVENTS}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def sending() -> None:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=None) as client:
            while True:
                is_loud.set()
                (await client.post("/v1/recognitions/batch", content=body)).raise_for_status()

    async def both() -> None:
        await asyncio.gather(sending(), sending())

    asyncio.run(both())


@contextmanager
def beside(noise: Noise, api: Api) -> Iterator[None]:
    key = api.headers["authorization"].partition(" ")[2]
    spawning = multiprocessing.get_context("spawn")
    is_loud = spawning.Event()
    loud = spawning.Process(target=noise, args=(str(api.base_url), key, is_loud), daemon=True)
    loud.start()
    try:
        assert is_loud.wait(PATIENCE)
        time.sleep(1)
        yield
        assert loud.is_alive()
    finally:
        loud.kill()
        loud.join()


def percentile(request: Callable[[], Any], count: int, share: float = 0.99) -> float:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        request()
        times.append(time.perf_counter() - started)
        time.sleep(0.01)
    return sorted(times)[int(share * (count - 1))]


def main(count: int = REQUESTS) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="betrokken-bench-")))
        environment = stack.enter_context(served_database(folder))
        service = Service(stack.enter_context(serving(environment, folder / "serve.log")), environment)
        quiet = stack.enter_context(service.organization("Quiet"))
        loud = stack.enter_context(service.organization("Loud"))
        people = [{"external_id": f"E-{number}", "name": "x"} for number in range(RECEIVERS + 1)]
        put_all(loud, "/v1/people", people)
        put_all(quiet, "/v1/people", people)
        numbers = iter(range(10**9))
        requests: dict[str, Callable[[], Any]] = {
            "GET /v1/me": lambda: quiet.get("/v1/me").raise_for_status(),
            "PATCH a person": lambda: quiet.patch(
                "/v1/people/E-1", json={"name": f"n{next(numbers)}"}
            ).raise_for_status(),
        }
        alone = {name: percentile(request, count) for name, request in requests.items()}
        rows = []
        for noise in (many_connections, two_batches):
            with beside(noise, loud):
                for name, request in requests.items():
                    found = percentile(request, count)
                    told = f"{1000 * alone[name]:.0f}", f"{1000 * found:.0f}", f"{found / alone[name]:.1f}"
                    rows.append((name, noise.__name__.replace("_", " "), *told))
    title = f"99th percentile of a quiet organisation, in ms; wanted within {WANTED:.0f} times"
    show(title, ("request", "beside", "alone", "beside", "ratio"), *rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
