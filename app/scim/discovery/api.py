from typing import Annotated, Any

import scim2_models as scim
from fastapi import APIRouter, Depends, Request, Response
from scim2_models import Context

from app.auth.dependencies import Tenant
from app.scim import service
from app.scim.api import Reader, ScimBody, base_of, list_answer, search_of
from app.scim.errors import SCIM_JSON
from app.scim.groups.service import GROUPS, OTHERS
from app.scim.schemas import PROVIDER, Group, Person, published_schemas
from app.scim.users.service import USERS

router = APIRouter()


@router.post("/.search", operation_id="scim_search")
async def search(body: ScimBody, who: Reader, session: Tenant) -> Response:
    asked = search_of(body, Person | Group)
    return await list_answer(await service.search(session, who, [USERS, GROUPS, OTHERS], asked), asked)


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
