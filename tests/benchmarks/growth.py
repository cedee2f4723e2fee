"""How the cost of a read grows: with responses, with teams, with organisations; and a picture of it.

It should not: a read copies what a release made.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from unittest.mock import patch

import asyncpg

from app.cli.running import with_database
from app.core.database import Database
from app.core.settings import Settings
from app.organizations import service as organizations
from tests.acceptance.process import Api, Service
from tests.acceptance.steps import put_all
from tests.benchmarks.bench import Bench, batches, bench, close_and_wait, open_anonymous, submit
from tests.benchmarks.limits.bulk import on
from tests.benchmarks.measuring import Side, loaded
from tests.benchmarks.rows import Point
from tests.benchmarks.submissions import Processes, process_of

READ = "/v1/metrics/satisfaction-engagement"
PER_TEAM = 10
FIRST = 1_000
MULTIPLY = """
INSERT INTO responses
    (organization_id, survey_id, respondent_key, submitted_at, cell_ordinal, locale, answers)
SELECT organization_id, survey_id, gen_random_uuid(), submitted_at, cell_ordinal, locale, answers
FROM responses, generate_series(2, $2) WHERE survey_id = $1
"""
SIZES: dict[str, Sequence[int]] = {
    "responses": (10_000, 100_000, 1_000_000),
    "teams": (10, 100, 1_000, 10_000),
    "organisations": (1, 10, 100, 1_000),
}
SMALL: dict[str, Sequence[int]] = {"responses": (1_000, 2_000), "teams": (10, 20), "organisations": (1, 2)}


def points(is_small: bool) -> list[Point]:
    sizes = SMALL if is_small else SIZES
    with bench() as run:
        growing: dict[str, Callable[[Bench, int], Api]] = {
            "responses": of_responses,
            "teams": of_teams,
            "organisations": of_organisations,
        }
        return [
            point(run, kind, size, grow(run, size)) for kind, grow in growing.items() for size in sizes[kind]
        ]


def point(run: Bench, kind: str, size: int, api: Api) -> Point:
    api.sent("GET", READ)
    headers = {"Authorization": api.headers["Authorization"]}
    found = loaded(Side(f"{run.api.base_url}{READ}", Processes(process_of("serve")), headers))
    return {"kind": kind, "size": size, "a_second": found.per_second, "cpu_of_1000": found.cpu_seconds}


def organisation(run: Bench, name: str) -> Api:
    return Service(str(run.api.base_url), run.environment).organization(name)


def of_responses(run: Bench, size: int) -> Api:
    api = organisation(run, f"{size} responses")
    survey_id = open_anonymous(api)
    submit(api, survey_id, batches([{}] * min(FIRST, size)))

    async def multiply(connection: asyncpg.Connection) -> None:
        own = api.sent("GET", "/v1/me")["organization"]["id"]
        await connection.execute("SELECT set_config('app.organization_id', $1, false)", own)
        await connection.execute(MULTIPLY, survey_id, size // FIRST)

    on(run.database_url, multiply)
    close_and_wait(api, survey_id)
    return api


def of_teams(run: Bench, size: int) -> Api:
    api = organisation(run, f"{size} teams")
    names = [f"team-{number}" for number in range(size)]
    put_all(api, "/v1/teams", [{"external_id": name, "name": name} for name in names])
    survey_id = open_anonymous(api)
    submit(api, survey_id, batches([{"team": name} for name in names for _ in range(PER_TEAM)]))
    close_and_wait(api, survey_id)
    return api


def of_organisations(run: Bench, size: int) -> Api:
    """The read is of the last."""

    async def make(database: Database) -> None:
        async with database.system_session(reason="benchmark") as session:
            for number in range(size - 1):
                await organizations.create_organization(session, f"{size}-{number}", database.keyring)

    with patch.dict(os.environ, run.environment, clear=True):
        with_database(Settings(), make)
    return of_responses(run, FIRST)


# ------------------------------------------------------------------ the picture

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 240, 180, 46, 34, 40
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    ' font-size="11" fill="#333" role="img"><title>Processor time of a thousand reads</title>'
)


def picture(found: Sequence[Point]) -> str:
    """A panel a kind: sizes by tens, processor seconds of a thousand reads from 0 up."""
    kinds = list(dict.fromkeys(str(one["kind"]) for one in found))
    most = max(float(one["cpu_of_1000"]) for one in found) or 1.0
    parts = [HEAD.format(width=WIDTH * len(kinds), height=HEIGHT)]
    for place, kind in enumerate(kinds):
        parts += panel([one for one in found if one["kind"] == kind], kind, place * WIDTH, most)
    return "".join([*parts, "</svg>\n"])


def panel(found: Sequence[Point], kind: str, left: int, most: float) -> Iterator[str]:
    sizes = [math.log10(float(one["size"])) for one in found]
    span, floor = max(sizes) - min(sizes) or 1.0, HEIGHT - BOTTOM
    places = [
        (
            left + LEFT + (WIDTH - LEFT - 24) * (size - min(sizes)) / span,
            floor - (floor - TOP) * float(one["cpu_of_1000"]) / most,
        )
        for size, one in zip(sizes, found, strict=True)
    ]
    yield f'<text x="{left + LEFT}" y="16">CPU-s of 1,000 reads, by {escape(kind)}</text>'
    yield f'<path d="M{left + LEFT} {TOP}V{floor}H{left + WIDTH - 16}" fill="none" stroke="#999"/>'
    for share in (0.0, 0.5, 1.0):
        yield f'<text x="{left + LEFT - 6}" y="{floor - (floor - TOP) * share + 4:.0f}" text-anchor="end">'
        yield f"{most * share:.2g}</text>"
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{line}" fill="none" stroke="#2a6f97" stroke-width="2"/>'
    for (x, y), one in zip(places, found, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#2a6f97"/>'
        yield f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{int(float(one["size"])):,}</text>'


def drawn(found: Sequence[Point], path: Path) -> None:
    path.write_text(picture(found), encoding="utf-8")
