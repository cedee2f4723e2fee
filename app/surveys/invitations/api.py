"""Issuing invitations, with an API key. The door they open is in ../respond."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.auth.dependencies import KeyringOf, Once, SettingsOf, Tenant
from app.auth.principal import Scope
from app.core.conditional import NO_STORE
from app.core.database import transaction_time
from app.core.requests import Route
from app.surveys.api import SurveyReader, SurveyWriter
from app.surveys.invitations import preview, schemas, service, status
from app.surveys.invitations.reminders.service import remind

router = APIRouter(route_class=Route, tags=["surveys"])
INVITATIONS = "/v1/surveys/{survey_id}/invitations"


@router.post(
    INVITATIONS,
    operation_id="create_invitations",
    status_code=201,
    response_model=schemas.InvitationsIssued,
)
async def create_invitations(
    survey_id: UUID,
    body: schemas.InvitationsWrite,
    who: SurveyWriter,
    session: Tenant,
    once: Once,
    keyring: KeyringOf,
    settings: SettingsOf,
) -> Response:
    now = await transaction_time(session)
    issued = await service.issue(session, survey_id, body, keyring, settings, now)
    return await once.answer(201, issued, is_secret=bool(issued.invitations))


@router.get(INVITATIONS, operation_id="get_invitations", response_model=schemas.InvitationsStatus)
async def get_invitations(
    survey_id: UUID, who: SurveyReader, session: Tenant, keyring: KeyringOf, response: Response
) -> schemas.InvitationsStatus:
    response.headers.update(NO_STORE)
    now = await transaction_time(session)
    with_people = Scope.PEOPLE_READ in who.scopes
    return await status.status(session, survey_id, keyring, now, with_people=with_people)


@router.post(
    INVITATIONS + "/remind",
    operation_id="remind_invited",
    status_code=201,
    response_model=schemas.Reminder,
)
async def remind_invited(
    survey_id: UUID, who: SurveyWriter, session: Tenant, once: Once, settings: SettingsOf
) -> Response:
    now = await transaction_time(session)
    return await once.answer(201, await remind(session, survey_id, settings, now))


@router.post(
    INVITATIONS + "/preview",
    operation_id="preview_invitations",
    response_model=schemas.MailPreviews,
)
async def preview_invitations(
    survey_id: UUID,
    body: schemas.MailWords,
    who: SurveyReader,
    session: Tenant,
    once: Once,
    settings: SettingsOf,
) -> Response:
    mails = await preview.preview(session, survey_id, body, settings, await transaction_time(session))
    return await once.answer(200, mails, is_kept=False)
