from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from app.core.conditional import REVALIDATE, ReadConditions
from app.core.principal import Principal, Scope
from app.core.requests import Route
from app.core.schema import Identifier
from app.metrics import definitions, reading, schemas, service
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


async def wanted_language(who: MetricsReader, session: Tenant, accept_language: Language = None) -> str:
    organization = await organizations.organization(session, who.organization_id)
    return definitions.language_of(accept_language, organization.locale)


WantedLanguage = Annotated[str, Depends(wanted_language)]


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
            **await service.distinctness_of(session, release),
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
    release, groups = await service.read(session, survey, "participation", by, team)
    answer = schemas.Participation.model_validate({**service.header(survey, release), "groups": groups})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/facets", operation_id="get_facets", response_model=schemas.Facets)
async def get_facets(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    language: WantedLanguage,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, "facets", by, team)
    titled = await service.with_titles(session, survey, groups, ["facets", "questions"], language)
    answer = schemas.Facets.model_validate({**service.header(survey, release), "groups": titled})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/enps", operation_id="get_enps", response_model=schemas.Enps)
async def get_enps(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, "enps", by, team)
    answer = schemas.Enps.model_validate({**service.header(survey, release), "groups": groups})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/reliability", operation_id="get_reliability", response_model=schemas.Reliability)
async def get_reliability(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    language: WantedLanguage,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, "reliability", by, team)
    titled = await service.with_titles(session, survey, groups, ["scales"], language)
    status = service.instrument_status(survey)
    answer = schemas.Reliability.model_validate(
        {**service.header(survey, release), "instrument_status": status, "groups": titled}
    )
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/heatmap", operation_id="get_heatmap", response_model=schemas.Heatmap)
async def get_heatmap(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    language: WantedLanguage,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, "heatmap", by, team)
    columns = await reading.columns(session, survey, language)
    answer = schemas.Heatmap.model_validate(
        {**service.header(survey, release), "columns": columns, "groups": groups}
    )
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/drivers", operation_id="get_drivers", response_model=schemas.Drivers)
async def get_drivers(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    language: WantedLanguage,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, "drivers", by, team)
    worded = reading.worded_drivers(groups, language)
    answer = schemas.Drivers.model_validate({**service.header(survey, release), "groups": worded})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/levers", operation_id="get_levers", response_model=schemas.Levers)
async def get_levers(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    language: WantedLanguage,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, groups = await service.read(session, survey, "levers", by, team)
    worded = reading.worded_levers(groups, language)
    answer = schemas.Levers.model_validate({**service.header(survey, release), "groups": worded})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/trends", operation_id="get_trends", response_model=schemas.Trends)
async def get_trends(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, series = await reading.trends(session, survey, by, team)
    answer = schemas.Trends.model_validate({**service.header(survey, release), **series})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/overview", operation_id="get_overview", response_model=schemas.Overview)
async def get_overview(
    who: MetricsReader,
    session: Tenant,
    survey: SurveyToShow,
    conditions: ReadConditions,
    language: WantedLanguage,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: TeamParameter = None,
) -> Response:
    release, glance = await reading.overview(session, survey, by, team, language)
    answer = schemas.Overview.model_validate({**service.header(survey, release), **glance})
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/definitions", operation_id="get_definitions", response_model=schemas.Definitions)
async def get_definitions(
    who: MetricsReader, conditions: ReadConditions, language: WantedLanguage
) -> Response:
    return conditions.answer(definitions.definitions(language, service.FORMULA_VERSION), headers=REVALIDATE)
