from uuid import UUID

from fastapi import APIRouter, Response

from app.auth import queries as auth
from app.auth.callers import KeyManager, OrganizationWriter
from app.auth.dependencies import FORGOTTEN, Anyone, Once, Tenant
from app.core.conditional import ChangeConditions, ReadConditions
from app.core.database import as_of
from app.core.errors import NotFound
from app.core.pages import Page
from app.core.requests import Route
from app.organizations import queries, schemas, service

router = APIRouter(route_class=Route, tags=["organizations"])


@router.get("/v1/me", operation_id="get_me", response_model=schemas.Me)
async def get_me(who: Anyone, session: Tenant) -> schemas.Me:
    organization = await queries.organization(session)
    return schemas.Me(
        organization=schemas.OrganizationRef(id=organization.id, name=organization.name),
        subject=who.subject,
        kind=who.kind,
        scopes=sorted(who.scopes),
        teams=None if who.teams is None else list(who.teams),
    )


@router.get("/v1/organization", operation_id="get_organization", response_model=schemas.Organization)
async def get_organization(who: Anyone, session: Tenant, conditions: ReadConditions) -> Response:
    row = await queries.organization(session)
    return conditions.answer(service.represent(row))


@router.patch("/v1/organization", operation_id="update_organization", response_model=schemas.Organization)
async def update_organization(
    body: schemas.OrganizationPatch, who: OrganizationWriter, session: Tenant, conditions: ChangeConditions
) -> Response:
    organization = await service.update_organization(session, body, conditions)
    return conditions.answer(organization)


@router.get("/v1/api-keys", operation_id="list_api_keys", response_model=schemas.ApiKeyPage)
async def list_api_keys(who: KeyManager, session: Tenant, page: Page) -> schemas.ApiKeyPage:
    now = await as_of(session)
    after = page.last_moment
    rows = await auth.api_keys_before(session, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
    return schemas.ApiKeyPage(
        items=[service.represent_key(row) for row in rows], next_cursor=cursor, as_of=now
    )


@router.post(
    "/v1/api-keys", operation_id="create_api_key", status_code=201, response_model=schemas.ApiKeyCreated
)
async def create_api_key(body: schemas.ApiKeyWrite, who: KeyManager, session: Tenant, once: Once) -> Response:
    return await once.answer(201, await service.create_api_key(session, who, body), is_secret=True)


@router.delete("/v1/api-keys/{key_id}", operation_id="delete_api_key", status_code=204)
async def delete_api_key(key_id: UUID, who: KeyManager, session: Tenant) -> None:
    if not await auth.delete_api_key(session, key_id):
        raise NotFound
    session.info[FORGOTTEN] = [key_id]
