"""Answers that are made once, and kept as the bytes that go out.

An answer that is settled by what it is made of, a release and what was asked of it, is kept under the mark of
all that: what changes any of it changes the mark, so nothing kept has to be found and thrown away. Whose it
is, and what the reader may see of it, are part of the mark.
"""

import asyncio
import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.core.answers import GZIP, LEAST, takes_gzip

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


class ReadyAnswers:
    """The last that were asked for, up to so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = 0
        self.kept: OrderedDict[tuple[str, bool], bytes] = OrderedDict()
        self.making: dict[str, asyncio.Lock] = {}

    async def get(self, mark: str, accepted: str, make: Make) -> Ready:
        """Made by the first who asks, while others wait; packed for who takes it so."""
        body = self._find((mark, False))
        if body is None:
            body = await self._made(mark, make)
        if len(body) < LEAST or not takes_gzip(accepted):
            return Ready(body, is_packed=False)
        packed = self._find((mark, True))
        if packed is None:
            packed = await asyncio.to_thread(zlib.compress, body, wbits=GZIP)
            self._keep((mark, True), packed)
        return Ready(packed, is_packed=True)

    async def _made(self, mark: str, make: Make) -> bytes:
        lock = self.making.setdefault(mark, asyncio.Lock())
        try:
            async with lock:
                body = self._find((mark, False))
                if body is None:
                    body = await make()
                    self._keep((mark, False), body)
                return body
        finally:
            if not lock.locked():
                self.making.pop(mark, None)

    def _find(self, key: tuple[str, bool]) -> bytes | None:
        if key in self.kept:
            self.kept.move_to_end(key)
        return self.kept.get(key)

    def _keep(self, key: tuple[str, bool], body: bytes) -> None:
        if len(body) * LARGEST > self.room:
            return
        self.taken += len(body) - len(self.kept.pop(key, b""))
        self.kept[key] = body
        while self.taken > self.room:
            self.taken -= len(self.kept.popitem(last=False)[1])
