"""Issuing invitations, with an API key. The door they open is in ../respond."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse

from app.auth.callers import SurveyReader, SurveyWriter
from app.auth.dependencies import KeyringOf, Once, SettingsOf, Tenant
from app.auth.principal import Scope
from app.core.conditional import NO_STORE
from app.core.database import transaction_time
from app.core.idempotency import REPLAYED
from app.core.languages import language_of
from app.core.parameters import AcceptLanguage
from app.core.requests import Route
from app.organizations import queries as organizations
from app.surveys.invitations import preview, schemas, service, sheets, status
from app.surveys.invitations.reminders.service import remind
from app.surveys.service import found

router = APIRouter(route_class=Route, tags=["surveys"])
INVITATIONS = "/v1/surveys/{survey_id}/invitations"
OF_A_TRY: dict[int | str, dict[str, Any]] = {200: {"model": schemas.InvitationsIssued}}
SHEETS: dict[int | str, dict[str, Any]] = {201: {"content": {"text/html": {"schema": {"type": "string"}}}}}


def wants_a_sheet(request: Request) -> bool:
    """Of the two there are, the one named first; a browser's page sends JSON's name."""
    accepted = request.headers.get("accept", "").split(",")
    kinds = [kind.partition(";")[0].strip().lower() for kind in accepted]
    return next((kind for kind in kinds if kind in ("text/html", "application/json")), None) == "text/html"


NONE_OF_ITS_OWN = schemas.ReminderWords()
WantsSheet = Annotated[bool, Depends(wants_a_sheet)]


@router.post(
    INVITATIONS,
    operation_id="create_invitations",
    status_code=201,
    response_model=schemas.InvitationsIssued,
    responses=SHEETS | OF_A_TRY,
)
async def create_invitations(
    survey_id: UUID,
    body: schemas.InvitationsWrite,
    who: SurveyWriter,
    session: Tenant,
    once: Once,
    keyring: KeyringOf,
    settings: SettingsOf,
    is_sheet: WantsSheet,
    accept_language: AcceptLanguage = None,
) -> Response:
    issued = once.before(schemas.InvitationsIssued)
    if issued is None:
        now = await transaction_time(session)
        issued = await service.issue(session, survey_id, body, keyring, settings, now)
    if body.dry_run:
        return await once.answer(200, issued, is_kept=False)
    survey = await found(session, survey_id)
    is_secret = bool(issued.invitations)
    is_sealed = is_secret and service.would_be_lost(survey, body)
    told = await once.answer(201, issued, is_secret=is_secret, is_sealed=is_sealed)
    if body.form == "links" or not is_sheet:
        return told
    organization = await organizations.organization(session)
    language = language_of(accept_language, organization.locale)
    may_read = Scope.PEOPLE_READ in who.scopes
    holders = await service.holders_of_slips(session, survey, issued, language, with_people=may_read)
    about = sheets.About(survey, organization, language, settings, holders)
    return as_sheet(sheets.slips(about, issued), told)


def as_sheet(sheet: Iterator[str], told: Response) -> Response:
    """Drawn once the request's transaction has ended; what was told before is told as such."""
    again = {name: value for name, value in REPLAYED.items() if name in told.headers}
    headers = NO_STORE | sheets.CLOSED | again
    return StreamingResponse(sheets.in_parts(sheet), 201, headers, media_type="text/html")


@router.post(
    "/v1/surveys/{survey_id}/address",
    operation_id="create_survey_address",
    status_code=201,
    response_model=schemas.SurveyAddress,
    responses=SHEETS,
)
async def create_survey_address(
    survey_id: UUID,
    who: SurveyWriter,
    session: Tenant,
    once: Once,
    keyring: KeyringOf,
    settings: SettingsOf,
    is_sheet: WantsSheet,
    renew: bool = False,
    accept_language: AcceptLanguage = None,
) -> Response:
    now = await transaction_time(session)
    organization = await organizations.organization(session)
    language = language_of(accept_language, organization.locale)
    address = await service.open_address(session, survey_id, keyring, settings, language, now, renew=renew)
    told = await once.answer(201, address, is_secret=True)
    if not is_sheet:
        return told
    about = sheets.About(await found(session, survey_id), organization, language, settings)
    return as_sheet(sheets.poster(about, address), told)


@router.get(INVITATIONS, operation_id="get_invitations", response_model=schemas.InvitationsStatus)
async def get_invitations(
    survey_id: UUID,
    who: SurveyReader,
    session: Tenant,
    keyring: KeyringOf,
    settings: SettingsOf,
    response: Response,
) -> schemas.InvitationsStatus:
    response.headers.update(NO_STORE)
    now = await transaction_time(session)
    with_people = Scope.PEOPLE_READ in who.scopes
    return await status.status(session, survey_id, keyring, settings, now, with_people=with_people)


@router.post(
    INVITATIONS + "/remind",
    operation_id="remind_invited",
    status_code=201,
    response_model=schemas.Reminder,
)
async def remind_invited(
    survey_id: UUID,
    who: SurveyWriter,
    session: Tenant,
    once: Once,
    settings: SettingsOf,
    body: schemas.ReminderWords = NONE_OF_ITS_OWN,
) -> Response:
    now = await transaction_time(session)
    return await once.answer(201, await remind(session, survey_id, body, settings, now))


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
