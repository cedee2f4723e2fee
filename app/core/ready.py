"""Answers that are made once, and kept as the bytes that go out.

An answer that is settled by what it is made of, a release and what was asked of it, is kept under the mark of
all that: what changes any of it changes the mark, so nothing kept has to be found and thrown away. Whose it
is, and what the reader may see of it, are part of the mark.
"""

import asyncio
import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from app.core.answers import GZIP, LEAST, takes_gzip

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")
READY = "betrokken.ready"
"""Where a request keeps the tag of an answer that is settled by what it is made of."""
Make = Callable[[], Awaitable[bytes]]
SOURCES = ("*.py", "*.yaml")
LARGEST = 4
"""None takes more than this part of the room."""


@dataclass(frozen=True)
class Ready:
    """What is sent, and how it is packed."""

    body: bytes
    is_packed: bool


@cache
def this_version() -> str:
    """Another version of the service may say the same in other words."""
    root = Path(__file__).parents[1]
    files = sorted(file for kind in SOURCES for file in root.rglob(kind))
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=16).hexdigest()


def mark_of(made_of: Sequence[Any]) -> str:
    """As an ETag: of everything that an answer depends on."""
    whole = repr((this_version(), *made_of)).encode()
    return f'"{hashlib.blake2b(whole, digest_size=16).hexdigest()}"'


class Room(Generic[Key, Thing]):
    """The things that were asked for last, up to so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0
        self.things: OrderedDict[Key, tuple[Thing, int]] = OrderedDict()

    def find(self, key: Key) -> Thing | None:
        found = self.things.get(key)
        if found is None:
            return None
        self.things.move_to_end(key)
        return found[0]

    def keep(self, key: Key, thing: Thing, length: int) -> None:
        if length * LARGEST > self.size:
            return
        self.drop(key)
        self.things[key] = thing, length
        self.taken += length
        while self.taken > self.size:
            self.taken -= self.things.popitem(last=False)[1][1]

    def drop(self, key: Key) -> None:
        _, length = self.things.pop(key, (None, 0))
        self.taken -= length


class ReadyAnswers:
    def __init__(self, room: int) -> None:
        self.kept: Room[tuple[str, bool], bytes] = Room(room)
        self.making: dict[str, asyncio.Lock] = {}

    async def get(self, mark: str, accepted: str, make: Make) -> Ready:
        """Made by the first who asks, while others wait; packed for who takes it so."""
        body = self.kept.find((mark, False))
        if body is None:
            body = await self._made(mark, make)
        if len(body) < LEAST or not takes_gzip(accepted):
            return Ready(body, is_packed=False)
        packed = self.kept.find((mark, True))
        if packed is None:
            packed = await asyncio.to_thread(zlib.compress, body, wbits=GZIP)
            self.kept.keep((mark, True), packed, len(packed))
        return Ready(packed, is_packed=True)

    async def _made(self, mark: str, make: Make) -> bytes:
        lock = self.making.setdefault(mark, asyncio.Lock())
        try:
            async with lock:
                body = self.kept.find((mark, False))
                if body is None:
                    body = await make()
                    self.kept.keep((mark, False), body, len(body))
                return body
        finally:
            if not lock.locked():
                self.making.pop(mark, None)
