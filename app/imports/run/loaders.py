"""Rows of each kind on their way through the batch service of that kind, with its rules and its codes."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.calendar import schemas as occasions
from app.calendar import service as calendar
from app.core import telemetry
from app.core.batches import (
    BatchResult,
    BatchSummary,
    Done,
    Effect,
    batch_result,
    parse_items,
    refuse_repeats,
)
from app.core.conditional import Preconditions
from app.core.database import TenantSession, transaction_time
from app.core.errors import AppError, NotFound
from app.core.secrets import Keyring
from app.imports.files.values.rules import Kind, Numbered, identifier_of
from app.imports.schemas import OccasionRow
from app.kpis import schemas as kpi_schemas
from app.kpis import service as kpis
from app.people.history.rules import Earlier
from app.people.persons import service as persons_service
from app.people.persons.errors import UnknownPerson
from app.people.teams import queries as teams_queries
from app.people.teams import service as teams_service
from app.recognition import schemas as recognition_schemas
from app.recognition import service as recognition
from app.surveys.responses import service as submission
from app.surveys.responses.errors import InvitationRequired
from app.surveys.responses.rules import Slot


@dataclass(frozen=True)
class Feed:
    """Where rows go. `retry_key` is the same whenever the same rows come again."""

    session: TenantSession
    survey_id: UUID | None
    creates_teams: bool
    earlier: Mapping[str, Earlier]
    """What a file of people tells of their past."""
    keyring: Keyring
    retry_key: str
    now: datetime


Batch = Sequence[Any]


async def feed_teams(feed: Feed, rows: Batch) -> BatchResult:
    return await teams_service.put_teams(feed.session, rows, len(rows))


async def feed_people(feed: Feed, rows: Batch) -> BatchResult:
    return await (put_people_and_teams if feed.creates_teams else put_people)(feed, rows)


async def put_people(feed: Feed, rows: Batch) -> BatchResult:
    return await persons_service.put_people(feed.session, rows, len(rows), feed.keyring, feed.earlier)


async def put_people_and_teams(feed: Feed, rows: Batch) -> BatchResult:
    """In two rounds where rows fail: what a failed row names leaves no trace."""
    try:
        async with feed.session.begin_nested():
            first = await put_people(feed, await with_teams_by_name(feed, rows))
            if first.summary.failed:
                raise SomeFailed
    except SomeFailed:
        good = [row for row, result in zip(rows, first.results, strict=True) if result.problem is None]
        again = await put_people(feed, await with_teams_by_name(feed, good))
        return merged(first, again)
    return first


class SomeFailed(Exception):
    """Not an error: takes back what a round has done."""


def merged(first: BatchResult, again: BatchResult) -> BatchResult:
    """Of rows that failed what they were told then; of the others what became of them now."""
    rest = iter(again.results)
    results = [
        result if result.problem else next(rest).model_copy(update={"index": result.index})
        for result in first.results
    ]
    failed = first.summary.failed + again.summary.failed
    return BatchResult(summary=again.summary.model_copy(update={"failed": failed}), results=results)


async def with_teams_by_name(feed: Feed, rows: Batch) -> Batch:
    """The rows with the identifier of each team in the place of its name; new teams are put first."""
    to_team = await team_namer(feed.session)
    named = {row["team"]: to_team(row["team"]) for row in rows if "team" in row}
    known = {team.external_id for team in await teams_queries.team_tree(feed.session)}
    wanted = {identifier: name for name, identifier in sorted(named.items()) if identifier not in known}
    new = [{"external_id": identifier, "name": name} for identifier, name in wanted.items()]
    await teams_service.put_teams(feed.session, new, len(new))
    return [row | {"team": named[row["team"]]} if "team" in row else row for row in rows]


async def team_namer(session: TenantSession) -> Callable[[str], str]:
    """The identifier of a team by what a file calls it: itself, the name of one team, or a new name."""
    tree = await teams_queries.team_tree(session)
    known = {team.external_id for team in tree}
    counts = Counter(team.name.casefold() for team in tree)
    names = {folded: team.external_id for team in tree if counts[folded := team.name.casefold()] == 1}
    return lambda text: text if text in known else names.get(text.casefold()) or identifier_of(text)


async def feed_responses(feed: Feed, rows: Batch) -> BatchResult:
    assert feed.survey_id is not None, "an import of responses names its survey"
    opened = await submission.hold_open(
        feed.session, feed.survey_id, feed.keyring, submission.of_a_batch(feed.retry_key), feed.now
    )
    if opened.is_anonymous and opened.survey.access == "invited":
        raise InvitationRequired
    read = [answered(opened.slots, row) for row in rows]
    result, _, _ = await submission.submit_batch(opened, read, len(read), feed.now)
    return result


def answered(slots: Sequence[Slot], row: Any) -> Any:
    """A row whose cells are read as its questions ask: a file alone does not tell a number from words."""
    answers = row.get("answers") if isinstance(row, dict) else None
    if not isinstance(answers, dict):
        return row
    kinds = {slot.key: slot.kind for slot in slots}
    return row | {"answers": {key: answer_of(kinds.get(key, "scale"), cell) for key, cell in answers.items()}}


def answer_of(kind: str, cell: Any) -> Any:
    if kind == "scale":
        return int(cell) if isinstance(cell, Numbered) else cell
    text = cell.text if isinstance(cell, Numbered) else cell
    if kind == "choices" and isinstance(text, str):
        return [option.strip() for option in text.split(";")]
    return text


async def feed_recognitions(feed: Feed, rows: Batch) -> BatchResult:
    marked = [{"source": "import"} | row if isinstance(row, dict) else row for row in rows]
    parsed = parse_items(marked, recognition_schemas.RecognitionWrite, len(rows))
    wanted = refuse_repeats(parsed, lambda item: item.external_id)
    return batch_result(rows, await recognition.record(feed.session, wanted, feed.now))


async def feed_kpi_values(feed: Feed, rows: Batch) -> BatchResult:
    parsed = parse_items(rows, kpi_schemas.KpiValueWrite, len(rows))
    wanted = refuse_repeats(parsed, lambda item: (item.kpi, item.team, item.period))
    return batch_result(rows, await kpis.put_values(feed.session, wanted))


async def feed_occasions(feed: Feed, rows: Batch) -> BatchResult:
    """In the order of the people, so that two imports wait for each other and never in a ring."""
    parsed = parse_items(rows, OccasionRow, len(rows))
    wanted = refuse_repeats(parsed, lambda item: (item.person, item.key))
    started = await transaction_time(feed.session)
    outcomes: dict[int, Done | AppError] = {}
    for index, item in sorted(enumerate(wanted), key=lambda one: getattr(one[1], "person", "")):
        outcomes[index] = item if isinstance(item, AppError) else await put_occasion(feed, item, started)
    return batch_result(rows, [outcomes[index] for index in range(len(rows))])


async def put_occasion(feed: Feed, row: OccasionRow, started: datetime) -> Done | AppError:
    wanted = occasions.OccasionWrite.model_validate(row.model_dump(exclude={"person"}))
    try:
        occasion, is_new = await calendar.put_occasion(
            feed.session, row.person, row.key, wanted, Preconditions()
        )
    except NotFound:
        return UnknownPerson.at("#/person")
    except AppError as error:
        return error
    if is_new:
        return Done(Effect.CREATED)
    return Done(Effect.UPDATED if occasion.updated_at == started else Effect.UNCHANGED)


FEEDERS: dict[Kind, Callable[[Feed, Batch], Awaitable[BatchResult]]] = {
    "people": feed_people,
    "teams": feed_teams,
    "responses": feed_responses,
    "recognitions": feed_recognitions,
    "occasions": feed_occasions,
    "kpi_values": feed_kpi_values,
}
PIECES: dict[Kind, int] = {
    "people": 1000,
    "teams": 10_000,
    "responses": 2000,
    "recognitions": 2000,
    "occasions": 200,
    "kpi_values": 5000,
}
"""Most rows in one transaction. A retry knows anonymous responses by their piece: see Feed.retry_key."""


def count(kind: Kind, summary: BatchSummary) -> None:
    """Prometheus, once the rows are stored."""
    for outcome, rows in summary.model_dump().items():
        telemetry.IMPORT_ROWS.labels(kind, outcome).inc(rows)
    counters = {"responses": telemetry.RESPONSES_ACCEPTED, "recognitions": telemetry.RECOGNITIONS}
    if kind in counters:
        counters[kind].inc(summary.created)
