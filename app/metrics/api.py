from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from app.core.conditional import REVALIDATE, ReadConditions
from app.core.languages import language_of
from app.core.principal import Principal, Scope
from app.core.requests import Route
from app.core.schema import Identifier
from app.metrics import definitions, schemas, service
from app.organizations import queries as organizations
from app.organizations.access import Tenant, requires
from app.tables import Survey

router = APIRouter(route_class=Route, tags=["metrics"])
MetricsReader = Annotated[Principal, Depends(requires(Scope.METRICS_READ))]
GroupKind = Annotated[str, Query(pattern=r"^(organization|team|segment:[A-Za-z][A-Za-z0-9_.-]{0,49})$")]
By = Annotated[list[GroupKind], Query()]
TeamParameter = Annotated[Identifier | None, Query()]
Language = Annotated[str | None, Header(max_length=1000)]


async def survey_to_show(
    who: MetricsReader,
    session: Tenant,
    survey_id: UUID | None = None,
    series: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
) -> Survey:
    return await service.survey_to_show(session, who.organization_id, survey_id, series)


SurveyToShow = Annotated[Survey, Depends(survey_to_show)]


@router.get(
    "/v1/metrics/satisfaction-engagement",
    operation_id="get_satisfaction_engagement",
    response_model=schemas.SatisfactionEngagement,
)
async def get_satisfaction_engagement(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, service.HEADLINE, by, team)
    answer = schemas.SatisfactionEngagement.model_validate(
        {
            **service.header(survey, release),
            "distinctness": None,
            "reasons": {"distinctness": "not_computed"},
            "groups": groups,
        }
    )
    return conditions.answer(answer, headers=REVALIDATE)


@router.get(
    "/v1/metrics/participation",
    operation_id="get_participation_metrics",
    response_model=schemas.Participation,
)
async def get_participation_metrics(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, service.PARTICIPATION, by, team)
    answer = schemas.Participation.model_validate({**service.header(survey, release), "groups": groups})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/definitions", operation_id="get_definitions", response_model=schemas.Definitions)
async def get_definitions(
    who: MetricsReader, session: Tenant, conditions: ReadConditions, accept_language: Language = None
) -> Response:
    organization = await organizations.organization(session, who.organization_id)
    language = language_of(accept_language, organization.locale)
    return conditions.answer(definitions.definitions(language, service.FORMULA_VERSION), headers=REVALIDATE)
