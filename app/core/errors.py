"""Errors and how they leave the service, as RFC 9457 problem details.

AppError
├── BadRequest            400
├── Unauthorized          401
├── Forbidden             403
├── NotFound              404
├── RequestTimeout        408
├── Conflict              409
├── NotAcceptable         406
├── PreconditionFailed    412
├── PayloadTooLarge       413
├── UnsupportedMediaType  415
├── Unprocessable         422
├── TooManyRequests       429
└── Unavailable           503

A slice raises a subclass named for what went wrong, with `code` and a `detail` that says what to do next.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar, get_args

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core.core_schema import ErrorType
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.contract import allowed_methods
from app.core.logging import request_id

log = logging.getLogger("betrokken.http")

Model = TypeVar("Model", bound=BaseModel)

OF_A_FILE = ("HEAD", "GET")
"""Methods of what is served and not in the contract: pages, and what they load."""
PROBLEM_JSON = "application/problem+json"
RETRYABLE_SQLSTATES = ("08", "28", "3D", "40001", "40P01", "53", "55000", "55P03", "57")
"""Lost, full, locked or stopping; 28, 3D and 55000 while nobody is let in, as during a restore."""
UNKNOWN_FIELD = "unknown_field"
DRIVERS = (asyncpg.PostgresError, asyncpg.InterfaceError)
"""Of what goes around SQLAlchemy: the queue, a COPY."""
OUT_OF_REACH = (DBAPIError, PoolTimeout, OSError, *DRIVERS)
"""What is raised where the database does not answer; some of it also where it was asked wrongly."""
SIMULTANEOUS = (IntegrityError, asyncpg.IntegrityConstraintViolationError)
"""Another wrote the same at once, which a second try will see."""
PYDANTIC_CODES = dict.fromkeys(get_args(ErrorType), "invalid_value") | {
    "extra_forbidden": UNKNOWN_FIELD,
    "missing": "missing_field",
}


WORDS = {
    "missing": "Something is missing here: send it.",
    "extra_forbidden": "There is no such member: correct its name, or remove it.",
    "bool_type": "Write true or false, without quotes.",
    "bool_parsing": "Write true or false.",
    "int_type": "Write a whole number, without quotes.",
    "int_parsing": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "float_type": "Write a number, without quotes.",
    "float_parsing": "Write a number.",
    "finite_number": "Write a number that is not infinite.",
    "string_type": "Write text, in quotes.",
    "string_too_short": "Write at least {min_length} characters.",
    "string_too_long": "Write at most {max_length} characters.",
    "string_pattern_mismatch": "This has another form than is taken here: see the API documentation.",
    "list_type": "Write a list, in [ ].",
    "dict_type": "Write an object, in {{ }}.",
    "model_type": "Write an object, in {{ }}.",
    "model_attributes_type": "Write an object, in {{ }}.",
    "too_short": "Give at least {min_length}.",
    "too_long": "Give at most {max_length}.",
    "literal_error": "Write one of {expected}.",
    "enum": "Write one of {expected}.",
    "none_required": "Write null.",
    "greater_than": "Write more than {gt}.",
    "greater_than_equal": "Write at least {ge}.",
    "less_than": "Write less than {lt}.",
    "less_than_equal": "Write at most {le}.",
    "multiple_of": "Write a multiple of {multiple_of}.",
    "uuid_type": "Write an id as this service gave it.",
    "uuid_parsing": "Write an id as this service gave it.",
    "url_type": "Write a whole address, such as https://example.com/hook.",
    "url_parsing": "Write a whole address, such as https://example.com/hook.",
    "url_scheme": "Write an address that begins with {expected_schemes}.",
    "url_too_long": "Write at most {max_length} characters.",
    "date_type": "Write a date as 2026-11-23.",
    "date_parsing": "Write a date as 2026-11-23.",
    "date_from_datetime_parsing": "Write a date as 2026-11-23.",
    "datetime_type": "Write an instant as 2026-11-23T09:14:00+01:00.",
    "datetime_parsing": "Write an instant as 2026-11-23T09:14:00+01:00.",
    "datetime_from_date_parsing": "Write an instant as 2026-11-23T09:14:00+01:00.",
    "timezone_aware": "Write an instant with its offset, as 2026-11-23T09:14:00+01:00.",
    "union_tag_not_found": "Send {discriminator}, which says what the rest means.",
    "union_tag_invalid": "Write one of {expected_tags} as {discriminator}.",
}
"""What we say of each error of pydantic's own; in our own errors the words are ours already."""
NO_WORDS = "This value is not taken here: see the API documentation."


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a request: where (exactly one of the three) and what."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None

    def as_dict(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value is not None}


class AppError(Exception):
    status: ClassVar[int] = 500
    code: str = "internal_error"
    detail: str = "Something went wrong on our side; the request id helps to find it in the log."

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, str | None] | None = None,
    ) -> None:
        self.detail = detail or self.detail
        self.code = code or self.code
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(self.detail)

    @classmethod
    def at(cls, pointer: str, detail: str | None = None) -> "AppError":
        """The error, with the place in the body that caused it."""
        text = detail or cls.detail
        return cls(text, errors=[Fault(cls.code, text, pointer=pointer)])

    @classmethod
    def parameter(cls, name: str, detail: str | None = None) -> "AppError":
        """The error, with the query or path parameter that caused it."""
        text = detail or cls.detail
        return cls(text, errors=[Fault(cls.code, text, parameter=name)])

    def problem(self, instance: str | None = None) -> dict[str, Any]:
        return {
            "type": f"urn:betrokken:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "request_id": request_id.get(),
            "errors": [fault.as_dict() for fault in self.errors],
            **self.more,
        }

    def response(self, instance: str | None) -> Response:
        return JSONResponse(
            self.problem(instance), self.status, headers=self.headers, media_type=PROBLEM_JSON
        )


class BadRequest(AppError):
    status = 400
    code = "bad_request"


class MalformedJson(BadRequest):
    code = "malformed_json"
    detail = "The request body is not valid JSON: correct it and send it again."


CHALLENGE = 'Bearer realm="betrokken"'
"""RFC 6750, section 3: what went wrong is said where a credential was sent."""


class Unauthorized(AppError):
    status = 401
    code = "unauthenticated"
    detail = "Send a valid API key as Authorization: Bearer <key>."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": CHALLENGE})


class InvalidToken(Unauthorized):
    """A credential was sent, and is none here."""

    def __init__(self) -> None:
        AppError.__init__(self, headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'})


class Forbidden(AppError):
    status = 403
    code = "forbidden"


class MissingScope(Forbidden):
    code = "missing_scope"

    def __init__(self, detail: str, *scopes: str) -> None:
        needed = f', scope="{" ".join(sorted(scopes))}"' if scopes else ""
        challenge = f'{CHALLENGE}, error="insufficient_scope"{needed}'
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class NotFound(AppError):
    status = 404
    code = "not_found"
    detail = "Nothing was found under this address: check the path and the identifiers in it."


class NotAcceptable(AppError):
    status = 406
    code = "not_acceptable"


class RequestTimeout(AppError):
    status = 408
    code = "body_too_slow"
    detail = "The request body came too slowly: send it again over a better connection, or in parts."


class Conflict(AppError):
    status = 409
    code = "conflict"


class SimultaneousWrite(Conflict):
    detail = "Another request changed the same thing at the same moment: read it again, then repeat."


class PreconditionFailed(AppError):
    status = 412
    code = "precondition_failed"
    detail = "It has changed since you read it, or it exists already: read it again, then repeat."


class PayloadTooLarge(AppError):
    status = 413
    code = "body_too_large"


class UnsupportedMediaType(AppError):
    status = 415
    code = "unsupported_media_type"


class Unprocessable(AppError):
    status = 422
    code = "invalid_request"


class IdentifierMismatch(Unprocessable):
    code = "identifier_mismatch"
    detail = "The identifier in the body differs from the one in the path: send the same, or leave it out."


class TooManyRequests(AppError):
    status = 429
    code = "rate_limited"
    detail = "This API key has sent too many requests: wait as long as Retry-After says."


class Unavailable(AppError):
    status = 503
    code = "unavailable"
    detail = "The database cannot be reached at the moment; try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class UnknownStatus(AppError):
    """An error of the framework itself, under its own status."""

    def __init__(self, status: int, headers: Mapping[str, str] | None, detail: str | None = None) -> None:
        phrase = HTTPStatus(status).phrase
        words = detail or f"{phrase}."
        super().__init__(words, code=phrase.lower().replace(" ", "_"), headers=headers)
        self.status = status  # type: ignore[misc]


def problem_of_method(allowed: Sequence[str]) -> UnknownStatus:
    methods = ", ".join(allowed)
    return UnknownStatus(405, {"Allow": methods}, f"This address takes {methods}: use one of these methods.")


def pointer(*path: str | int) -> str:
    """The JSON pointer (RFC 6901, as URI fragment) of a place in the body."""
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def words_of(error: Mapping[str, Any]) -> str:
    """What is told of a pydantic error."""
    if error["type"] not in PYDANTIC_CODES:
        return str(error["msg"])
    return WORDS.get(error["type"], NO_WORDS).format_map(error.get("ctx", {}))


def fault_of(error: Mapping[str, Any]) -> Fault:
    """A pydantic error as a Fault."""
    place, *path = (step for step in error["loc"] if step != "[key]")
    code = PYDANTIC_CODES.get(error["type"], error["type"])
    words = words_of(error)
    if place == "header":
        return Fault(code, words, header=str(path[0]))
    if place in ("query", "path"):
        return Fault(code, words, parameter=str(path[0]))
    return Fault(code, words, pointer=pointer(*path))


def invalid(errors: Sequence[Mapping[str, Any]]) -> Unprocessable:
    """Pydantic's errors as one problem, under the code of the first; unknown members come first."""
    faults = list(dict.fromkeys(fault_of(error) for error in errors))
    faults.sort(key=lambda fault: fault.code != UNKNOWN_FIELD)
    more = f" ({len(faults) - 1} more in errors)" if len(faults) > 1 else ""
    return Unprocessable(faults[0].detail + more, code=faults[0].code, errors=faults)


def validated(model: type[Model], value: Any) -> Model:
    """`value` as `model`, or the problem of a body that is not one."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise invalid([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None


def sqlstate_of(error: Exception) -> str:
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def is_passing(error: Exception) -> bool:
    """Whether it is the database, which is away for now: the same may go well a little later."""
    if not isinstance(error, OUT_OF_REACH):
        return False
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    is_lost = isinstance(error, OSError | PoolTimeout | InterfaceError | asyncpg.InterfaceError)
    return is_lost or sqlstate_of(error).startswith(RETRYABLE_SQLSTATES)


def _framework_error(request: Request, error: HTTPException) -> AppError:
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 405:
        return problem_of_method(allowed_methods(request.url.path) or OF_A_FILE)
    return UnknownStatus(error.status_code, error.headers)


def problem_of(error: Exception) -> AppError:
    """What its reader is told of an exception; the log is told of what nobody foresaw."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, SIMULTANEOUS):
        return SimultaneousWrite()
    if is_passing(error):
        told = {"error": type(error).__name__, "sqlstate": sqlstate_of(error)}
        log.warning("database_unavailable", extra=told)
        return Unavailable()
    log.error("unexpected_error", exc_info=error)
    return AppError()


class ErrorMiddleware:
    """Answers what no handler of the framework did, where headers can be added and the connection lives.

    Starlette's own answer to an unforeseen exception goes out around every middleware, and then ends the
    connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        has_begun = is_over = False

        async def watched(message: Message) -> None:
            nonlocal has_begun, is_over
            has_begun = True
            is_over = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            problem = problem_of(error)
            if not has_begun:
                return await problem.response(scope["path"])(scope, receive, send)
            if not is_over:
                raise


def install_error_handlers(app: FastAPI) -> None:
    async def foreseen(request: Request, error: Exception) -> Response:
        return problem_of(error).response(request.url.path)

    async def framework_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _framework_error(request, error).response(request.url.path)

    async def invalid_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return invalid(error.errors()).response(request.url.path)

    async def out_of_all_middleware(request: Request, error: Exception) -> Response:
        own = problem_of(error)
        own.headers["X-Request-Id"] = request_id.get() or ""
        own.headers["X-Content-Type-Options"] = "nosniff"
        return own.response(request.url.path)

    app.add_exception_handler(HTTPException, framework_error)
    app.add_exception_handler(RequestValidationError, invalid_request)
    for kind in (AppError, *OUT_OF_REACH):
        app.add_exception_handler(kind, foreseen)
    app.add_exception_handler(Exception, out_of_all_middleware)
