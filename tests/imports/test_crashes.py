"""An import killed half-way ends as if nothing had happened."""

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from app.core.database import TenantSession, raw_connection
from app.core.errors import AppError
from app.imports import queries
from app.imports.jobs import utc_now
from app.imports.run import runner as running
from app.imports.run.loaders import PIECES
from app.imports.run.runner import Now, Run
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.imports.files import accepted, counts, faults, lines, report_of
from tests.imports.test_imports import AFAS_HEAD, contract_rows
from tests.surveys.test_surveys import hire, opened

PEOPLE = [f"E-{number}" for number in range(300)]


class Killed(BaseException):
    """Nothing catches it, as nothing catches a SIGKILL."""


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in PIECES:
        monkeypatch.setitem(PIECES, kind, 50)


async def go_on(acme: Tenant, import_id: str, clock: Now = utc_now) -> None:
    await running.run(acme.database, acme.id, import_id, acme.database.keyring, clock)  # type: ignore[arg-type]


async def run_with_kills(acme: Tenant, import_id: str, monkeypatch: pytest.MonkeyPatch, *places: str) -> int:
    """Runs the import, killed now and then before or after one of these; how often it was."""
    chance = Random(33)

    def deadly(real: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if chance.random() < 0.15:
                raise Killed
            found = await real(*args, **kwargs)
            if chance.random() < 0.15:
                raise Killed
            return found

        return call

    for place in places:
        monkeypatch.setattr(Run, place, deadly(getattr(Run, place)))
    kills = 0
    while True:
        try:
            await go_on(acme, import_id)
            return kills
        except Killed:
            kills += 1


def rows_of(who: str) -> list[dict[str, Any]]:
    good = [{"answers": {"S01": 1 + number % 5}} for number in range(300)]
    good[120] = {"answers": {"S01": 9}}
    if who == "respondent":
        return [row | {"respondent": name} for row, name in zip(good, PEOPLE, strict=True)]
    return good


@pytest.mark.parametrize("mode", ["confidential", "attributed", "anonymous"])
async def test_responses_are_stored_once(
    mode: str, acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hire(api, *PEOPLE)
    is_anonymous = mode == "anonymous"
    survey = await opened(api, mode=mode, access="open" if is_anonymous else "invited")
    content = lines(rows_of("nobody" if is_anonymous else "respondent"))
    import_id = await accepted(acme, content, "responses", survey_id=survey)
    places = ("take", "record", "step", "step_apart", "finish")
    assert await run_with_kills(acme, import_id, monkeypatch, *places) > 4
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], counts(found), found["summary"]["rows"]) == ("finished", (299, 0, 0, 1), 300)
    assert faults(await report_of(acme, found)) == [(121, "#/answers/S01", "off_scale")]
    async with acme.database.tenant_session(acme.id) as session:
        rows = await session.execute(text("SELECT answers[1], count(*) FROM responses GROUP BY 1 ORDER BY 1"))
        assert [tuple(row) for row in rows] == [(1, 59), (2, 60), (3, 60), (4, 60), (5, 60)]


async def test_an_anonymous_piece_leaves_nothing_beside_it(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row of another table bears the transaction of a response, the import's progress included."""
    survey = await opened(api, mode="anonymous", access="open")
    import_id = await accepted(acme, lines(rows_of("nobody")), "responses", survey_id=survey)
    await go_on(acme, import_id)
    async with acme.database.tenant_session(acme.id) as session:
        stored = set((await session.scalars(text("SELECT xmin::text FROM responses"))).all())
        beside = [
            await session.scalars(text(f"SELECT xmin::text FROM {table}"))
            for table in ("imports", "import_report_lines", "idempotency_records")
        ]
        assert stored
        assert not stored & {transaction for found in beside for transaction in found.all()}


@pytest.mark.nightly
async def test_a_dry_run_begins_again(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [{"external_id": name, "name": name} for name in PEOPLE]
    import_id = await accepted(acme, lines([*people, {"external_id": "x"}]), dry_run=True)
    assert await run_with_kills(acme, import_id, monkeypatch, "record", "take") > 0
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert counts(found) == (300, 0, 0, 1)
    assert len(await report_of(acme, found)) == 1
    assert (await api.get("/v1/people")).json()["items"] == []


async def test_two_workers_at_once_store_once(acme: Tenant, api: ContractClient) -> None:
    people = [{"external_id": name, "name": name} for name in PEOPLE]
    import_id = await accepted(acme, lines(people))
    await asyncio.gather(*(go_on(acme, import_id) for _ in range(3)))
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (counts(found), found["summary"]["rows"]) == ((300, 0, 0, 0), 300)


async def test_who_comes_too_late_spoils_nothing(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker finished the import and dropped its file after this one looked."""
    import_id = await accepted(acme, b"external_id,name\nE-1,x\n", form="csv")
    real = Run.carry_out

    async def late(self: Run) -> None:
        monkeypatch.setattr(Run, "carry_out", real)
        await go_on(acme, import_id)
        await real(self)

    monkeypatch.setattr(Run, "carry_out", late)
    await go_on(acme, import_id)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], found["problem"], counts(found)) == ("finished", None, (1, 0, 0, 0))


@pytest.mark.parametrize("dry_run", [False, True])
async def test_who_waited_for_one_that_failed_meanwhile_says_nothing(
    dry_run: bool,
    acme: Tenant,
    api: ContractClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import_id = await accepted(acme, b'{"external_id": "E-1"}\n' * 60, dry_run=dry_run)
    real = Run.prepare

    async def late(self: Run) -> Any:
        monkeypatch.setattr(Run, "prepare", real)
        async with acme.database.tenant_session(acme.id) as session:
            held = await queries.hold(session, self.row.id)
            assert held is not None
            await Run(acme.database, held, self.keyring, utc_now).close(session, "failed", AppError())
        return await real(self)

    monkeypatch.setattr(Run, "prepare", late)
    await go_on(acme, import_id)
    assert not [record for record in caplog.records if record.getMessage() == "import_failed"]
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], found["started_at"], found["summary"]["rows"]) == ("failed", None, 0)


async def test_a_dry_run_that_another_finished_is_not_begun_again(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await accepted(acme, lines([{"external_id": "E-1", "name": "x"}]), dry_run=True)
    real = Run.rehearse

    async def late(self: Run) -> None:
        monkeypatch.setattr(Run, "rehearse", real)
        await go_on(acme, import_id)
        await real(self)

    monkeypatch.setattr(Run, "rehearse", late)
    await go_on(acme, import_id)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], counts(found)) == ("finished", (1, 0, 0, 0))


async def test_a_statement_cut_off_below_sqlalchemy_fails_no_import(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue and a COPY speak with the driver, whose errors are others."""
    import_id = await accepted(acme, lines([{"external_id": "E-1", "name": "x"}]))
    real = Run.take

    async def cut_off(self: Run, session: TenantSession, *_: Any) -> Any:
        monkeypatch.setattr(Run, "take", real)
        line = await raw_connection(session)
        await line.execute("DO $$ BEGIN RAISE SQLSTATE '57014'; END $$")

    monkeypatch.setattr(Run, "take", cut_off)
    with pytest.raises(asyncpg.QueryCanceledError):
        await go_on(acme, import_id)
    await go_on(acme, import_id)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], counts(found)) == ("finished", (1, 0, 0, 0))


def noon_of(day: int) -> Now:
    return lambda: datetime(2026, 10, day, 12, tzinfo=UTC)


async def go_on_tomorrow(acme: Tenant, import_id: str, place: str, patch: pytest.MonkeyPatch) -> None:
    """Killed once this was done, and carried on the day after."""
    real = getattr(Run, place)

    async def deadly(*args: Any) -> Any:
        await real(*args)
        patch.setattr(Run, place, real)
        raise Killed

    patch.setattr(Run, place, deadly)
    with pytest.raises(Killed):
        await go_on(acme, import_id, noon_of(30))
    await go_on(acme, import_id, noon_of(31))


async def test_a_night_in_between_loses_nobody(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of their rows says who somebody is was told before the crash."""
    monkeypatch.setitem(PIECES, "people", 1)
    now, following = contract_rows(("Now", "01-01-2020", "30-10-2026"), ("Next", "31-10-2026", ""))
    content = (AFAS_HEAD + following + now).encode()
    import_id = await accepted(acme, content, form="csv", mapping="afas")
    await go_on_tomorrow(acme, import_id, "step", monkeypatch)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], counts(found)) == ("finished", (1, 0, 1, 0))
    person = (await api.get("/v1/people/7")).json()
    assert (person["team"], person["ends_on"]) == ("now", None)


async def test_who_is_missing_left_on_the_day_the_import_began(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hire(api, "E-gone", *PEOPLE[:20])
    people = [{"external_id": name, "name": name} for name in PEOPLE[:20]]
    import_id = await accepted(acme, lines(people), missing="end")
    await go_on_tomorrow(acme, import_id, "step", monkeypatch)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], found["summary"]["ended"], found["started_at"][:10]) == (
        "finished",
        1,
        "2026-10-30",
    )
    assert (await api.get("/v1/people/E-gone")).json()["ends_on"] == "2026-10-30"


async def test_a_survey_that_closes_half_way_stops_its_import(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hire(api, *PEOPLE)
    survey = await opened(api)
    import_id = await accepted(acme, lines(rows_of("respondent")), "responses", survey_id=survey)
    real, calls = Run.take, 0

    async def take(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            await api.post(f"/v1/surveys/{survey}/close")
        return await real(*args)

    monkeypatch.setattr(Run, "take", take)
    await go_on(acme, import_id)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], counts(found)) == ("failed", (100, 0, 0, 0))
    assert found["problem"] == found["problem"] | {"code": "survey_not_open", "line": 101}


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_report_has_an_end(
    dry_run: bool, acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST_REPORTED", 60)
    import_id = await accepted(acme, b"{\n" * 300, dry_run=dry_run)
    await go_on(acme, import_id)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], found["problem"]["code"]) == ("failed", "too_many_problems")
    assert len(await report_of(acme, found)) == 60


async def test_what_is_our_fault_is_not_tried_for_ever(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Run, "take", take)
    import_id = await accepted(acme, b"{}\n")
    await go_on(acme, import_id)
    found = (await api.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], found["problem"]["code"]) == ("failed", "internal_error")
