"""Nobody waits behind another's hundred requests: who has few in hand comes first.

Each lane, an organisation or whoever is not known yet, has a few places in a process, and a place that
becomes free goes to the lane that has the fewest. So a quiet one finds room whatever a loud one sends.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Item = TypeVar("Item")
Made = TypeVar("Made")
SLICE = 50
"""Items of a batch that are worked on before others have a turn."""
TURN_SECONDS = 0.01
SIZE = "betrokken.body_size"
LEAVE = "betrokken.leave"
HEAVY = 2**16
"""Bytes of a body that is a large batch."""
HEAVY_AT_ONCE = 2
GATHERING = 64
"""Requests that gather at once, of all organisations; half of them of one, so no more are stored together."""


def lane_within(organization: str, name: str) -> str:
    """A lane of its own among those of an organisation: of somebody who was asked to answer."""
    return f"{organization} {name}"


def organization_of(lane: str) -> str:
    return lane.partition(" ")[0]


class FairQueue:
    def __init__(self, places: int, each: int) -> None:
        """So many places in all, at most so many of one lane, and half of them of an organisation."""
        self.free = places
        self.each = each
        self.together = max(each, places // 2)
        self.taken: Counter[str] = Counter()
        self.taken_within: Counter[str] = Counter()
        self.waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def place(self, lane: str) -> AsyncIterator[None]:
        await self._enter(lane)
        try:
            yield
        finally:
            self._leave(lane)

    async def _enter(self, lane: str) -> None:
        if self.free and self._has_room(lane) and lane not in self.waiting:
            return self._take(lane)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(lane, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(lane)
            else:
                self._forget(lane, turn)
            raise

    def waiting_of(self, lane: str) -> int:
        return len(self.waiting.get(lane, ()))

    def _has_room(self, lane: str) -> bool:
        return self.taken[lane] < self.each and self.taken_within[organization_of(lane)] < self.together

    def _take(self, lane: str) -> None:
        self.free -= 1
        self.taken[lane] += 1
        self.taken_within[organization_of(lane)] += 1

    def _leave(self, lane: str) -> None:
        self.free += 1
        self.taken[lane] -= 1
        self.taken_within[organization_of(lane)] -= 1
        for counter, name in ((self.taken, lane), (self.taken_within, organization_of(lane))):
            if not counter[name]:
                del counter[name]
        self._call_next()

    def _forget(self, lane: str, turn: "asyncio.Future[None]") -> None:
        turns = self.waiting.get(lane, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            self.waiting.pop(lane, None)

    def _call_next(self) -> None:
        """Of the organisation, then the lane with the fewest in hand, who was called longest ago."""
        while self.free and (able := [lane for lane in self.waiting if self._has_room(lane)]):
            lane = min(able, key=lambda one: (self.taken_within[organization_of(one)], self.taken[one]))
            turn = self.waiting[lane][0]
            self._forget(lane, turn)
            if not turn.cancelled():  # by who has not run since, and will forget it again
                return self._call(lane, turn)

    def _call(self, lane: str, turn: "asyncio.Future[None]") -> None:
        if lane in self.waiting:
            self.waiting.move_to_end(lane)
        self._take(lane)
        turn.set_result(None)


class FairMiddleware:
    """Requests wait for a place after their body has come: a slow sender takes none, nor does a stream."""

    def __init__(
        self,
        app: ASGIApp,
        requests: FairQueue,
        lane_of: Callable[[Scope], str | None],
        gathers: Callable[[Scope], bool] = lambda _: False,
    ) -> None:
        """What `gathers` works in a place that all of it takes together; on its way there it has others."""
        self.app = app
        self.lane_of = lane_of
        self.requests = requests
        self.gathers = gathers
        self.gathering = FairQueue(GATHERING, GATHERING // 2)
        self.batches = FairQueue(HEAVY_AT_ONCE, 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lane = self.lane_of(scope) if scope["type"] == "http" else None
        if lane is None:
            return await self.app(scope, receive, send)
        async with AsyncExitStack() as places:

            async def sent(message: Message) -> None:
                await send(message)
                if message.get("more_body", False):
                    await places.aclose()

            if scope.get(SIZE, 0) > HEAVY:
                await places.enter_async_context(self.batches.place(lane))
            queue = self.gathering if self.gathers(scope) else self.requests
            await places.enter_async_context(queue.place(lane))
            scope[LEAVE] = places.aclose
            await self.app(scope, receive, sent)


async def leave(scope: Scope) -> None:
    """Gives the place of a request back before it is answered: others have it while it waits elsewhere."""
    if LEAVE in scope:
        await scope[LEAVE]()


def slices(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + SLICE] for start in range(0, len(items), SLICE))


async def in_turns(work: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """What `work` makes of each; others have their turn in between."""
    made: list[Made] = []
    began = time.perf_counter()
    for item in items:
        made.append(work(item))
        if time.perf_counter() - began > TURN_SECONDS:
            await asyncio.sleep(0)
            began = time.perf_counter()
    return made
