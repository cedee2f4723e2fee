"""What many requests bring at once is done together, in one transaction: that costs as much for fifty.

While one runs others gather, so nobody waits for company, as many as `FairMiddleware` lets in. Each is
answered after the commit, with an outcome of its own; what fails together without saying whose fault it is,
is done again, each by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from app.core.database import Database, TenantSession
from app.core.errors import AppError, is_passing
from app.core.fairness import FairQueue

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Work = Callable[[TenantSession, Sequence[Item]], Awaitable[Sequence[Outcome | AppError]]]
Place = tuple[UUID, UUID]
"""An organisation and the thing of it for which requests gather."""


class Apart(Exception):
    """Not an error: of several one was refused of which something is written, so each is done by itself."""


@dataclass(frozen=True)
class Waiting(Generic[Item]):
    item: Item
    whose: Hashable
    told: "asyncio.Future[Any]"


class Gathering(Generic[Item, Outcome]):
    def __init__(self, queue: FairQueue, work: Callable[[Place], Work[Item, Outcome]]) -> None:
        self.queue = queue
        self.work = work
        self.waiting: dict[Place, list[Waiting[Item]]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def join(self, database: Database, place: Place, item: Item, whose: Hashable) -> Outcome:
        """Raises the AppError of this item. Of two that are the same person's the second is done later."""
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        one = Waiting(item, whose, told)
        if place in self.waiting:
            self.waiting[place].append(one)
        else:
            self.waiting[place] = [one]
            task = asyncio.create_task(self._work_on(database, place))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return await told

    async def _work_on(self, database: Database, place: Place) -> None:
        taken: list[Waiting[Item]] = []
        try:
            while self.waiting[place]:
                async with self.queue.place(str(place[0])):
                    taken = self._take(place)
                    await self._do(database, place, taken)
        finally:
            for one in [*taken, *self.waiting.pop(place)]:
                one.told.cancel()  # where this task itself was ended; nothing where it is told

    def _take(self, place: Place) -> list[Waiting[Item]]:
        taken: list[Waiting[Item]] = []
        left: list[Waiting[Item]] = []
        seen: set[Hashable] = set()
        for one in self.waiting[place]:
            is_free = one.whose is None or one.whose not in seen
            (taken if is_free else left).append(one)
            seen.add(one.whose)
        self.waiting[place] = left
        return taken

    async def _do(self, database: Database, place: Place, taken: Sequence[Waiting[Item]]) -> None:
        try:
            async with database.tenant_session(place[0]) as session:
                outcomes = await self.work(place)(session, [one.item for one in taken])
                assert len(outcomes) == len(taken), "each has an outcome"
        except Exception as error:
            is_of_all = isinstance(error, AppError) or is_passing(error)
            if len(taken) > 1 and not is_of_all:
                for one in taken:
                    await self._do(database, place, [one])
                return
            outcomes = [error] * len(taken)  # type: ignore[list-item]
        for one, outcome in zip(taken, outcomes, strict=True):
            if one.told.done():
                continue
            if isinstance(outcome, Exception):
                one.told.set_exception(outcome)
            else:
                one.told.set_result(outcome)
