"""The short way of an answer that was given before, to the same key for the same words.

It is gone as soon as its key or what the answer is made of may have changed: `Memory` hears of that. What
stands before this in the row of middleware is done as ever; what comes behind has been done, for the same
head to the letter, when the answer was first given.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.dependencies import HELD, WHO
from app.auth.limits import KNOWN
from app.auth.principal import Principal
from app.core import logging as app_logging
from app.core.conditional import LONGEST_TAGS, matches
from app.core.memory import ANSWERS, Memory
from app.core.ready import READY, Room

ASKED: Final = frozenset({b"accept", b"accept-encoding", b"accept-language", b"authorization", b"host"})
IF_NONE_MATCH: Final = b"if-none-match"
OTHERWISE: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
"""A body, which a reader has none of: the long way says what is wrong with it. Those who ask for what holds
this moment go it too: of a change one hears within a second."""
Head = list[tuple[bytes, bytes]]
Key = bytes
"""A hash: what is kept for long holds no key of anybody, and is as short as it is counted."""
LEAST: Final = 2_000
"""Bytes that one takes beside its body."""


@dataclass(frozen=True)
class Shortcut:
    """An answer, to whom, and what has to be remembered still."""

    who: Principal
    held: object
    route: Any
    etag: str
    unchanged: Head
    head: Head
    body: bytes | None
    """None where only those asked so far who had it already."""

    def holds(self, memory: Memory) -> bool:
        return (
            memory.known(UUID(self.who.subject)) is self.who
            and memory.known((ANSWERS, self.who.organization_id)) is self.held
        )

    def answers(self, known: bytes | None) -> tuple[int, Head, bytes] | None:
        if known is not None and matches(known.decode("latin-1"), self.etag):
            return 304, self.unchanged, b""
        return None if self.body is None else (200, self.head, self.body)


class ShortcutMiddleware:
    def __init__(self, app: ASGIApp, state: Any, room: int) -> None:
        self.app = app
        self.state = state
        """Of the application, whose database it has once it runs."""
        self.kept: Room[Key, Shortcut] = Room(room)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key, known = asked_in(scope)
        if key is None:
            return await self.app(scope, receive, send)
        found = self.kept.find(key)
        if found is not None and not found.holds(self.state.database.memory):
            self.kept.drop(key)
            found = None
        answer = found.answers(known) if found else None
        if found is None or answer is None:
            return await self.go_the_long_way(key, scope, receive, send)
        scope["route"], scope[KNOWN] = found.route, True
        app_logging.organization_id.set(str(found.who.organization_id))
        status, head, body = answer
        await send({"type": "http.response.start", "status": status, "headers": [*head]})
        await send({"type": "http.response.body", "body": body})

    async def go_the_long_way(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        status, head = 0, Head()

        async def watched(message: Message) -> None:
            nonlocal status, head
            if message["type"] == "http.response.start":
                status, head = message["status"], [*message["headers"]]
            elif READY in scope and not message.get("more_body", False):
                self.keep(key, scope, status, head, message.get("body", b""))
            await send(message)

        await self.app(scope, receive, watched)

    def keep(self, key: Key, scope: Scope, status: int, head: Head, body: bytes) -> None:
        """Of a key that is remembered itself. Whom somebody leads is asked each time."""
        who, held = scope[WHO], scope[HELD]
        if held is None or who.kind != "api_key" or who.person is not None or status not in (200, 304):
            return
        tag = Headers(raw=head)["etag"]  # of the answer as it goes out: a table has one of its own
        unchanged = [one for one in head if not one[0].startswith(b"content-")]
        whole = body if status == 200 else None
        found = Shortcut(who, held, scope["route"], tag, unchanged, head, whole)
        if found.holds(self.state.database.memory):
            self.kept.keep(key, found, len(body) + LEAST)


def asked_in(scope: Scope) -> tuple[Key | None, bytes | None]:
    """All that an answer may depend on, and what the reader has already; None where it is no plain read."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None, None
    asked: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in OTHERWISE:
            return None, None
        if name == b"cache-control" and b"no-cache" in value.lower():
            return None, None
        if name in ASKED or name == IF_NONE_MATCH:
            asked[name] = value
    known = asked.pop(IF_NONE_MATCH, None)
    if known is not None and len(known) > LONGEST_TAGS:
        return None, None
    whole = repr((scope["raw_path"], scope["query_string"], asked)).encode()
    return hashlib.blake2b(whole, digest_size=32).digest(), known
