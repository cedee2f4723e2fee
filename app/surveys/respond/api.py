"""The respondent's door, with an invitation and nothing else; and a look at it before anybody is invited."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from app.auth.callers import SurveyReader
from app.auth.dependencies import DatabaseOf, Tenant, database_of
from app.core import logging as app_logging
from app.core import telemetry
from app.core.conditional import NO_STORE
from app.core.database import TenantSession, transaction_time
from app.core.errors import AppError
from app.core.gathering import Gathering
from app.core.parameters import AcceptLanguage
from app.core.requests import Route
from app.core.schema import Identifier
from app.surveys.invitations.errors import NoInvitation, UnknownInvitation
from app.surveys.invitations.tokens import Invited, genuine
from app.surveys.questionnaires.api import Version
from app.surveys.respond import schemas as respond_schemas
from app.surveys.respond import service as respond
from app.surveys.responses import schemas
from app.surveys.responses.api import counter_of
from app.surveys.responses.service import Accepted
from app.surveys.schemas import Mode

router = APIRouter(route_class=Route, tags=["surveys"])
door = HTTPBearer(auto_error=False, scheme_name="invitation")


async def invited(
    token: Annotated[HTTPAuthorizationCredentials | None, Depends(door)], request: Request
) -> Invited:
    if token is None:
        raise NoInvitation
    found = await genuine(database_of(request), token.credentials)
    if found is None:
        raise UnknownInvitation
    request.app.state.known_keys.remember_code(request.scope, found.organization_id)
    app_logging.organization_id.set(str(found.organization_id))
    return found


Invitee = Annotated[Invited, Depends(invited)]
"""Whoever has a genuine invitation, used or not."""


async def invited_session(request: Request, who: Invitee) -> AsyncIterator[TenantSession]:
    async with database_of(request).tenant_session(who.organization_id) as session:
        yield session


Answers = Gathering[respond.Sent, Accepted]


def gathered_answers(request: Request) -> Answers:
    found: Answers = request.app.state.gathered_answers
    return found


Gathered = Annotated[Answers, Depends(gathered_answers)]
InvitedTenant = Annotated[TenantSession, Depends(invited_session, scope="function")]


@router.get("/v1/respond", operation_id="get_survey_form", response_model=respond_schemas.SurveyForm)
async def get_survey_form(
    who: Invitee, session: InvitedTenant, accept_language: AcceptLanguage = None
) -> Response:
    return told(await respond.form(session, who, accept_language, await transaction_time(session)))


@router.get(
    "/v1/questionnaires/{key}/preview",
    operation_id="preview_questionnaire",
    response_model=respond_schemas.SurveyForm,
)
async def preview_questionnaire(
    key: Identifier,
    who: SurveyReader,
    session: Tenant,
    version: Version = None,
    mode: Mode | None = None,
    accept_language: AcceptLanguage = None,
) -> Response:
    return told(await respond.preview(session, key, version, mode or "confidential", accept_language))


def told(form: respond_schemas.SurveyForm) -> Response:
    headers = NO_STORE | {"Content-Language": form.language}
    return Response(form.model_dump_json(), headers=headers, media_type="application/json")


@router.post(
    "/v1/respond",
    operation_id="answer_survey",
    status_code=201,
    response_model=schemas.ResponseAccepted,
)
async def answer_survey(
    body: schemas.AnswersWrite, who: Invitee, database: DatabaseOf, gathered: Gathered
) -> Response:
    """Stored together with those that come at the same time."""
    sent = respond.Sent(who, body)
    try:
        accepted = await gathered.join(database, (who.organization_id, who.survey_id), sent, body.attempt)
    except AppError as error:
        telemetry.RESPONSES_REFUSED.labels(error.code).inc()
        raise
    counter_of(accepted.is_repeat).inc()
    return Response(accepted.body, 201, NO_STORE, media_type="application/json")
