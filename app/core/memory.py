"""What a process remembers of the database, as long as it is sure to hear of a change within a second.

Triggers tell of every change, whoever made it, as TOLD lists. A process that does not hear, as its line was
lost, is silent or leads through a pooler, remembers nothing: then all is read as if there were no memory.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from app.core import logging as app_logging
from app.core.lines import is_pooled

log = logging.getLogger("betrokken.memory")

Thing = TypeVar("Thing")
CHANNEL = "betrokken_changes"
TOLD = ("api_keys",)
"""Tables of whose rows a trigger tells by their id when they are changed or deleted."""
ASKS_EVERY, SURE_SECONDS = 0.25, 1.0
"""An answer is proof that all was heard which was told before it was asked for."""
PAUSE, LONGEST_PAUSE = 2, 30
MOST_REMEMBERED = 10_000
NEVER = float("-inf")


ANSWERS, ARRIVALS = "answers", "arrivals"
"""What is told of an organisation: that what is read of its surveys, or the order of its people, changed."""
ANSWER_TABLES = ("organizations", "surveys", "releases")
HIDING = ("scim_users", "scim_groups")
ARRIVAL_TABLES = ("people", "teams", *HIDING)
"""Who comes is the last in the order: it is told of those who go, are hidden, or come back."""
TOLD_OF = dict.fromkeys(ANSWER_TABLES, ANSWERS) | dict.fromkeys(ARRIVAL_TABLES, ARRIVALS)
UNTOLD = "release_progress"
"""Of surveys: it changes each second of a release, and no answer that is remembered is made of it."""
CHANGED = "changed"
"""Where a transaction keeps what it changed of its organisation: its own process forgets it at once."""
CHANGES = re.compile(
    rf"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+({'|'.join(ANSWER_TABLES)})\b"
    rf"(?!\s+SET\s+{UNTOLD}\s*=\s*:\w+\s+WHERE\b)"
    rf"|\bDELETE\s+FROM\s+({'|'.join(ARRIVAL_TABLES)})\b"
)
Name = UUID | tuple[str, UUID]


@lru_cache(maxsize=4096)
def changed_by(sql: str) -> frozenset[str]:
    return frozenset(TOLD_OF[table] for tables in CHANGES.findall(sql) for table in tables if table)


TELLING = [("tell_of_change", table) for table in TOLD]
TELLING += [(f"tell_of_{subject}", table) for table, subject in TOLD_OF.items()]
TELLING += [("tell_of_changed", "surveys")]
TELLING += [(name, table) for name in ("tell_of_hidden", "tell_of_born_hidden") for table in HIDING]
IS_TOLD = """
SELECT count(*) = cardinality(CAST($1 AS text[]))
FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS telling (name, place)
JOIN pg_trigger t ON t.tgname = telling.name AND t.tgrelid = to_regclass(telling.place)
WHERE t.tgenabled IN ('O', 'A')
"""
TRIGGERS_EVERY = 60


async def is_told(line: asyncpg.Connection) -> bool:
    names, places = zip(*TELLING, strict=True)
    told: bool = await line.fetchval(IS_TOLD, names, places)
    return told


class NotHeard(RuntimeError):
    """The line leads through a pooler, or a trigger that tells is gone or disabled."""


class Memory:
    """Things by their id. `listen` has to run beside it; before and without that it only reads."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self.connect = connect
        self._things: dict[Name, Any] = {}
        self._forgotten = 0
        self._sure_of = NEVER
        """When that was asked for which was answered last."""

    def known(self, thing: Name) -> Any:
        """What is remembered, if anything."""
        return self._things.get(thing) if self.is_sure() else None

    def hold(self, thing: Name, make: Callable[[], Any] = object) -> Any:
        """Something that stays the same as long as nothing changes; None where that would not be heard."""
        if not self.is_sure():
            return None
        return self._things[thing] if thing in self._things else self._remembered(thing, make())

    def _remembered(self, thing: Name, what: Any) -> Any:
        found = self._things.setdefault(thing, what)
        if len(self._things) > MOST_REMEMBERED:
            del self._things[next(iter(self._things))]
        return found

    async def recall(self, thing: UUID, read: Callable[[], Awaitable[Thing | None]]) -> Thing | None:
        """What is remembered, or else is read; what changes while it is read is not remembered."""
        if self.is_sure() and thing in self._things:
            found: Thing = self._things[thing]
            return found
        before = self._forgotten
        read_now = await read()
        if read_now is not None and self.is_sure() and before == self._forgotten:
            self._things.pop(thing, None)
            self._remembered(thing, read_now)
        return read_now

    def is_sure(self) -> bool:
        return time.monotonic() - self._sure_of < SURE_SECONDS

    def forget(self, *things: Name) -> None:
        """Of nothing it is no news: what is read meanwhile may be remembered."""
        self._forgotten += len(things)
        for thing in things:
            self._things.pop(thing, None)

    def forget_all(self) -> None:
        self._sure_of = NEVER
        self._forgotten += 1
        self._things.clear()

    async def listen(self) -> None:
        """Until cancelled; a lost line is dialled anew, less and less often while that is in vain."""
        pause = PAUSE
        while True:
            begun = time.monotonic()
            try:
                await self._listen_once()
            except Exception as error:
                log.warning("changes_not_heard", extra=app_logging.describe(error))
            pause = PAUSE if time.monotonic() - begun > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _listen_once(self) -> None:
        line = await self.connect()
        try:
            await self._wait_for_triggers(line)
            await line.add_listener(CHANNEL, self._hear)
            while True:
                await self._ask(line)
                await asyncio.sleep(ASKS_EVERY)
        finally:
            self.forget_all()
            with suppress(Exception):
                await line.close(timeout=5)

    async def _wait_for_triggers(self, line: asyncpg.Connection) -> None:
        """Where none tells, as on Citus, which has none, nothing is remembered."""
        while not await is_told(line):  # noqa: ASYNC110 a migration tells nobody
            await asyncio.sleep(TRIGGERS_EVERY)

    async def _ask(self, line: asyncpg.Connection) -> None:
        asked_at = time.monotonic()
        if await is_pooled(line) or not await is_told(line):
            raise NotHeard
        self._sure_of = asked_at

    def _hear(self, _: object, __: int, ___: str, thing: str) -> None:
        of, _, own = thing.rpartition(" ")
        self.forget((of, UUID(own)) if of else UUID(own))
