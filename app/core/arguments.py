"""What an endpoint asks for, found in one pass over its signature.

FastAPI's own way does the same and costs more than the work of most requests: it sends each plain function to
a thread, and asks of every dependency in every request what it asked before. What is taken, in which order,
and what is said of what is wrong stays as FastAPI has it; the values themselves are still checked by it.
"""

import inspect
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

Call = Callable[..., Any]
Handler = Callable[[Request], Awaitable[Response]]
NOT_FOUND_HERE = (
    "websocket_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)


@dataclass(frozen=True)
class Needed:
    """A function and what it asks for, worked out once."""

    asked: Dependant
    call: Call
    name: str | None
    key: Hashable
    below: "tuple[Needed, ...]"
    opens: Call | None
    """What it opens, until the endpoint has returned."""
    is_awaited: bool
    optional_headers: frozenset[str]
    """The names of those that it may go without, if none of its headers is needed."""


def needed(asked: Dependant) -> Needed:
    assert asked.call is not None
    is_opened = inspect.isasyncgenfunction(asked.call)
    own = asked.call if inspect.isfunction(asked.call) else type(asked.call).__call__
    return Needed(
        asked,
        asked.call,
        asked.name,
        asked.call,
        tuple(map(needed, asked.dependencies)),
        asynccontextmanager(asked.call) if is_opened else None,
        inspect.iscoroutinefunction(own),
        optional_headers(asked),
    )


def optional_headers(asked: Dependant) -> frozenset[str]:
    if any(field.field_info.is_required() or field.default is not None for field in asked.header_params):
        return frozenset()
    aliases = [field.alias for field in asked.header_params]
    return frozenset(aliases) | {alias.replace("_", "-") for alias in aliases}


def is_simple(asked: Dependant) -> bool:
    """Whether all of it is found here."""
    is_found = not any(getattr(asked, name) for name in NOT_FOUND_HERE) and asked.use_cache
    opens = inspect.isasyncgenfunction(asked.call)
    is_closed_in_time = not opens or asked.scope == "function"
    return is_found and is_closed_in_time and all(map(is_simple, asked.dependencies))


class Arguments:
    """Of one request; `faults` is what was wrong with it."""

    def __init__(self, request: Request, body: Any, opened: AsyncExitStack) -> None:
        self.request = request
        self.body = body
        self.opened = opened
        self.found: dict[Hashable, Any] = {}
        self.faults: list[Any] = []

    async def of(self, one: Needed) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for below in one.below:
            if below.key not in self.found:
                before = len(self.faults)
                given = await self.of(below)
                if len(self.faults) > before:
                    continue
                self.found[below.key] = await self.result(below, given)
            if below.name is not None:
                values[below.name] = self.found[below.key]
        await self.add_own(one, values)
        return values

    async def result(self, one: Needed, given: dict[str, Any]) -> Any:
        if one.opens is not None:
            return await self.opened.enter_async_context(one.opens(**given))
        made = one.call(**given)
        return await made if one.is_awaited else made

    async def add_own(self, one: Needed, values: dict[str, Any]) -> None:
        asked = one.asked
        for field in asked.path_params:
            place = ("path", field.alias)
            values[field.name], faults = field.validate(
                self.request.path_params[field.alias], values, loc=place
            )
            self.faults += faults
        for fields, received in self.received(one):
            own, faults = request_params_to_args(fields, received)
            values.update(own)
            self.faults += faults
        if asked.body_params:
            own, faults = await request_body_to_args(
                body_fields=asked.body_params, received_body=self.body, embed_body_fields=False
            )
            values.update(own)
            self.faults += faults
        for name in (asked.request_param_name, asked.http_connection_param_name):
            if name is not None:
                values[name] = self.request

    def received(self, one: Needed) -> Iterator[tuple[Any, Any]]:
        """What is not sent, and need not be, is what the endpoint has in its place."""
        asked = one.asked
        if asked.query_params:
            yield asked.query_params, self.request.query_params
        if asked.header_params and (
            not one.optional_headers or any(name in self.request.headers for name in one.optional_headers)
        ):
            yield asked.header_params, self.request.headers
        if asked.cookie_params:
            yield asked.cookie_params, self.request.cookies


def direct(route: APIRoute) -> Handler | None:
    """The handler of an endpoint that makes its own Response of what is found here; of another, none."""
    makes = inspect.get_annotations(route.endpoint, eval_str=True).get("return")
    makes_response = isinstance(makes, type) and issubclass(makes, Response)
    if not makes_response or route._embed_body_fields or not is_simple(route.dependant):
        return None
    endpoint = needed(route.dependant)

    async def handle(request: Request) -> Response:
        body = None if route.body_field is None else await request.json()
        async with AsyncExitStack() as opened:
            arguments = Arguments(request, body, opened)
            values = await arguments.of(endpoint)
            if arguments.faults:
                raise RequestValidationError(arguments.faults, body=body)
            response: Response = await endpoint.call(**values)
        return response

    return handle
