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
    changed,
    list_answer,
    partial_answer,
    patch_of,
    query_of,
    read_answer,
    resource_of,
    search_of,
)
from app.scim.groups import service
from app.scim.groups.service import GROUPS, OTHERS
from app.scim.schemas import Group
from app.scim.service import asks_for_members, search

router = APIRouter()


@router.get("/Groups", operation_id="scim_list_groups")
async def list_groups(request: Request, who: Reader, session: Tenant) -> Response:
    asked = search_of(query_of(request), Group)
    return await list_answer(await search(session, who, [GROUPS, OTHERS], asked), asked)


@router.post("/Groups/.search", operation_id="scim_search_groups")
async def search_groups(body: ScimBody, who: Reader, session: Tenant) -> Response:
    asked = search_of(body, Group)
    return await list_answer(await search(session, who, [GROUPS, OTHERS], asked), asked)


@router.post("/Groups", operation_id="scim_create_group")
async def create_group(body: ScimBody, who: Writer, session: Tenant, asked: Asked) -> Response:
    group = resource_of(body, Group, Context.RESOURCE_CREATION_REQUEST)
    created = await service.create_group(session, who, group)
    return answer(created, Context.RESOURCE_CREATION_RESPONSE, asked, 201)


@router.get("/Groups/{id_}", operation_id="scim_get_group")
async def get_group(
    id_: str, who: Reader, session: Tenant, conditions: ReadConditions, asked: Asked
) -> Response:
    if not asks_for_members(asked):
        return partial_answer(await service.read_group(session, who, id_, is_whole=False), asked)
    return read_answer(await service.read_group(session, who, id_), conditions, asked)


@router.put("/Groups/{id_}", operation_id="scim_replace_group")
async def replace_group(
    id_: str, body: ScimBody, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    group = resource_of(body, Group, Context.RESOURCE_REPLACEMENT_REQUEST)
    replaced = await service.replace_group(session, who, id_, group, conditions)
    return answer(replaced, Context.RESOURCE_REPLACEMENT_RESPONSE, asked)


@router.patch("/Groups/{id_}", operation_id="scim_update_group")
async def update_group(
    id_: str, body: ScimBody, who: Writer, session: Tenant, conditions: ChangeConditions, asked: Asked
) -> Response:
    patched = await service.patch_group(session, who, id_, patch_of(body, Group), conditions)
    if not (asked.attributes or asked.excluded_attributes):
        return changed(patched)
    return answer(patched, Context.RESOURCE_PATCH_RESPONSE, asked)


@router.delete("/Groups/{id_}", operation_id="scim_delete_group", status_code=204)
async def delete_group(id_: str, who: Writer, session: Tenant, conditions: ChangeConditions) -> None:
    await service.delete_group(session, who, id_, conditions)
