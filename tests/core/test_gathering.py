"""What comes while others are done is done together, and everybody is told what became of theirs."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.core.database import TenantSession
from app.core.errors import AppError, Conflict
from app.core.fairness import FairQueue
from app.core.gathering import Apart, Gathering
from tests.conftest import Tenant

BROKEN = text("SELECT 1 / 0")


class Work:
    """Holds the first until others have gathered behind it; then does what each item says."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.place = (tenant.id, uuid4())
        self.done: list[list[str]] = []
        self.begun, self.going_on = asyncio.Event(), asyncio.Event()
        self.gathering: Gathering[str, str] = Gathering(FairQueue(2, 2), lambda _: self.do)

    async def do(self, session: TenantSession, items: Sequence[str]) -> Sequence[str | AppError]:
        self.done.append(list(items))
        if items[0] == "first":
            self.begun.set()
            await self.going_on.wait()
        if "refuse all" in items:
            raise Conflict("all")
        if "apart" in items and len(items) > 1:
            raise Apart
        for item in items:
            if item == "broken":
                await session.execute(BROKEN)
            if item == "lost":
                raise ConnectionResetError
        return [Conflict(item) if item == "refuse" else item for item in items]

    async def outcomes(self, *items: str, whose: dict[str, str] | None = None) -> list[Any]:
        """Of those behind the first."""

        async def join(item: str) -> str:
            return await self.gathering.join(self.tenant.database, self.place, item, (whose or {}).get(item))

        first = asyncio.create_task(join("first"))
        await self.begun.wait()
        others = [asyncio.create_task(join(item)) for item in items]
        await asyncio.sleep(0)
        self.going_on.set()
        assert await first == "first"
        found = await asyncio.gather(*others, return_exceptions=True)
        assert not self.gathering.waiting
        return found


@pytest.fixture
def work(acme: Tenant) -> Work:
    return Work(acme)


async def test_what_gathers_is_done_in_one_transaction(work: Work) -> None:
    assert await work.outcomes("a", "b", "c") == ["a", "b", "c"]
    assert work.done == [["first"], ["a", "b", "c"]]


async def test_who_has_no_outcome_is_told_and_nothing_is_stored(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    do = work.do

    async def forgetful(session: TenantSession, items: Sequence[str]) -> Sequence[str | AppError]:
        return (await do(session, items))[: 1 if items == ["first"] else 0]

    monkeypatch.setattr(work, "do", forgetful)
    found = await work.outcomes("a", "b")
    assert [type(one) for one in found] == [AssertionError, AssertionError]


async def test_each_is_told_of_its_own(work: Work) -> None:
    a, refused, b = await work.outcomes("a", "refuse", "b")
    assert (a, b) == ("a", "b")
    assert isinstance(refused, Conflict)


async def test_a_refusal_of_all_is_told_to_all(work: Work) -> None:
    found = await work.outcomes("a", "refuse all")
    assert [type(one) for one in found] == [Conflict, Conflict]
    assert len(work.done) == 2


async def test_what_breaks_for_one_is_done_again_for_the_others(work: Work) -> None:
    a, broken, b = await work.outcomes("a", "broken", "b")
    assert (a, b) == ("a", "b")
    assert isinstance(broken, Exception)
    assert work.done[2:] == [["a"], ["broken"], ["b"]]


async def test_what_may_have_been_done_is_not_done_again(work: Work) -> None:
    """The line was lost: nobody knows how far it came."""
    found = await work.outcomes("a", "lost", "b")
    assert all(isinstance(one, Exception) for one in found)
    assert len(work.done) == 2


async def test_what_has_to_be_undone_alone_is_done_apart(work: Work) -> None:
    assert await work.outcomes("a", "apart") == ["a", "apart"]
    assert work.done[2:] == [["a"], ["apart"]]


async def test_two_of_the_same_person_are_not_done_together(work: Work) -> None:
    assert await work.outcomes("a", "b", "c", whose={"a": "x", "c": "x"}) == ["a", "b", "c"]
    assert work.done[1:] == [["a", "b"], ["c"]]


async def test_who_gives_up_keeps_nobody_else_from_an_answer(work: Work) -> None:
    async def join(item: str) -> str:
        return await work.gathering.join(work.tenant.database, work.place, item, None)

    first = asyncio.create_task(join("first"))
    await work.begun.wait()
    leaving, staying = asyncio.create_task(join("a")), asyncio.create_task(join("b"))
    await asyncio.sleep(0)
    leaving.cancel()
    work.going_on.set()
    assert (await first, await staying) == ("first", "b")


async def test_nobody_waits_for_what_was_ended(work: Work) -> None:
    async def join(item: str) -> str:
        return await work.gathering.join(work.tenant.database, work.place, item, None)

    first = asyncio.create_task(join("first"))
    await work.begun.wait()
    behind = asyncio.create_task(join("a"))
    await asyncio.sleep(0)
    [task] = work.gathering.tasks
    task.cancel()
    found = await asyncio.wait_for(asyncio.gather(first, behind, return_exceptions=True), 30)
    assert [type(one) for one in found] == [asyncio.CancelledError] * 2
