"""RFC 7644 under /scim/v2: an application of its own, with its own media type, errors and schemas."""

from typing import Annotated, Any, TypeVar

import scim2_models as scim
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from scim2_models import Context
from starlette.responses import JSONResponse

from app.auth.dependencies import Tenant, keyring_of, requires, settings_of
from app.auth.principal import Principal, Scope
from app.core.conditional import NO_STORE, ChangeConditions, Preconditions, ReadConditions, matches
from app.core.errors import ErrorMiddleware
from app.core.requests import parse_json, require_media_type
from app.scim import service
from app.scim.deviations import MOST_OPERATIONS, operations_of
from app.scim.errors import PREFIX, SCIM_JSON, install_scim_errors
from app.scim.filters import LONGEST_FILTER
from app.scim.schemas import POLICY, PROVIDER, Group, Person, published_schemas
from app.scim.service import GROUPS, USERS, Caller

router = APIRouter()
Patched = TypeVar("Patched", bound=scim.Resource[Any])


def base_of(request: Request) -> str:
    """The public address where one is set, else the one this request came to."""
    settings = settings_of(request)
    is_set = "public_url" in settings.model_fields_set
    address = settings.public_url if is_set else f"{request.url.scheme}://{request.url.netloc}"
    return address.rstrip("/") + PREFIX


def caller_of(request: Request, who: Principal) -> Caller:
    has_dates = Scope.PEOPLE_DATES in who.scopes
    return Caller(who.organization_id, has_dates, base_of(request), keyring_of(request))


async def reader(request: Request, who: Annotated[Principal, Depends(requires(Scope.PEOPLE_READ))]) -> Caller:
    return caller_of(request, who)


async def writer(
    request: Request, who: Annotated[Principal, Depends(requires(Scope.PEOPLE_WRITE))]
) -> Caller:
    return caller_of(request, who)


async def body_of(request: Request) -> Any:
    require_media_type(request, [SCIM_JSON, "application/json"])
    return parse_json(await request.body())


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
Body = Annotated[Any, Depends(body_of)]


def asked_of(request: Request) -> scim.ResponseParameters[Any]:
    """`attributes` and `excludedAttributes`."""
    return scim.ResponseParameters[Any].model_validate(dict(request.query_params), scim_policy=POLICY)


Asked = Annotated[scim.ResponseParameters[Any], Depends(asked_of)]


def search_of(sent: Any, model: Any) -> scim.SearchRequest[Any]:
    if isinstance(sent, dict) and len(str(sent.get("filter", ""))) > LONGEST_FILTER:
        raise scim.InvalidFilterException(
            detail=f"This filter is too long: send at most {LONGEST_FILTER} characters."
        )
    request: scim.SearchRequest[Any] = scim.SearchRequest[model].model_validate(sent, scim_policy=POLICY)
    return request


def patch_of(sent: Any, model: type[Patched]) -> scim.PatchOp[Patched]:
    """With its deviations undone. A path to what no schema has is refused: it would change nothing."""
    if isinstance(sent, dict) and isinstance(sent.get("Operations"), list):
        operations = operations_of(sent["Operations"])
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


def read_answer(
    resource: scim.Resource[Any], conditions: Preconditions, asked: scim.ResponseParameters[Any]
) -> Response:
    found = answer(resource, Context.RESOURCE_QUERY_RESPONSE, asked)
    tag = found.headers["etag"]
    if conditions.if_none_match and matches(conditions.if_none_match, tag.removeprefix("W/")):
        return Response(status_code=304, headers={**NO_STORE, "ETag": tag})
    return found


def list_answer(
    found: scim.ListResponse[Person | Group], asked: scim.ResponseParameters[Any] | None
) -> Response:
    body = found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked)
    return JSONResponse({"Resources": [], **body}, headers=NO_STORE, media_type=SCIM_JSON)


# ---------------------------------------------------------------------------------------------- users


@router.get("/Users", operation_id="scim_list_users")
async def list_users(request: Request, who: Reader, session: Tenant) -> Response:
    asked = search_of(dict(request.query_params), Person)
    return list_answer(await service.search(session, who, [USERS], asked), asked)


@router.post("/Users/.search", operation_id="scim_search_users")
async def search_users(body: Body, who: Reader, session: Tenant) -> Response:
    asked = search_of(body, Person)
    return list_answer(await service.search(session, who, [USERS], asked), asked)


@router.post("/Users", operation_id="scim_create_user")
async def create_user(body: Body, who: Writer, session: Tenant, asked: Asked) -> Response:
    user = Person.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=POLICY)
    created = await service.create_user(session, who, user)
    return answer(created, Context.RESOURCE_CREATION_RESPONSE, asked, 201)


@router.get("/Users/{id_}", operation_id="scim_get_user")
async def get_user(
    id_: str, who: Reader, session: Tenant, conditions: ReadConditions, asked: Asked
) -> Response:
    return read_answer(await service.read_user(session, who, id_), conditions, asked)


@router.put("/Users/{id_}", operation_id="scim_replace_user")
async def replace_user(
    id_: str, body: Body, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    user = Person.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=POLICY)
    replaced = await service.replace_user(session, who, id_, user, conditions)
    return answer(replaced, Context.RESOURCE_REPLACEMENT_RESPONSE, asked)


@router.patch("/Users/{id_}", operation_id="scim_update_user")
async def update_user(
    id_: str, body: Body, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    patched = await service.patch_user(session, who, id_, patch_of(body, Person), conditions)
    return answer(patched, Context.RESOURCE_PATCH_RESPONSE, asked)


@router.delete("/Users/{id_}", operation_id="scim_delete_user", status_code=204)
async def delete_user(id_: str, who: Writer, session: Tenant, conditions: ChangeConditions) -> None:
    await service.delete_user(session, who, id_, conditions)


# --------------------------------------------------------------------------------------------- groups


@router.get("/Groups", operation_id="scim_list_groups")
async def list_groups(request: Request, who: Reader, session: Tenant) -> Response:
    asked = search_of(dict(request.query_params), Group)
    return list_answer(await service.search(session, who, [GROUPS], asked), asked)


@router.post("/Groups/.search", operation_id="scim_search_groups")
async def search_groups(body: Body, who: Reader, session: Tenant) -> Response:
    asked = search_of(body, Group)
    return list_answer(await service.search(session, who, [GROUPS], asked), asked)


@router.post("/Groups", operation_id="scim_create_group")
async def create_group(body: Body, who: Writer, session: Tenant, asked: Asked) -> Response:
    group = Group.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=POLICY)
    created = await service.create_group(session, who, group)
    return answer(created, Context.RESOURCE_CREATION_RESPONSE, asked, 201)


@router.get("/Groups/{id_}", operation_id="scim_get_group")
async def get_group(
    id_: str, who: Reader, session: Tenant, conditions: ReadConditions, asked: Asked
) -> Response:
    return read_answer(await service.read_group(session, who, id_), conditions, asked)


@router.put("/Groups/{id_}", operation_id="scim_replace_group")
async def replace_group(
    id_: str, body: Body, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    group = Group.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=POLICY)
    replaced = await service.replace_group(session, who, id_, group, conditions)
    return answer(replaced, Context.RESOURCE_REPLACEMENT_RESPONSE, asked)


@router.patch("/Groups/{id_}", operation_id="scim_update_group")
async def update_group(
    id_: str, body: Body, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    patched = await service.patch_group(session, who, id_, patch_of(body, Group), conditions)
    return answer(patched, Context.RESOURCE_PATCH_RESPONSE, asked)


@router.delete("/Groups/{id_}", operation_id="scim_delete_group", status_code=204)
async def delete_group(id_: str, who: Writer, session: Tenant, conditions: ChangeConditions) -> None:
    await service.delete_group(session, who, id_, conditions)


@router.post("/.search", operation_id="scim_search")
async def search(body: Body, who: Reader, session: Tenant) -> Response:
    asked = search_of(body, Person | Group)
    return list_answer(await service.search(session, who, [USERS, GROUPS], asked), asked)


# ------------------------------------------------------------------------------------------ discovery


def refuse_filter(request: Request) -> None:
    """RFC 7644, section 4: what describes the service is not searched."""
    if "filter" in request.query_params:
        raise scim.ForbiddenException(
            detail="These resources describe the service and cannot be filtered: leave filter out."
        )


Unfiltered = Annotated[None, Depends(refuse_filter)]


def described(resource: scim.Resource[Any], collection: str, base: str) -> scim.Resource[Any]:
    place = f"/{resource.id}" if resource.id else ""
    resource = resource.model_copy(deep=True)
    resource.meta = scim.Meta(resource_type=type(resource).__name__, location=f"{base}/{collection}{place}")
    return resource


def description_of(found: list[scim.Resource[Any]]) -> Response:
    context = Context.RESOURCE_QUERY_RESPONSE
    if len(found) == 1:
        return Response(found[0].model_dump_json(scim_ctx=context), media_type=SCIM_JSON)
    model: Any = type(found[0])
    listed = scim.ListResponse[model](
        total_results=len(found), start_index=1, items_per_page=len(found), resources=found
    )
    return Response(listed.model_dump_json(scim_ctx=context), media_type=SCIM_JSON)


@router.get("/ServiceProviderConfig", operation_id="scim_get_service_provider_config")
async def get_service_provider_config(request: Request, unfiltered: Unfiltered) -> Response:
    assert PROVIDER.config is not None
    return description_of([described(PROVIDER.config, "ServiceProviderConfig", base_of(request))])


def types(request: Request) -> list[scim.Resource[Any]]:
    return [described(one, "ResourceTypes", base_of(request)) for one in PROVIDER.resource_types]


def schemas(request: Request) -> list[scim.Resource[Any]]:
    return [described(one, "Schemas", base_of(request)) for one in published_schemas()]


def one_of(found: list[scim.Resource[Any]], id_: str) -> Response:
    named = [resource for resource in found if resource.id == id_]
    if not named:
        raise service.no_resource(id_)
    return description_of(named)


@router.get("/ResourceTypes", operation_id="scim_list_resource_types")
async def list_resource_types(request: Request, unfiltered: Unfiltered) -> Response:
    return description_of(types(request))


@router.get("/ResourceTypes/{id_}", operation_id="scim_get_resource_type")
async def get_resource_type(id_: str, request: Request) -> Response:
    return one_of(types(request), id_)


@router.get("/Schemas", operation_id="scim_list_schemas")
async def list_schemas(request: Request, unfiltered: Unfiltered) -> Response:
    return description_of(schemas(request))


@router.get("/Schemas/{id_}", operation_id="scim_get_schema")
async def get_schema(id_: str, request: Request) -> Response:
    return one_of(schemas(request), id_)


@router.api_route("/Me", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], operation_id="scim_me")
async def me() -> Response:
    raise scim.NotImplementedException(
        detail="An API key belongs to no person, so /Me does not exist: use /Users/{id}."
    )


@router.post("/Bulk", operation_id="scim_bulk")
async def bulk() -> Response:
    raise scim.NotImplementedException(
        detail="Bulk requests are not supported: send one request per user or group."
    )


def mount_scim(app: FastAPI) -> None:
    """With the state of the whole application: its database, settings and keys."""
    inner = FastAPI(title="SCIM", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    inner.state = app.state
    inner.include_router(router)
    install_scim_errors(inner, router.routes)
    inner.add_middleware(ErrorMiddleware)
    app.mount(PREFIX, inner)
