"""Loading and releasing responses against the raw limit: python -m tests.benchmarks.load"""

import asyncio

import asyncpg
import numpy as np

from app.metrics.disclosure import plan_release
from app.metrics.releases import response_matrix as loading
from app.metrics.sample import Groups, Places, Rollup, Sample, Scores
from tests.benchmarks.bench import (
    QUESTIONS,
    RESPONSES,
    TEAMS,
    batches,
    bench,
    close_and_wait,
    hire,
    open_confidential,
    seconds,
    show,
    submit,
)
from tests.benchmarks.disclosure import compute


def copy_seconds(database_url: str, organization_id: str) -> float:
    """COPY of the organisation's responses into an empty table with the same columns and indexes."""

    async def copy() -> float:
        connection = await asyncpg.connect(database_url)
        try:
            see = "SELECT set_config('app.organization_id', $1, false)"
            await connection.execute(see, organization_id)  # for a login that row-level security binds
            records = await connection.fetch("SELECT * FROM responses")
            await connection.execute("CREATE TABLE raw_responses (LIKE responses INCLUDING ALL)")
            loop = asyncio.get_running_loop()
            started = loop.time()
            await connection.copy_records_to_table("raw_responses", records=records)
            took = loop.time() - started
            await connection.execute("DROP TABLE raw_responses")
            return took
        finally:
            await connection.close()

    return asyncio.run(copy())


def compute_seconds(count: int) -> float:
    """The release's arithmetic alone, on answers of the same shape that are in memory already."""
    random = np.random.default_rng(33)
    instrument = loading.as_instrument(QUESTIONS)
    top = np.array(instrument.high) + 1
    answers = random.integers(instrument.low, top, size=(count, len(QUESTIONS))).astype(np.int16)
    departments = sorted({team.partition("~")[0] for team in TEAMS})
    above = [1 + departments.index(team.partition("~")[0]) for team in TEAMS]
    parents = [None, *[0] * len(departments), *above]
    members = np.arange(count) % len(TEAMS) + len(parents) - len(TEAMS)
    groups = Groups(parents, ["", *departments, *TEAMS])

    def release() -> None:
        sample = Sample(
            instrument=instrument,
            groups=groups,
            places=Places(members, {}),
            answers=answers,
            scores=Scores.take(answers, instrument),
            included=np.ones(count, dtype=np.int64),
            linked=None,
        )
        invited = Rollup(groups, sample.places).counts()
        compute(sample, invited, plan_release(sample, invited, 5))

    return seconds(release)


def main(count: int = RESPONSES) -> None:
    with bench() as run:
        persons = [{"respondent": name} for name in hire(run.api, count)]
        survey_id, bodies = open_confidential(run.api), batches(persons)
        organization_id = run.api.sent("GET", "/v1/me")["organization"]["id"]
        load = seconds(lambda: submit(run.api, survey_id, bodies))
        copy = copy_seconds(run.database_url, organization_id)
        release = seconds(lambda: close_and_wait(run.api, survey_id))
    compute = compute_seconds(count)
    show(
        f"{count:,} confidential responses of {len(QUESTIONS)} questions in {len(TEAMS)} teams",
        ("what", "seconds", "raw limit", "seconds", "ratio"),
        ("load by batch over HTTP", f"{load:.1f}", "COPY", f"{copy:.2f}", f"{load / copy:.0f}"),
        ("close and release", f"{release:.2f}", "numpy alone", f"{compute:.2f}", f"{release / compute:.1f}"),
    )


if __name__ == "__main__":
    main()
