from fastapi import APIRouter, Response

from app.auth.callers import PrivacyManager
from app.auth.dependencies import KeyringOf, Once, Tenant
from app.core.parameters import ExternalId
from app.core.requests import Route
from app.privacy.erasure import schemas, service

router = APIRouter(route_class=Route, tags=["privacy"])
ERASURE = "/v1/people/{external_id}/erasure"


@router.post(ERASURE, operation_id="erase_person", response_model=schemas.Erasure)
async def erase_person(
    external_id: ExternalId, who: PrivacyManager, session: Tenant, once: Once, keyring: KeyringOf
) -> Response:
    erasure = await service.erase_person(session, external_id, keyring)
    return await once.answer(200, erasure)


@router.delete(ERASURE, operation_id="allow_person_again", status_code=204)
async def allow_person_again(
    external_id: ExternalId, who: PrivacyManager, session: Tenant, keyring: KeyringOf
) -> None:
    await service.allow_again(session, external_id, keyring)
