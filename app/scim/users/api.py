from fastapi import APIRouter, Request, Response
from scim2_models import Context

from app.auth.dependencies import Tenant
from app.core.conditional import ChangeConditions, ReadConditions
from app.scim.api import (
    Asked,
    Reader,
    ScimBody,
    Writer,
    answer,
    list_answer,
    patch_of,
    query_of,
    read_answer,
    resource_of,
    search_of,
)
from app.scim.schemas import Person
from app.scim.service import search
from app.scim.users import service
from app.scim.users.service import USERS

router = APIRouter()


@router.get("/Users", operation_id="scim_list_users")
async def list_users(request: Request, who: Reader, session: Tenant) -> Response:
    asked = search_of(query_of(request), Person)
    return await list_answer(await search(session, who, [USERS], asked), asked)


@router.post("/Users/.search", operation_id="scim_search_users")
async def search_users(body: ScimBody, who: Reader, session: Tenant) -> Response:
    asked = search_of(body, Person)
    return await list_answer(await search(session, who, [USERS], asked), asked)


@router.post("/Users", operation_id="scim_create_user")
async def create_user(body: ScimBody, who: Writer, session: Tenant, asked: Asked) -> Response:
    user = resource_of(body, Person, Context.RESOURCE_CREATION_REQUEST)
    created = await service.create_user(session, who, user)
    return answer(created, Context.RESOURCE_CREATION_RESPONSE, asked, 201)


@router.get("/Users/{id_}", operation_id="scim_get_user")
async def get_user(
    id_: str, who: Reader, session: Tenant, conditions: ReadConditions, asked: Asked
) -> Response:
    return read_answer(await service.read_user(session, who, id_), conditions, asked)


@router.put("/Users/{id_}", operation_id="scim_replace_user")
async def replace_user(
    id_: str, body: ScimBody, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    user = resource_of(body, Person, Context.RESOURCE_REPLACEMENT_REQUEST)
    replaced = await service.replace_user(session, who, id_, user, conditions)
    return answer(replaced, Context.RESOURCE_REPLACEMENT_RESPONSE, asked)


@router.patch("/Users/{id_}", operation_id="scim_update_user")
async def update_user(
    id_: str, body: ScimBody, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    patched = await service.patch_user(session, who, id_, patch_of(body, Person), conditions)
    return answer(patched, Context.RESOURCE_PATCH_RESPONSE, asked)


@router.delete("/Users/{id_}", operation_id="scim_delete_user", status_code=204)
async def delete_user(id_: str, who: Writer, session: Tenant, conditions: ChangeConditions) -> None:
    await service.delete_user(session, who, id_, conditions)
