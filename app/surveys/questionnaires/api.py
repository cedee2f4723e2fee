from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.callers import SurveyReader, SurveyWriter
from app.auth.dependencies import Tenant
from app.core.conditional import Conditions, ReadConditions
from app.core.database import as_of
from app.core.errors import NotFound
from app.core.pages import Page
from app.core.requests import Route
from app.core.schema import Identifier
from app.surveys.questionnaires import queries, schemas, service
from app.surveys.questionnaires.built_in import built_in

router = APIRouter(route_class=Route, tags=["surveys"])
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get(
    "/v1/questionnaires", operation_id="list_questionnaires", response_model=schemas.QuestionnairePage
)
async def list_questionnaires(who: SurveyReader, session: Tenant, page: Page) -> schemas.QuestionnairePage:
    now, after = await as_of(session), page.last_name or ""
    rows = await queries.newest_questionnaires(session, after, page.limit + 1)
    items = [service.represent_summary(row._asdict()) for row in rows]
    own = built_in()
    if own.key > after:
        items.append(
            schemas.QuestionnaireSummary(
                key=own.key,
                version=own.version,
                built_in=True,
                title=own.content["title"],
                scales=[schemas.Scale(**scale) for scale in own.scales()],
                created_at=own.made_at,
            )
        )
    shown, cursor = page.cut(sorted(items, key=lambda item: item.key), lambda item: (item.key,))
    return schemas.QuestionnairePage(items=shown, next_cursor=cursor, as_of=now)


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
