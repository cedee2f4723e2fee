"""Answers that are made outside the process: while they wait for that they hold nothing that others need."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.fairness import leave


class MadeElsewhere(Response):
    """Made once the request's transaction has ended and its place is given back.

    Not at all where whoever asked has gone, as far as the server tells.
    """

    def __init__(self, make: Callable[[], Awaitable[Response]]) -> None:
        super().__init__()
        self.make = make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await leave(scope)
        made = await self.made_unless_gone(receive)
        if made is not None:
            await made(scope, receive, send)

    async def made_unless_gone(self, receive: Receive) -> Response | None:
        making = asyncio.ensure_future(self.make())
        going = asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait({making, going}, return_when=asyncio.FIRST_COMPLETED)
            return await making if making.done() else None
        finally:
            for task in (making, going):
                task.cancel()
            await asyncio.gather(making, going, return_exceptions=True)


async def gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
