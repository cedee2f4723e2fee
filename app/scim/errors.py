"""Errors as RFC 7644, section 3.12 has them.

Inside, what goes wrong is told as everywhere in this service; on its way out of /scim/v2 a problem becomes
the SCIM error it is. So what the body's reader or the rate limit refuses looks like the rest.
"""

import json
from typing import Any

import scim2_models as scim
from fastapi import FastAPI, Request
from pydantic import ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import PROBLEM_JSON, PYDANTIC_CODES, install_error_handlers, problem_of_method, words_of

PREFIX = "/scim/v2"
SCIM_JSON = "application/scim+json"
SCIM_TYPES = {400: "invalidSyntax", 422: "invalidValue"}


IN_WORDS = {"invalidSyntax", "invalidValue"}
WORDS = {
    "invalidFilter": (
        "This filter cannot be read: see RFC 7644, section 3.4.2.2, and name attributes as /Schemas has them."
    ),
    "invalidPath": "This path leads nowhere: name attributes as /Schemas has them.",
    "invalidSyntax": "The body has not the form that RFC 7644 has for it: correct it and send it again.",
    "invalidValue": "A value is missing, or is not one that its attribute takes: see /Schemas.",
    "mutability": "This attribute cannot be changed: leave it out.",
    "noTarget": "Nothing matches the path, or there is none: name what is to be changed.",
    "tooMany": "This is too much at once: ask for less.",
    "uniqueness": "Another resource has this value: find it and change it.",
}
"""What we say where the library that reads SCIM refuses."""


def words_for(error: scim.Error) -> str:
    return WORDS.get(error.scim_type or "", "This request cannot be served: see RFC 7644.")


def is_ours(error: scim.SCIMException) -> bool:
    """Whether it was raised here, in words of ours: those of the library are for who writes programs."""
    raised = error.__traceback__
    while raised is not None and raised.tb_next is not None:
        raised = raised.tb_next
    return raised is not None and str(raised.tb_frame.f_globals["__name__"]).startswith("app.")


def error_response(error: scim.Error) -> Response:
    return Response(error.model_dump_json(), error.status or 400, media_type=SCIM_JSON)


def error_of(problem: dict[str, Any]) -> scim.Error:
    status = problem["status"]
    return scim.Error(
        status=400 if status == 422 else status,
        scim_type=SCIM_TYPES.get(status),
        detail=f"{problem['detail']} ({problem['code']})",
    )


class ScimErrors:
    """Rewrites problem details under /scim/v2, where a path may end in a slash."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PREFIX}/"):
            return await self.app(scope, receive, send)
        scope["path"] = scope["path"].removesuffix("/")
        start: Message | None = None
        problem = b""

        async def rewritten(message: Message) -> None:
            nonlocal start, problem
            if message["type"] == "http.response.start" and is_problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                problem += message.get("body", b"")
                if not message.get("more_body", False):
                    await self.translate(start, problem, send)

        await self.app(scope, receive, rewritten)

    async def translate(self, start: Message, problem: bytes, send: Send) -> None:
        error = error_of(json.loads(problem))
        body = error.model_dump_json().encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-type"], headers["content-length"] = SCIM_JSON, str(len(body))
        await send({**start, "status": error.status, "headers": headers.raw})
        await send({"type": "http.response.body", "body": body})


def is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type") == PROBLEM_JSON


def install_scim_errors(app: FastAPI, routes: list[BaseRoute]) -> None:
    async def scim_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, scim.SCIMException)
        told = error.to_error()
        return error_response(told if is_ours(error) else told.model_copy(update={"detail": words_for(told)}))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, ValidationError)
        first = error.errors(include_url=False, include_input=False)[0]
        told = scim.Error.from_validation_error(first)
        told.detail = (
            words_of(first)
            if told.scim_type in IN_WORDS and first["type"] in PYDANTIC_CODES
            else words_for(told)
        )
        place = ".".join(str(step) for step in first["loc"])
        told.detail = f"{told.detail} ({place})" if place else told.detail
        return error_response(told)

    async def wrong_method(request: Request, error: Exception) -> Response:
        found = {
            method
            for route in routes
            if route.matches(request.scope)[0] is not Match.NONE
            for method in getattr(route, "methods", None) or ()
        }
        if "GET" in found:
            found.add("HEAD")
        return problem_of_method(sorted(found)).response(request.url.path)

    install_error_handlers(app)
    app.add_exception_handler(scim.SCIMException, scim_error)
    app.add_exception_handler(ValidationError, invalid)
    app.add_exception_handler(405, wrong_method)
