from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from app.auth.dependencies import database_of
from app.core.conditional import NO_STORE
from app.core.requests import Route
from app.organizations.setup import schemas, service
from app.organizations.setup.errors import NoSetupLink, UnknownSetupLink

router = APIRouter(route_class=Route, tags=["organizations"])
door = HTTPBearer(auto_error=False, scheme_name="setup")


async def holder(
    token: Annotated[HTTPAuthorizationCredentials | None, Depends(door)], request: Request
) -> str:
    if token is None:
        raise NoSetupLink
    if not await service.is_known(database_of(request), token.credentials):
        raise UnknownSetupLink
    return token.credentials


Holder = Annotated[str, Depends(holder)]
"""The token of a set-up link that was printed here, whether it still works or not."""


@router.post(
    "/v1/setup",
    operation_id="create_first_organization",
    status_code=201,
    response_model=schemas.FirstOrganization,
)
async def create_first_organization(
    body: schemas.FirstOrganizationWrite, token: Holder, request: Request
) -> Response:
    made = await service.set_up(database_of(request), token, body)
    return Response(made.model_dump_json(), 201, NO_STORE, media_type="application/json")
