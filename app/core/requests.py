"""What a request must be before an endpoint sees it: id, head, address, parameters, media type."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_origin
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic_core import PydanticUndefined
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import logging as app_logging
from app.core.arguments import direct
from app.core.contract import query_parameters, templates_of
from app.core.errors import (
    BadRequest,
    Fault,
    Unprocessable,
    UnsupportedMediaType,
)
from app.core.negotiation import preferred
from app.core.spreadsheets import CSV, ROWS, table_of
from app.core.strict_json import parse_aside

HOST = re.compile(r"([\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(:\d{0,5})?", re.ASCII)
ONCE = ("authorization", "content-type", "content-length", "content-encoding", "idempotency-key")
LISTS = {b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"if-match", b"if-none-match"}
"""Headers that may come on several lines, as if they were one (RFC 9110, 5.3)."""
JSON, TABLE_MARK = "application/json", "-csv"
ANY_TAG = "*"
TAG_OF_TABLE = re.compile(rf'"([^"]*){TABLE_MARK}"')
KEPT_OF_TABLES = {"etag", "link", "cache-control", "vary", "deprecation", "sunset", "retry-after"}
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


class RequestIdMiddleware:
    """Gives every request an id: the sender's X-Request-Id if it is harmless, else a new one.

    And every answer what holds for all of them: no browser guesses that it is something else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope["headers"] = joined(scope["headers"])
        offered = Headers(scope=scope).get("x-request-id", "")
        value = offered if SAFE_REQUEST_ID.fullmatch(offered) else uuid4().hex
        app_logging.request_id.set(value)
        app_logging.organization_id.set(None)

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = value
                headers["X-Content-Type-Options"] = "nosniff"
                if scope["app"].state.is_leaving:
                    headers["Connection"] = "close"
                headers.add_vary_header("Authorization, Accept-Language, Accept-Encoding")
            await send(message)

        await self.app(scope, receive, with_id)


def joined(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Each list on one line: of a condition on two, half would not count."""
    names = [name for name, _ in headers if name in LISTS]
    if len(names) == len(set(names)):
        return headers
    lines = {name: b", ".join(value for other, value in headers if other == name) for name in names}
    return [*(one for one in headers if one[0] not in LISTS), *lines.items()]


class OriginMiddleware(CORSMiddleware):
    """Cross-origin requests; the refusal of a preflight is a problem like any other."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        refusal = BadRequest("This origin, method or header is not let in: see BETROKKEN_CORS_ORIGINS.")
        return refusal.response(None)


def refuse_bad_head(scope: Scope, headers: Headers) -> None:
    """Two programs in a row may each believe another one of two headers (RFC 9112, 3.2)."""
    hosts = headers.getlist("host")
    is_older = scope.get("http_version") == "1.0" and not hosts
    if not is_older and not (len(hosts) == 1 and HOST.fullmatch(hosts[0])):
        raise BadRequest("Send one Host header, with a name and perhaps a port.", code="bad_host")
    twice = next((name for name in ONCE if len(headers.getlist(name)) > 1), None)
    if twice:
        raise BadRequest(f"Send the header {twice} once.", code="repeated_header")


def refuse_bad_address(scope: Scope) -> None:
    if b"%2f" in scope.get("raw_path", b"").lower() or "//" in scope["path"]:
        raise BadRequest("The path has an encoded slash or an empty part: remove it.", code="bad_path")
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Unprocessable("The address has a NUL character: remove it.", code="invalid_text")


class StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = await parse_aside(await self.body())
        return self._json

    def take(self, value: Any) -> None:
        """In the place of what it would be."""
        self._json = value


def routes_of(*routers: APIRouter) -> Sequence[BaseRoute]:
    """Of all of them as they are: a router that is included asks more of each request."""
    return [route for router in routers for route in router.routes]


class Route(APIRoute):
    """A route whose query has the parameters of the contract, whose body its media type, and strict JSON.

    What it answers with rows in it, it answers as a table too, to whom prefers one.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        self.has_table = set(given.get("methods") or ()) == {"GET"} and has_rows(given.get("response_model"))
        if self.has_table:
            given["responses"] = {200: {"content": {CSV: {"schema": {"type": "string"}}}}} | dict(
                given.get("responses") or {}
            )
        super().__init__(path, endpoint, **given)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = direct(self) or super().get_route_handler()
        accepted = ["application/json"]
        if "PATCH" in (self.methods or ()):
            accepted.append("application/merge-patch+json")

        async def strict(request: Request) -> Response:
            refuse_other_methods(request, self.path_format)
            refuse_unknown_parameters(request, self.path_format)
            parsed = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                await self.read_body(parsed, accepted)
            answer = await (as_table(parsed, handler) if self.wants_table(parsed) else handler(parsed))
            if self.has_table:
                answer.headers.add_vary_header("Accept")
            return answer

        return strict

    async def read_body(self, request: StrictRequest, accepted: list[str]) -> None:
        """Here: FastAPI hides what is raised when it asks for the JSON itself."""
        if not self.is_body_required and not await request.body():
            return request.take(PydanticUndefined)
        require_media_type(request, accepted)
        await request.json()
        return None

    @property
    def is_body_required(self) -> bool:
        return self.body_field is not None and self.body_field.field_info.is_required()

    def wants_table(self, request: Request) -> bool:
        return self.has_table and preferred(request.headers.get("accept"), [JSON, CSV]) == CSV


def has_rows(model: Any) -> bool:
    fields = getattr(model, "model_fields", {})
    return any(name in fields and get_origin(fields[name].annotation) is list for name in ROWS)


async def as_table(request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
    """By the tags of the JSON it is made of, each with a mark of its own."""
    headers = MutableHeaders(scope=request.scope)
    headers["Accept-Encoding"] = "identity"
    if "If-None-Match" in headers:
        known = [f'"{tag}"' for tag in TAG_OF_TABLE.findall(headers["If-None-Match"])]
        is_any = headers["If-None-Match"].strip() == ANY_TAG
        headers["If-None-Match"] = ANY_TAG if is_any else ", ".join(known)
    answer = await handler(StrictRequest(request.scope, request.receive))
    if "ETag" in answer.headers:
        answer.headers["ETag"] = f'{answer.headers["ETag"][:-1]}{TABLE_MARK}"'
    if answer.status_code != 200:
        return answer
    kept = {name: value for name, value in answer.headers.items() if name in KEPT_OF_TABLES}
    table = await asyncio.to_thread(table_of, bytes(answer.body))
    return Response(table, headers=kept, media_type=CSV)


def require_media_type(request: Request, accepted: list[str]) -> None:
    offered = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if offered not in accepted:
        raise UnsupportedMediaType(
            f"Send Content-Type: {' or '.join(accepted)}.", headers=accepting(request.method, accepted)
        )


def accepting(method: str, kinds: Iterable[str]) -> dict[str, str]:
    """The header that says which media types a body may have (RFC 5789, 9110 and W3C's LDP)."""
    name = {"POST": "Accept-Post", "PATCH": "Accept-Patch"}.get(method, "Accept")
    return {name: ", ".join(kinds)}


def refuse_other_methods(request: Request, path: str) -> None:
    """Where the path is one of the contract's and this route one of its siblings with a parameter there."""
    templates = templates_of(request.scope["path"])
    if templates and path not in templates:
        raise HTTPException(405)


class UnknownParameter(Unprocessable):
    code = "unknown_parameter"


class RepeatedParameter(Unprocessable):
    code = "repeated_parameter"


def refuse_unknown_parameters(request: Request, path: str) -> None:
    """A misspelt filter would answer with everything."""
    known = query_parameters(path, request.method.lower())
    if known is None:
        return
    given = [name for name, _ in request.query_params.multi_items()]
    faults = [_unknown(name, list(known)) for name in dict.fromkeys(given) if name not in known]
    if faults:
        raise UnknownParameter(" ".join(fault.detail for fault in faults[:5]), errors=faults)
    repeated = next((name for name in given if not known[name] and given.count(name) > 1), None)
    if repeated is not None:
        raise RepeatedParameter.parameter(repeated, f"{repeated} may be given once: leave the others out.")


def _unknown(name: str, known: list[str]) -> Fault:
    nearest = get_close_matches(name, known, 1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"it takes {', '.join(known) or 'none'}."
    return Fault("unknown_parameter", f"There is no parameter {name[:100]} here: {hint}", parameter=name)
