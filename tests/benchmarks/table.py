"""The table of what everything costs: make bench, or some of it: python -m tests.benchmarks reads releases

Each work is held against the least that it can cost on this machine, measured by turns in the same run.
`--small` tries everything on little data, in a minute; its numbers say nothing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

from tests.acceptance.process import environment_of, free_port, is_ready, ready_url
from tests.benchmarks import capacity, growth, reads, storage, submissions
from tests.benchmarks.bench import (
    Bench,
    batches,
    bench,
    close_and_wait,
    hire,
    open_anonymous,
    open_confidential,
    random_answers,
    seconds,
    send,
    submit,
)
from tests.benchmarks.limits.bulk import PEOPLE, copied, on, upserted
from tests.benchmarks.measuring import Side, by_turns, memory_of, middle
from tests.benchmarks.rows import (
    GUIDES,
    Row,
    into_guide,
    kept,
    row_of,
    row_of_cost,
    row_of_seconds,
    shown,
)
from tests.benchmarks.submissions import LOADS, ONE_BY_ONE, Load, Processes, process_of, raw_limit
from tests.waiting import eventually

ROUNDS = 2
SIZES = {
    "persons": 40_000,
    "alone": 10_000,
    "read": 4_000,
    "bulk": 20_000,
    "release": 100_000,
    "largest": 1_000_000,
}
SMALL = {"persons": 6_000, "alone": 6_000, "read": 500, "bulk": 2_000, "release": 2_000, "largest": 4_000}
BATCH = 1_000
Sizes = dict[str, int]


def of(kind: str) -> str:
    return f"python -m tests.benchmarks {kind}"


def of_submissions(sizes: Sizes) -> Iterator[Row]:
    return of_loads("submissions", LOADS, sizes["persons"])


def of_ungathered(sizes: Sizes) -> Iterator[Row]:
    return of_loads("ungathered", [ONE_BY_ONE], sizes["alone"])


def of_loads(kind: str, loads: Sequence[Load], persons: int) -> Iterator[Row]:
    """One response of 33 answers a request, against one INSERT through a bare ASGI application."""
    with bench() as run, tempfile.TemporaryDirectory(prefix="betrokken-bench-") as folder:
        hire(run.api, persons)
        with raw_limit(run) as raw:
            for one in loads:
                pairs = list(submissions.rounds(run, one, raw, Path(folder)))
                ours, limit = (middle(side) for side in zip(*pairs, strict=True))
                yield row_of(of(kind), one.name, ours, limit)


def of_reads(sizes: Sizes) -> Iterator[Row]:
    """Against bytes of the same size that are ready; and a 304 against a request that asks nothing."""
    with bench() as run, reads.raw_server() as raw:
        persons = [{"respondent": name} for name in hire(run.api, sizes["read"])]
        survey_id = open_confidential(run.api)
        submit(run.api, survey_id, batches(persons))
        close_and_wait(run.api, survey_id)
        key = {"Authorization": run.api.headers["Authorization"]}
        service, bare = Processes(process_of("serve")), Processes(process_of("uvicorn"))
        for work, path in reads.READS.items():
            size = len(send(run.api, "GET", path).content)
            limit = Side(f"{raw}/blob/{size}", bare, {})
            found = by_turns(Side(f"{run.api.base_url}{path}", service, key), limit)
            yield row_of(of("reads"), f"{work} ({size / 1000:,.1f} kB)", *found)
        tag = {"If-None-Match": send(run.api, "GET", reads.UNCHANGED).headers["ETag"]}
        live = Side(f"{run.api.base_url}{reads.LIVE}", service, {})
        found = by_turns(Side(f"{run.api.base_url}{reads.UNCHANGED}", service, key | tag), live)
        yield row_of(of("reads"), "what has not changed (304), against /health/live", *found)


def of_bulk(sizes: Sizes) -> Iterator[Row]:
    """Many rows at once, against COPY and INSERT of unnested arrays; the first of two rounds warms up."""
    count = sizes["bulk"]
    with bench() as run:
        on(run.database_url, lambda connection: connection.execute(PEOPLE))
        for state, named in (("new", "a"), ("changed", "b"), ("the same", "b")):
            people = [(f"E-{number}", f"{named}{number}", "department-0") for number in range(count)]
            parts = [people[start : start + BATCH] for start in range(0, count, BATCH)]
            bodies = [json.dumps({"items": [of_person(*one) for one in part]}).encode() for part in parts]
            ours = seconds(partial(posted, run, "/v1/people/batch", bodies))
            limit = upserted(run.database_url, parts)
            yield per_thousand("people by batches of 1,000, " + state, count, ours, limit)
        yield per_thousand("responses by batches of 1,000", count, *responses(run, count))
        yield per_thousand("recognitions by batches of 1,000", count, *recognitions(run, count))
        yield per_thousand("an NDJSON import of responses", count, *imported(run, count))


def of_person(external_id: str, name: str, team: str) -> dict[str, str]:
    return {"external_id": external_id, "name": name, "team": team}


def per_thousand(work: str, count: int, ours: float, limit: float) -> Row:
    return row_of_seconds(of("bulk"), f"{work} (s of 1,000)", 1000 * ours / count, 1000 * limit / count)


def posted(run: Bench, path: str, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        assert send(run.api, "POST", path, body).json()["summary"]["failed"] == 0


def responses(run: Bench, count: int) -> tuple[float, float]:
    random = Random(33)
    survey_id, items = open_anonymous(run.api), [{"answers": random_answers(random)} for _ in range(count)]
    parts = (items[start : start + BATCH] for start in range(0, count, BATCH))
    bodies = [json.dumps({"items": part}).encode() for part in parts]
    ours = seconds(lambda: posted(run, f"/v1/surveys/{survey_id}/responses/batch", bodies))
    return ours, copied(run.database_url, "responses", count)


def recognitions(run: Bench, count: int) -> tuple[float, float]:
    events = [
        {"giver": f"E-{number}", "receivers": [f"E-{(number + 7) % count}"], "message": "Thanks"}
        for number in range(count)
    ]
    parts = (events[start : start + BATCH] for start in range(0, count, BATCH))
    bodies = [json.dumps({"items": part}).encode() for part in parts]
    ours = seconds(lambda: posted(run, "/v1/recognitions/batch", bodies))
    return ours, copied(run.database_url, "recognitions", count)


def imported(run: Bench, count: int) -> tuple[float, float]:
    random, survey_id = Random(33), open_anonymous(run.api)
    lines = [json.dumps({"answers": random_answers(random)}) for _ in range(count)]
    headers = {"Content-Type": "application/x-ndjson"}
    params = {"kind": "responses", "survey_id": survey_id}

    def send_and_wait() -> None:
        answer = run.api.send(
            run.api.build_request(
                "POST", "/v1/imports", params=params, content="\n".join(lines).encode(), headers=headers
            )
        )
        assert answer.status_code == 202, answer.text
        path = f"/v1/imports/{answer.json()['id']}"
        eventually(lambda: run.api.sent("GET", path)["status"] in ("finished", "failed"))

    return seconds(send_and_wait), copied(run.database_url, "responses", count)


def of_releases(sizes: Sizes) -> Iterator[Row]:
    for name in ("release", "largest"):
        count = sizes[name]
        command = [sys.executable, "-m", "tests.benchmarks.release", str(count)]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        work = f"release of {count:,} in 2,001 groups, 4 segments"
        yield row_of_cost(of("releases"), f"{work}: what may be shown", told["plan"], "CPU-s")
        yield row_of_cost(of("releases"), f"{work}: all numbers", told["numbers"], "CPU-s")
        yield row_of_cost(of("releases"), f"{work}: memory", told["megabytes"], "MB")


def of_start(_: Sizes) -> Iterator[Row]:
    """From the command to the first answer that it is ready, with a database that is there."""
    with bench() as run, tempfile.TemporaryDirectory(prefix="betrokken-bench-") as folder:
        environment = environment_of(run.database_url) | {"BETROKKEN_DATA_DIR": f"{folder}/data"}
        environment["BETROKKEN_PSEUDONYM_SECRET"] = run.secret
        ours = started(
            [sys.executable, "-m", "app", "serve", "--port", "0"], environment, Path(folder) / "log"
        )
        port = free_port()
        bare = ["-m", "uvicorn", "tests.benchmarks.limits.bare:app", "--port", str(port)]
        limit = started(
            [sys.executable, *bare], environment, Path(folder) / "bare", f"http://127.0.0.1:{port}"
        )
        for unit, own, least in zip(("s", "CPU-s", "MB"), ours, limit, strict=True):
            yield row_of_cost(of("start"), "from start to ready", own, unit, least)


def started(
    command: Sequence[str], environment: dict[str, str], log: Path, url: str | None = None
) -> tuple[float, float, float]:
    began = time.perf_counter()
    with (
        log.open("w") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            if url is None:
                ready_url(process, log)
            else:
                eventually(lambda: is_ready(url))
            took = time.perf_counter() - began
            return took, Processes(process.pid).cpu_seconds(), memory_of(process.pid)
        finally:
            process.terminate()


def of_storage(sizes: Sizes) -> Iterator[Row]:
    """Bytes on disk, with indexes, as loaded."""
    with bench() as run:
        for mode, used in storage.as_loaded(run, sizes["bulk"]).items():
            work = f"a response of 33 questions on disk, {mode}"
            yield row_of_cost(of("storage"), work, used / sizes["bulk"], "bytes")


KINDS: dict[str, Callable[[Sizes], Iterator[Row]]] = {
    "submissions": of_submissions,
    "ungathered": of_ungathered,
    "bulk": of_bulk,
    "reads": of_reads,
    "releases": of_releases,
    "start": of_start,
    "storage": of_storage,
}


def main(arguments: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    asked.add_argument("kinds", nargs="*", choices=[*KINDS, "growth", []])
    asked.add_argument("--small", action="store_true", help="little data: to see that everything runs")
    asked.add_argument("--keep", action="store_true", help="write JSON, picture and table into the guide")
    given = asked.parse_args(arguments)
    kinds = given.kinds or [*KINDS, "growth"]
    rows = [row for kind in kinds if kind != "growth" for row in told(kind, SMALL if given.small else SIZES)]
    found = growth.points(given.small) if "growth" in kinds else []
    shown(rows)
    for one in found:
        print(one)
    if given.keep:
        rows, found = kept(rows, found)
        into_guide(rows)
        capacity.into_guide()
        if found:
            growth.drawn(found, GUIDES / "pictures" / "growth.svg")


def told(kind: str, sizes: Sizes) -> Iterator[Row]:
    for row in KINDS[kind](sizes):
        print(f"{row.work}: {row.ours:.3g} {row.unit}", file=sys.stderr)
        yield row
