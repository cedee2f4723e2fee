import asyncio
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

import scim2_models as scim
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from scim2_models import Context
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from app.auth.callers import PeopleReader, PeopleWriter
from app.auth.dependencies import database_of, keyring_of, public_base
from app.auth.principal import Principal, Scope
from app.core.conditional import NO_STORE, Preconditions, matches
from app.core.errors import ErrorMiddleware
from app.core.memory import ARRIVALS
from app.core.requests import require_media_type
from app.core.schema import one_spelling
from app.core.strict_json import parse_aside
from app.scim import service
from app.scim.deviations import MOST_OPERATIONS, operations_of, with_objects
from app.scim.errors import PREFIX, SCIM_JSON, install_scim_errors
from app.scim.filters import LONGEST_FILTER
from app.scim.schemas import POLICY, Group, Person
from app.scim.service import Arrivals, Caller

NAMES = ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes")
PARAMETERS = {name.lower(): name for name in NAMES}
"""Of a query, by how they compare (RFC 7644, 3.4.2)."""
MOST_NAMES, LONGEST_NAME, MOST_MEMBERS = 100, 40, 1_000
NAMING = ("attributes", "excludedattributes")
Patched = TypeVar("Patched", bound=scim.Resource[Any])


def base_of(request: Request) -> str:
    return public_base(request) + PREFIX


def caller_of(request: Request, who: Principal) -> Caller:
    has_dates = Scope.PEOPLE_DATES in who.scopes
    arrivals = database_of(request).memory.hold((ARRIVALS, who.organization_id), Arrivals) or Arrivals()
    return Caller(who.organization_id, has_dates, base_of(request), keyring_of(request), arrivals)


async def reader(request: Request, who: PeopleReader) -> Caller:
    return caller_of(request, who)


async def writer(request: Request, who: PeopleWriter) -> Caller:
    return caller_of(request, who)


async def body_of(request: Request) -> Any:
    require_media_type(request, [SCIM_JSON, "application/json"])
    return await parse_aside(await request.body())


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
ScimBody = Annotated[Any, Depends(body_of)]


def query_of(request: Request) -> dict[str, str]:
    """What providers add of their own is let through; a misspelt one would answer with everybody."""
    if len(request.query_params) > MOST_NAMES:
        raise scim.TooManyException(detail=f"This asks too much: send at most {MOST_NAMES} parameters.")
    for given in request.query_params:
        if len(given) > LONGEST_NAME:
            continue
        near = get_close_matches(given.lower(), PARAMETERS, 1, 0.75)
        if near and given.lower() not in PARAMETERS:
            meant = PARAMETERS[near[0]]
            raise scim.InvalidValueException(detail=f"There is no parameter {given}: did you mean {meant}?")
    return dict(request.query_params)


def asked_of(request: Request) -> scim.ResponseParameters[Any]:
    """`attributes` and `excludedAttributes`."""
    asked = query_of(request)
    refuse_many_names(asked)
    return scim.ResponseParameters[Any].model_validate(asked, scim_policy=POLICY)


Asked = Annotated[scim.ResponseParameters[Any], Depends(asked_of)]


def refuse_many_names(sent: Mapping[str, Any]) -> None:
    """Each is looked for in the schemas, and in every resource of a page."""
    for name, names in sent.items():
        many = names.split(",") if isinstance(names, str) else names
        is_of_these = name.lower().replace("_", "") in NAMING and isinstance(many, list)
        if is_of_these and (len(many) > MOST_NAMES or sum(len(str(one)) for one in many) > LONGEST_FILTER):
            raise scim.TooManyException(detail=f"This names too much: send at most {MOST_NAMES} attributes.")


def resource_of(sent: Any, model: type[Patched], context: Context) -> Patched:
    """A body with its deviations undone."""
    if isinstance(sent, dict) and len(sent) > MOST_MEMBERS:
        raise scim.TooManyException(detail=f"This has too much: send at most {MOST_MEMBERS} attributes.")
    return model.model_validate(with_objects(sent, model), scim_ctx=context, scim_policy=POLICY)


def search_of(sent: Any, model: Any) -> scim.SearchRequest[Any]:
    if isinstance(sent, dict) and len(str(sent.get("filter", ""))) > LONGEST_FILTER:
        raise scim.InvalidFilterException(
            detail=f"This filter is too long: send at most {LONGEST_FILTER} characters."
        )
    if isinstance(sent, dict):
        refuse_many_names(sent)
        if isinstance(sent.get("filter"), str):
            sent = sent | {"filter": one_spelling(sent["filter"])}
    request: scim.SearchRequest[Any] = scim.SearchRequest[model].model_validate(sent, scim_policy=POLICY)
    return request


def patch_of(sent: Any, model: type[Patched]) -> scim.PatchOp[Patched]:
    """With its deviations undone. A path to what no schema has is refused: it would change nothing."""
    if isinstance(sent, dict) and isinstance(sent.get("Operations"), list):
        refuse_long_paths(sent["Operations"])
        operations = operations_of(sent["Operations"], model)
        if len(operations) > MOST_OPERATIONS:
            raise scim.TooManyException(
                detail=f"This PATCH is too long: send at most {MOST_OPERATIONS} operations at once."
            )
        sent = sent | {"Operations": operations}
    patch_type: type[scim.PatchOp[Patched]] = scim.PatchOp.__class_getitem__(model)
    patch = patch_type.model_validate(sent, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)
    for operation in patch.operations or []:
        path = operation.path
        if path is not None and path.model is None and path.resolve() is None:
            raise scim.InvalidPathException(detail=f"There is no attribute {path}.")
    return patch


def refuse_long_paths(operations: list[Any]) -> None:
    """A path may hold a filter, and each part of it is looked for in the schemas."""
    for one in operations[: MOST_OPERATIONS + 1]:
        if isinstance(one, dict) and len(str(one.get("path", ""))) > LONGEST_FILTER:
            raise scim.InvalidPathException(
                detail=f"This path is too long: send at most {LONGEST_FILTER} characters."
            )


def answer(
    resource: scim.Resource[Any],
    context: Context,
    asked: scim.ResponseParameters[Any] | None = None,
    status: int = 200,
) -> Response:
    meta = service.versioned(resource).meta
    assert meta is not None
    headers = {**NO_STORE, "ETag": str(meta.version)}
    if status == 201:
        headers["Location"] = str(meta.location)
    body = resource.model_dump_json(scim_ctx=context, response_parameters=asked)
    return Response(body, status, headers, media_type=SCIM_JSON)


def changed(resource: scim.Resource[Any]) -> Response:
    """RFC 7644, section 3.5.2: without the whole, which may have fifty thousand members."""
    meta = service.versioned(resource).meta
    assert meta is not None
    return Response(status_code=204, headers={**NO_STORE, "ETag": str(meta.version)})


def partial_answer(resource: scim.Resource[Any], asked: scim.ResponseParameters[Any]) -> Response:
    """Without the version: it is that of the whole."""
    body = resource.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked)
    return Response(body, headers=NO_STORE, media_type=SCIM_JSON)


def read_answer(
    resource: scim.Resource[Any], conditions: Preconditions, asked: scim.ResponseParameters[Any]
) -> Response:
    found = answer(resource, Context.RESOURCE_QUERY_RESPONSE, asked)
    tag = found.headers["etag"]
    if conditions.if_none_match and matches(conditions.if_none_match, tag.removeprefix("W/")):
        return Response(status_code=304, headers={**NO_STORE, "ETag": tag})
    return found


async def list_answer(
    found: scim.ListResponse[Person | Group], asked: scim.ResponseParameters[Any] | None
) -> Response:
    """Written aside: a page of 500 users keeps nobody else waiting."""
    return await asyncio.to_thread(page_answer, found, asked)


def page_answer(
    found: scim.ListResponse[Person | Group], asked: scim.ResponseParameters[Any] | None
) -> Response:
    if asked is None or not (asked.attributes or asked.excluded_attributes):
        body = {**pages_head(found), "Resources": [service.written(one) for one in found.resources or ()]}
        return JSONResponse(body, headers=NO_STORE, media_type=SCIM_JSON)
    is_whole = service.asks_for_members(asked)
    for resource in found.resources or ():
        if is_whole or not isinstance(resource, Group):
            service.versioned(resource)
    body = found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked)
    return JSONResponse({"Resources": [], **body}, headers=NO_STORE, media_type=SCIM_JSON)


def pages_head(found: scim.ListResponse[Person | Group]) -> dict[str, Any]:
    empty = found.model_copy(update={"resources": []})
    return empty.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def mount_scim(app: FastAPI, rooms: Sequence[APIRouter], routes: Sequence[BaseRoute]) -> None:
    """`routes` are those of the `rooms`; its state is that of the application: database, settings, keys."""
    inner = FastAPI(
        title="SCIM",
        routes=[*routes],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    inner.state = app.state
    install_scim_errors(inner, [route for router in rooms for route in router.routes])
    inner.add_middleware(ErrorMiddleware)
    app.mount(PREFIX, inner)
