from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import HTMLResponse

from app.auth.callers import PrivacyManager
from app.auth.dependencies import KeyringOf, Once, SettingsOf, Tenant, database_of
from app.core.conditional import NO_STORE
from app.core.database import transaction_time
from app.core.frame import PAGE, LinkRoute, framed, is_browser
from app.core.languages import language_of
from app.core.parameters import ExternalId
from app.core.requests import Route
from app.core.secrets import token_hash
from app.core.shapes import TOKEN
from app.organizations import queries as organization_queries
from app.privacy.export import links, page, schemas, service
from app.privacy.export.words import words

router = APIRouter(route_class=Route, tags=["privacy"])
linked = APIRouter(route_class=LinkRoute, tags=["privacy"])
Token = Annotated[
    str,
    TOKEN,
    Path(),
]
EXPORT = "/v1/people/{external_id}/export"
ANSWERS = "/v1/answers/{token}"
AS_FILE = NO_STORE | {"Content-Disposition": 'attachment; filename="answers.json"'}


@router.get(EXPORT, operation_id="export_person", response_model=schemas.PersonExport)
async def export_person(
    external_id: ExternalId, who: PrivacyManager, session: Tenant, keyring: KeyringOf, response: Response
) -> schemas.PersonExport:
    response.headers.update(NO_STORE)
    return await service.export_person(session, external_id, keyring, await transaction_time(session))


@router.post(
    EXPORT + "/answers-link",
    operation_id="create_answers_link",
    status_code=202,
    response_model=schemas.AnswersLinkAsked,
)
async def create_answers_link(
    external_id: ExternalId, who: PrivacyManager, session: Tenant, once: Once, settings: SettingsOf
) -> Response:
    asked = await links.ask_for_link(session, external_id, settings)
    return await once.answer(202, asked)


@linked.get(ANSWERS, operation_id="get_answers_page", response_class=HTMLResponse, responses=PAGE)
async def get_answers_page(token: Token, request: Request) -> HTMLResponse:
    organization_id = links.organization_of(token)
    async with database_of(request).tenant_session(organization_id) as session:
        await links.require_link(session, token, await transaction_time(session))
        asked = words()["page"]
        return framed(
            request, await organization_queries.name_of(session), asked["explanation"], asked["button"]
        )


@linked.post(ANSWERS, operation_id="show_answers", response_model=schemas.OwnAnswers, responses=PAGE)
async def show_answers(token: Token, request: Request, keyring: KeyringOf) -> Response:
    """To who pressed the button as a page, in which the file is too; to a program the file."""
    organization_id = links.organization_of(token)
    async with database_of(request).tenant_session(organization_id) as session:
        found = await service.show_answers(
            session, token_hash(token), keyring, await transaction_time(session)
        )
        organization = await organization_queries.organization(session)
    if is_browser(request):
        language = language_of(request.headers.get("accept-language"), organization.locale)
        return page.shown(found, organization, language)
    return Response(found.model_dump_json(), headers=AS_FILE, media_type="application/json")
