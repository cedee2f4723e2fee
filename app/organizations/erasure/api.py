from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.callers import OrganizationEraser
from app.auth.dependencies import KeyringOf, Once, Tenant
from app.core.requests import Route
from app.organizations.erasure import schemas, service

router = APIRouter(route_class=Route, tags=["organizations"])
Confirmation = Annotated[str, Query(min_length=1, max_length=200)]


@router.post(
    "/v1/organization/erasure",
    operation_id="create_organization_erasure_token",
    status_code=201,
    response_model=schemas.ErasureConfirmation,
)
async def create_organization_erasure_token(
    who: OrganizationEraser, session: Tenant, keyring: KeyringOf, once: Once
) -> Response:
    return await once.answer(201, await service.confirm(session, who, keyring))


@router.delete("/v1/organization", operation_id="erase_organization", status_code=204)
async def erase_organization(
    confirmation_token: Confirmation, who: OrganizationEraser, session: Tenant, keyring: KeyringOf
) -> None:
    await service.erase(session, who, confirmation_token, keyring)
