from uuid import UUID

from fastapi import APIRouter, Response

from app.auth.callers import SurveyReader, SurveyWriter
from app.auth.dependencies import Once, Tenant
from app.core.conditional import NO_STORE, ChangeConditions, ReadConditions, etag_of
from app.core.database import as_of, transaction_time
from app.core.pages import Page
from app.core.requests import Route
from app.surveys import queries, schemas, service

router = APIRouter(route_class=Route, tags=["surveys"])


def tagged(survey: schemas.Survey) -> dict[str, str]:
    return NO_STORE | {"ETag": etag_of(survey.model_dump_json().encode())}


@router.get("/v1/surveys", operation_id="list_surveys", response_model=schemas.SurveyPage)
async def list_surveys(
    who: SurveyReader,
    session: Tenant,
    page: Page,
    status: schemas.Status | None = None,
    archived: bool | None = None,
) -> schemas.SurveyPage:
    now = await as_of(session)
    after = page.last_moment
    rows = await queries.surveys_before(session, status, archived, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
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


@router.post("/v1/surveys/{survey_id}/cancel", operation_id="cancel_survey", response_model=schemas.Survey)
async def cancel_survey(survey_id: UUID, who: SurveyWriter, session: Tenant, once: Once) -> Response:
    row = await service.cancel_survey(session, survey_id, await transaction_time(session))
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
