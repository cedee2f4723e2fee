from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import Counter

from app.auth.callers import ResponseReader, ResponseWriter
from app.auth.dependencies import DatabaseOf, KeyringOf, Once, OnceLater, SettingsOf, Tenant
from app.core import telemetry
from app.core.batches import BatchResult
from app.core.conditional import NO_STORE
from app.core.database import TenantSession, as_of, once_committed, transaction_time
from app.core.errors import AppError
from app.core.gathering import Gathering
from app.core.idempotency import REPLAYED, Replay
from app.core.pages import Page
from app.core.requests import Route
from app.surveys.responses import queries, schemas
from app.surveys.responses import service as submission
from app.surveys.responses.errors import ModeHasNoReadableResponses
from app.surveys.service import found

router = APIRouter(route_class=Route, tags=["surveys"])


def gathered_responses(request: Request) -> Gathering[submission.Sent, submission.Accepted]:
    found: Gathering[submission.Sent, submission.Accepted] = request.app.state.gathered_responses
    return found


Gathered = Annotated[Gathering[submission.Sent, submission.Accepted], Depends(gathered_responses)]


@router.post(
    "/v1/surveys/{survey_id}/responses",
    operation_id="create_response",
    status_code=201,
    response_model=schemas.ResponseAccepted,
)
async def create_response(
    survey_id: UUID,
    body: schemas.ResponseWrite,
    who: ResponseWriter,
    once_in: OnceLater,
    request: Request,
    database: DatabaseOf,
    gathered: Gathered,
) -> Response:
    """Stored together with those that come at the same time; what is the same person's, or is sent again
    under a key, is done after it: of an anonymous response no other record of the key is kept.
    """
    sent = submission.Sent(body, once_in)
    whose = body.respondent or request.headers.get("idempotency-key")
    try:
        accepted = await gathered.join(database, (who.organization_id, survey_id), sent, whose)
    except Replay:
        raise
    except AppError as error:
        telemetry.RESPONSES_REFUSED.labels(error.code).inc()
        raise
    counter_of(accepted.is_repeat).inc()
    headers = NO_STORE | (REPLAYED if accepted.is_repeat else {})
    return Response(accepted.body, 201, headers, media_type="application/json")


@router.post(
    "/v1/surveys/{survey_id}/responses/batch",
    operation_id="create_responses_batch",
    response_model=BatchResult,
)
async def create_responses_batch(
    survey_id: UUID,
    body: schemas.ResponseBatch,
    who: ResponseWriter,
    session: Tenant,
    once: Once,
    keyring: KeyringOf,
    settings: SettingsOf,
) -> Response:
    now = await transaction_time(session)
    retries = submission.of_a_batch(submission.retry_key_of(once))
    opened = await submission.begin(session, survey_id, retries, keyring, now)
    result, is_repeat, refused = await submission.submit_batch(
        opened, body.items, settings.events_batch_limit, now
    )
    count_stored(session, result.summary.created, is_repeat)
    for error in refused:
        once_committed(session, telemetry.RESPONSES_REFUSED.labels(error.code).inc)
    headers = NO_STORE | (REPLAYED if is_repeat else {})
    return await once.answer(200, result, headers, is_kept=not opened.is_anonymous)


def count_stored(session: TenantSession, responses: int, is_repeat: bool) -> None:
    once_committed(session, counter_of(is_repeat).inc, responses)


def counter_of(is_repeat: bool) -> Counter:
    return telemetry.REPLAYS.labels("response") if is_repeat else telemetry.RESPONSES_ACCEPTED


@router.get(
    "/v1/surveys/{survey_id}/responses", operation_id="list_responses", response_model=schemas.ResponsePage
)
async def list_responses(
    survey_id: UUID, who: ResponseReader, session: Tenant, page: Page, keyring: KeyringOf
) -> schemas.ResponsePage:
    survey = await found(session, survey_id)
    if survey.mode != "attributed":
        raise ModeHasNoReadableResponses
    page.response.headers.update(NO_STORE)
    now, after = await as_of(session), page.last_name
    rows = await queries.readable_responses(session, survey_id, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.respondent,))
    items = await submission.readable(session, survey, rows, keyring)
    return schemas.ResponsePage(items=items, next_cursor=cursor, as_of=now)
