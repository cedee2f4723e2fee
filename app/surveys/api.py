from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from app.auth.dependencies import KeyringOf, Once, SettingsOf, Tenant, requires
from app.auth.principal import Principal, Scope
from app.core import telemetry
from app.core.batches import BatchResult
from app.core.conditional import NO_STORE, ChangeConditions, Conditions, ReadConditions, etag_of
from app.core.database import as_of, transaction_time
from app.core.errors import AppError, NotFound
from app.core.pages import Page
from app.core.requests import Route
from app.core.schema import Identifier
from app.surveys import queries, schemas, service
from app.surveys.errors import ModeHasNoReadableResponses
from app.surveys.questionnaires.built_in import built_in
from app.surveys.responses import service as submission

router = APIRouter(route_class=Route, tags=["surveys"])
SurveyReader = Annotated[Principal, Depends(requires(Scope.SURVEYS_READ))]
SurveyWriter = Annotated[Principal, Depends(requires(Scope.SURVEYS_WRITE))]
ResponseReader = Annotated[Principal, Depends(requires(Scope.RESPONSES_READ))]
ResponseWriter = Annotated[Principal, Depends(requires(Scope.RESPONSES_WRITE))]
Version = Annotated[int | None, Query(ge=1)]
REPLAYED = {"Idempotent-Replayed": "true"}


def tagged(survey: schemas.Survey) -> dict[str, str]:
    return NO_STORE | {"ETag": etag_of(survey.model_dump_json().encode())}


@router.get(
    "/v1/questionnaires", operation_id="list_questionnaires", response_model=schemas.QuestionnairePage
)
async def list_questionnaires(who: SurveyReader, session: Tenant, page: Page) -> schemas.QuestionnairePage:
    now, after = await as_of(session), page.after[0] if page.after else ""
    rows = await queries.newest_questionnaires(session, after, page.limit + 1)
    items = [schemas.QuestionnaireSummary(**row._mapping, built_in=False) for row in rows]
    own = built_in()
    if own.key > after:
        items.append(
            schemas.QuestionnaireSummary(
                key=own.key,
                version=own.version,
                built_in=True,
                title=own.content["title"],
                created_at=own.made_at,
            )
        )
    items, cursor = page.cut(sorted(items, key=lambda item: item.key), lambda item: [item.key])
    return schemas.QuestionnairePage(items=items, next_cursor=cursor, as_of=now)


@router.get(
    "/v1/questionnaires/{key}", operation_id="get_questionnaire", response_model=schemas.Questionnaire
)
async def get_questionnaire(
    key: Identifier, who: SurveyReader, session: Tenant, conditions: ReadConditions, version: Version = None
) -> Response:
    row = await queries.questionnaire_version(session, key, version)
    if row is None:
        raise NotFound
    return conditions.answer(service.represent_questionnaire(row))


@router.put(
    "/v1/questionnaires/{key}",
    operation_id="put_questionnaire",
    response_model=schemas.Questionnaire,
    responses={201: {"model": schemas.Questionnaire}},
)
async def put_questionnaire(
    key: Identifier,
    body: schemas.QuestionnaireWrite,
    who: SurveyWriter,
    session: Tenant,
    conditions: Conditions,
) -> Response:
    status, questionnaire = await service.put_questionnaire(session, key, body, conditions)
    return conditions.answer(questionnaire, status)


@router.get("/v1/surveys", operation_id="list_surveys", response_model=schemas.SurveyPage)
async def list_surveys(
    who: SurveyReader, session: Tenant, page: Page, status: schemas.Status | None = None
) -> schemas.SurveyPage:
    now = await as_of(session)
    after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None
    rows = await queries.surveys_before(session, status, after, page.limit + 1)
    rows, cursor = page.cut(list(rows), lambda row: [row.created_at.isoformat(), str(row.id)])
    return schemas.SurveyPage(items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now)


@router.post("/v1/surveys", operation_id="create_survey", status_code=201, response_model=schemas.Survey)
async def create_survey(
    body: schemas.SurveyWrite, who: SurveyWriter, session: Tenant, once: Once
) -> Response:
    survey = await service.create_survey(session, body, await transaction_time(session))
    return await once.answer(201, survey, tagged(survey) | {"Location": f"/v1/surveys/{survey.id}"})


@router.get("/v1/surveys/{survey_id}", operation_id="get_survey", response_model=schemas.Survey)
async def get_survey(
    survey_id: UUID, who: SurveyReader, session: Tenant, conditions: ReadConditions
) -> Response:
    row = await service.found(session, survey_id)
    return conditions.answer(service.represent(row))


@router.patch("/v1/surveys/{survey_id}", operation_id="update_survey", response_model=schemas.Survey)
async def update_survey(
    survey_id: UUID,
    body: schemas.SurveyPatch,
    who: SurveyWriter,
    session: Tenant,
    conditions: ChangeConditions,
) -> Response:
    survey = await service.update_survey(
        session, survey_id, body, conditions, await transaction_time(session)
    )
    return conditions.answer(survey)


@router.delete("/v1/surveys/{survey_id}", operation_id="delete_survey", status_code=204)
async def delete_survey(
    survey_id: UUID, who: SurveyWriter, session: Tenant, conditions: ChangeConditions
) -> None:
    await service.delete_survey(session, survey_id, conditions)


@router.post("/v1/surveys/{survey_id}/open", operation_id="open_survey", response_model=schemas.Survey)
async def open_survey(survey_id: UUID, who: SurveyWriter, session: Tenant, once: Once) -> Response:
    row = await service.open_survey(session, survey_id, await transaction_time(session))
    survey = service.represent(row)
    return await once.answer(200, survey, tagged(survey))


@router.post("/v1/surveys/{survey_id}/close", operation_id="close_survey", response_model=schemas.Survey)
async def close_survey(survey_id: UUID, who: SurveyWriter, session: Tenant, once: Once) -> Response:
    row = await service.close_survey(session, survey_id, await transaction_time(session))
    survey = service.represent(row)
    return await once.answer(200, survey, tagged(survey))


@router.get(
    "/v1/surveys/{survey_id}/participation",
    operation_id="get_survey_participation",
    response_model=schemas.SurveyParticipation,
)
async def get_survey_participation(
    survey_id: UUID, who: SurveyReader, session: Tenant
) -> schemas.SurveyParticipation:
    return await service.participation(session, survey_id)


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
    session: Tenant,
    once: Once,
    keyring: KeyringOf,
) -> Response:
    now = await transaction_time(session)
    try:
        opened = await submission.begin(session, survey_id, once, keyring, now)
        accepted, is_repeat = await submission.submit_one(opened, body, now)
    except AppError as error:
        telemetry.RESPONSES_REFUSED.labels(error.code).inc()
        raise
    telemetry.RESPONSES_ACCEPTED.inc(0 if is_repeat else 1)
    headers = NO_STORE | (REPLAYED if is_repeat else {})
    return await once.answer(201, accepted, headers, is_kept=not opened.is_anonymous)


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
    opened = await submission.begin(session, survey_id, once, keyring, now)
    result, is_repeat, refused = await submission.submit_batch(
        opened, body.items, settings.events_batch_limit, now
    )
    telemetry.RESPONSES_ACCEPTED.inc(0 if is_repeat else result.summary.created)
    for error in refused:
        telemetry.RESPONSES_REFUSED.labels(error.code).inc()
    headers = NO_STORE | (REPLAYED if is_repeat else {})
    return await once.answer(200, result, headers, is_kept=not opened.is_anonymous)


@router.get(
    "/v1/surveys/{survey_id}/responses", operation_id="list_responses", response_model=schemas.ResponsePage
)
async def list_responses(
    survey_id: UUID, who: ResponseReader, session: Tenant, page: Page, keyring: KeyringOf
) -> schemas.ResponsePage:
    survey = await service.found(session, survey_id)
    if survey.mode != "attributed":
        raise ModeHasNoReadableResponses
    page.response.headers.update(NO_STORE)
    now, after = await as_of(session), page.after[0] if page.after else None
    rows = await queries.readable_responses(session, survey_id, after, page.limit + 1)
    rows, cursor = page.cut(list(rows), lambda row: [row.respondent])
    items = await submission.readable(session, survey, rows, keyring)
    return schemas.ResponsePage(items=items, next_cursor=cursor, as_of=now)
