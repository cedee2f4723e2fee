"""What a page needs before anybody has signed in."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from app.auth.dependencies import SettingsOf
from app.auth.schemas import OidcSignIn, SignIn
from app.core.conditional import NO_STORE
from app.core.requests import Route

router = APIRouter(route_class=Route, tags=["operations"])
OPENID = "openid"
"""Without this scope it is no signing in: there would be no ID token, and no nonce in it."""


@router.get("/v1/sign-in", operation_id="get_sign_in", response_model=SignIn)
async def get_sign_in(request: Request, settings: SettingsOf) -> Response:
    issuer, client_id = request.app.state.issuer, settings.oidc_client_id
    endpoints = await issuer.endpoints() if client_id is not None else None
    way = None
    if client_id is not None and endpoints is not None:
        parameters = with_openid(settings.oidc_sign_in_parameters)
        way = OidcSignIn(issuer=issuer.url, client_id=client_id, parameters=parameters, **asdict(endpoints))
    return Response(SignIn(oidc=way).model_dump_json(), headers=NO_STORE, media_type="application/json")


def with_openid(parameters: dict[str, str]) -> dict[str, str]:
    scopes = [OPENID, *parameters.get("scope", "").split()]
    return parameters | {"scope": " ".join(dict.fromkeys(scopes))}
