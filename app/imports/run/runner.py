"""Reading a file to its end: piece by piece, each with its progress, so that a crash doubles nothing.

The place reached commits in the transaction of the piece. Anonymous responses are the exception: nothing else
is written in theirs. The place follows in the next one, and rows that come again after a crash in between
are known by keys that follow from import and place.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import NamedTuple, TypeGuard
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core import logging as app_logging
from app.core.batches import BatchSummary, external_id_of
from app.core.database import Database, TenantSession
from app.core.errors import SIMULTANEOUS, AppError, is_passing
from app.core.outbox import announce
from app.core.secrets import Keyring
from app.imports import queries, service
from app.imports.contracts.service import Contracts, contracts_of
from app.imports.errors import TooManyMissing, TooManyProblems, UnreadableRows
from app.imports.files import rules
from app.imports.files.rules import FileRefused
from app.imports.files.values.rules import Kind
from app.imports.run import loaders as feeding
from app.imports.run import sealed_file as stored
from app.imports.run import transcript
from app.imports.run.loaders import FEEDERS, PIECES, Feed
from app.imports.run.reporting import NO_MANAGER, missing_line, notes, noticed, report_line, report_of
from app.imports.run.sealed_file import FilePosition, Item, Piece, Source
from app.organizations.queries import organization
from app.people.persons import queries as persons_queries
from app.people.persons import service as people
from app.surveys import service as surveys
from app.tables import Import

log = logging.getLogger("betrokken.imports")

Now = Callable[[], datetime]
MOST_REPORTED = 100_000
UNFINISHED = (service.QUEUED, service.RUNNING)


class Taken(NamedTuple):
    """What became of a piece."""

    piece: Piece
    summary: BatchSummary
    report: list[dict[str, object]]


class Rehearsed(Exception):
    """Not an error: ends the transaction of a dry run."""


async def run(
    database: Database, organization_id: UUID, import_id: UUID, keyring: Keyring, clock: Now
) -> None:
    """Safe to repeat, and to do twice at once."""
    async with database.tenant_session(organization_id) as session:
        row = await queries.find(session, import_id)
    if not is_unfinished(row):
        return
    work = Run(database, row, keyring, clock)
    try:
        if await work.prepare():
            await (work.rehearse() if row.dry_run else work.carry_out())
    except (AppError, FileRefused) as error:
        await work.stop(error)
    except Exception as error:
        if isinstance(error, SIMULTANEOUS) or is_passing(error):
            raise
        await work.give_up(error)


class Run:
    """One import, from its file to its end."""

    def __init__(self, database: Database, row: Import, keyring: Keyring, clock: Now) -> None:
        self.database = database
        self.row = row
        self.keyring = keyring
        self.clock = clock
        self.kind: Kind = row.kind  # type: ignore[assignment]
        self.creates_teams = bool((row.mapping or {}).get("create_teams"))
        self.contracts = Contracts()

    def session(self) -> AbstractAsyncContextManager[TenantSession]:
        return self.database.tenant_session(self.row.organization_id)

    # ---------------------------------------------------------------------------- the real thing

    async def prepare(self) -> bool:
        """Makes of the file what can be read, and says as of when, if that is not done. Whether it waits."""
        async with self.session() as session:
            held = await queries.hold(session, self.row.id)
            if not is_unfinished(held):
                return False
            if "encoding" not in (held.reading or {}):
                await transcript.write(session, held, self.keyring)
            if held.started_at is None:
                await queries.change(session, held.id, {"started_at": self.clock()})
        async with self.session() as session:
            self.row = await queries.find(session, self.row.id) or self.row
        return True

    async def carry_out(self) -> None:
        async with self.session() as session:
            source = await stored.open_source(session, self.row, self.keyring)
            is_apart = await self.is_anonymous(session)
            self.contracts = await self.several_rows(session, source)
            held = await queries.hold(session, self.row.id)
            if held is not None and held.status == service.QUEUED:
                await self.refuse_too_many_missing(session, source)
                await self.begin(session, source)
        step = self.step_apart if is_apart else self.step
        while not await step(source):
            pass
        async with self.session() as session:
            held = await queries.hold(session, self.row.id)
            if held is not None and held.status == service.RUNNING:
                await self.finish(session, session, source, held)

    async def several_rows(self, session: TenantSession, source: Source) -> Contracts:
        """Read anew after a crash: it follows from the file and the day on which the import began."""
        if self.kind != "people":
            return Contracts()
        to_team = await feeding.team_namer(session) if self.creates_teams else str
        today = await self.today(session)
        return await contracts_of(session, source, PIECES[self.kind], today, to_team)

    async def is_anonymous(self, session: TenantSession) -> bool:
        if self.row.survey_id is None:
            return False
        survey = await surveys.found(session, self.row.survey_id)
        return survey.mode == "anonymous"

    async def step(self, source: Source) -> bool:
        """Stores a piece with the place reached. Whether there was none left."""
        async with self.session() as session:
            held = await queries.hold(session, self.row.id)
            if is_over(held, source):
                return True
            assert held is not None
            taken = await self.take(session, source, FilePosition(held.position, held.line))
            await self.record(session, held, taken)
        feeding.count(self.kind, taken.summary)
        return False

    async def step_apart(self, source: Source) -> bool:
        async with self.session() as session:
            seen = await queries.find(session, self.row.id)
            if is_over(seen, source):
                return True
            assert seen is not None
            taken = await self.take(session, source, FilePosition(seen.position, seen.line))
        async with self.session() as session:
            held = await queries.hold(session, self.row.id)
            if held is not None and held.position == taken.piece.start.position:
                await self.record(session, held, taken)
                feeding.count(self.kind, taken.summary)
        return False

    # ---------------------------------------------------------------------------- a dry run

    async def rehearse(self) -> None:
        """All of it in one transaction that is rolled back; progress is told by others meanwhile."""
        try:
            async with self.session() as stage:
                is_first = await queries.is_first(stage, self.row.id)
                if not is_first or not is_unfinished(await queries.find(stage, self.row.id)):
                    return
                source = await stored.open_source(stage, self.row, self.keyring)
                self.contracts = await self.several_rows(stage, source)
                await self.refuse_too_many_missing(stage, source)
                async for told in self.rehearsing(stage, source):
                    async with self.session() as session:
                        held = await queries.hold(session, self.row.id)
                        assert held is not None
                        is_full = await self.record(session, held, told)
                    if is_full:
                        raise Rehearsed
                async with self.session() as session:
                    held = await queries.hold(session, self.row.id)
                    assert held is not None
                    await self.finish(stage, session, source, held)
                raise Rehearsed
        except Rehearsed:
            pass

    async def rehearsing(self, stage: TenantSession, source: Source) -> AsyncIterator[Taken]:
        async with self.session() as session:
            await queries.delete_report(session, self.row.id)
            await self.begin(session, source)
        place = source.start
        while place.position < source.size:
            taken = await self.take(stage, source, place)
            yield taken
            place = taken.piece.end

    # ---------------------------------------------------------------------------- parts of both

    async def begin(self, session: TenantSession, source: Source) -> None:
        counts = dict.fromkeys(service.COUNTS, 0)
        values = {"status": service.RUNNING, **source.start._asdict(), **counts}
        reading = (self.row.reading or {}) | noticed(source.layout)
        lines = [note | {"ordinal": ordinal} for ordinal, note in enumerate(notes(reading, source.layout))]
        await queries.add_report_lines(session, self.row.id, lines)
        await queries.change(session, self.row.id, values | {"reading": reading, "reported": len(lines)})

    async def take(self, session: TenantSession, source: Source, place: FilePosition) -> Taken:
        """Feeds the next rows to the service of their kind."""
        piece = await source.read(session, place, PIECES[self.kind])
        readable = list(stored.readable(piece.items))
        good = [item for item in readable if item.line not in self.contracts.aside]
        fed = await FEEDERS[self.kind](self.feed(session, place), list(map(self.contracts.stored, good)))
        aside = [item for item in readable if item.line in self.contracts.aside]
        told = self.contracts.told(aside)
        results = (*fed.results, *told.results)
        outcomes = dict(zip((item.line for item in (*good, *aside)), results, strict=True))
        refused = len(piece.items) - len(readable)
        summary = BatchSummary(
            created=fed.summary.created,
            updated=fed.summary.updated,
            unchanged=fed.summary.unchanged + told.summary.unchanged,
            failed=fed.summary.failed + told.summary.failed + refused,
        )
        report = [line for item in piece.items for line in report_of(item, outcomes.get(item.line), source)]
        report += await self.shared_addresses(session, good, source)
        report += [
            report_line(item, "#/manager", "unknown_manager", NO_MANAGER, source)
            for item in good
            if self.contracts.lacks_manager(item)
        ]
        return Taken(piece, summary, report)

    async def shared_addresses(
        self, session: TenantSession, items: Sequence[Item], source: Source
    ) -> list[dict[str, object]]:
        """Not a fault: a mail to one is read by another."""
        if self.kind != "people":
            return []
        named = {
            name: item
            for item in items
            if (name := external_id_of(item.value))
            and isinstance(item.value, dict)
            and item.value.get("email")
        }
        sharing = await persons_queries.sharing_an_address(session, named.keys())
        detail = "Another person has this address too: mail to one is read by the other."
        return [
            report_line(item, "#/email", "shared_email", detail, source)
            for name, item in named.items()
            if name in sharing
        ]

    def feed(self, session: TenantSession, place: FilePosition) -> Feed:
        return Feed(
            session=session,
            survey_id=self.row.survey_id,
            creates_teams=self.creates_teams,
            earlier=self.contracts.earlier,
            keyring=self.keyring,
            retry_key=f"import {self.row.id} {place.position}",
            now=self.clock(),
        )

    async def record(self, session: TenantSession, held: Import, taken: Taken) -> bool:
        """Whether the report is full, which ends the import."""
        end, summary = taken.piece.end, taken.summary
        values = {name: getattr(held, name) + number for name, number in summary.model_dump().items()}
        values |= {"rows": held.rows + len(taken.piece.items), **end._asdict()}
        await self.tell(session, held, taken.report, values)
        is_full = held.reported + len(taken.report) >= MOST_REPORTED
        if is_full:
            await self.close(session, service.FAILED, TooManyProblems())
        return is_full

    async def tell(
        self,
        session: TenantSession,
        held: Import,
        lines: Sequence[Mapping[str, object]],
        values: dict[str, object],
    ) -> None:
        """Adds to the report, as far as it goes, and changes the import."""
        room = max(MOST_REPORTED - held.reported, 0)
        rows = [{**line, "ordinal": held.reported + index} for index, line in enumerate(lines[:room])]
        await queries.add_report_lines(session, self.row.id, rows)
        await queries.change(session, self.row.id, values | {"reported": held.reported + len(rows)})

    async def today(self, session: TenantSession) -> date:
        """The day on which the import began, also once another has come."""
        settings = await organization(session)
        return (self.row.started_at or self.clock()).astimezone(ZoneInfo(settings.time_zone)).date()

    async def refuse_too_many_missing(self, session: TenantSession, source: Source) -> None:
        if self.row.missing != "end":
            return
        today = await self.today(session)
        missing = await self.missing_people(session, source, today)
        employed = await queries.count_employed(session, today)
        if rules.is_too_many(len(missing), employed):
            raise TooManyMissing(
                f"{len(missing)} of {employed} are not in the file, more than a tenth: nothing is stored."
            )

    async def missing_people(self, session: TenantSession, source: Source, today: date) -> Sequence[str]:
        nameless = await stored.note_people(session, source, PIECES[self.kind])
        if nameless and self.row.missing == "end":
            raise UnreadableRows(
                f"{nameless} rows name no person, so nobody can be found missing: correct these rows."
            )
        return await queries.missing_people(session, today)

    async def finish(
        self, stage: TenantSession, session: TenantSession, source: Source, held: Import
    ) -> None:
        """Deals on `stage` with people who are not in the file, and says in `session` that all is done."""
        if self.row.missing != "ignore":
            today = await self.today(stage)
            missing = await self.missing_people(stage, source, today)
            ended = 0
            if self.row.missing == "end":
                ended = await people.end_employment(stage, missing, today)
            lines = [missing_line(external_id) for external_id in missing]
            await self.tell(session, held, lines, {"not_in_file": len(missing), "ended": ended})
        await self.close(session, service.FINISHED, None)

    async def close(
        self,
        session: TenantSession,
        status: str,
        error: AppError | FileRefused | None,
        line: int | None = None,
    ) -> None:
        problem = None if error is None else service.failure(error, line)
        values = {"status": status, "problem": problem, "finished_at": self.clock()}
        await queries.change(session, self.row.id, values)
        await queries.delete_chunks(session, self.row.id)
        await announce(session, "import.finished", {"import_id": self.row.id})

    async def stop(self, error: AppError | FileRefused) -> None:
        """What was stored stays; the rest of the file is not read."""
        async with self.session() as session:
            held = await queries.hold(session, self.row.id)
            if is_unfinished(held):
                if isinstance(error, FileRefused) and error.columns:
                    reading = (held.reading or {}) | {"unread_columns": error.columns}
                    await queries.change(session, held.id, {"reading": reading})
                await self.close(session, service.FAILED, error, held.line)

    async def give_up(self, error: Exception) -> None:
        log.error("import_failed", extra=app_logging.describe(error))
        await self.stop(AppError())


def is_unfinished(row: Import | None) -> TypeGuard[Import]:
    return row is not None and row.status in UNFINISHED


def is_over(row: Import | None, source: Source) -> bool:
    return row is None or row.status != service.RUNNING or row.position >= source.size
