from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.auth.callers import MetricsReader, PrivacyManager, TeamMetricsReader
from app.auth.dependencies import Anyone, TeamsOnly, Tenant
from app.auth.principal import Principal
from app.core.conditional import REVALIDATE, ReadConditions, ReadOnce
from app.core.database import TenantSession, transaction_time
from app.core.fairness import in_turns
from app.core.languages import language_of
from app.core.parameters import AcceptLanguage, WantedIdentifier
from app.core.ready import Make
from app.core.requests import Route
from app.core.shapes import Shaped
from app.kpis.schemas import Period
from app.metrics import definitions, names, schemas
from app.metrics.names import Metric, MetricOfGroups, Numbers, Told
from app.metrics.releases import queries
from app.metrics.views import context as whereabouts
from app.metrics.views import filters as filtering
from app.metrics.views import groups as service
from app.metrics.views import outcomes, screens, sentences
from app.organizations import queries as organizations
from app.tables import Release, Survey

router = APIRouter(route_class=Route, tags=["metrics"])
GroupKind = Annotated[
    str,
    Shaped(
        r"^(organization|team|segment:[A-Za-z][A-Za-z0-9_.-]{0,49})$",
        "Write organization, team or segment: and the name of a segment, as segment:location.",
    ),
]
By = Annotated[list[GroupKind], Query()]
Depth = Annotated[int | None, Query(ge=1, le=100)]
Series = Annotated[str | None, Query(min_length=1, max_length=100)]
Filter = Annotated[str | None, Query(min_length=3, max_length=2000)]
Grouped = (
    schemas.Facets
    | schemas.Choices
    | schemas.Reliability
    | schemas.Drivers
    | schemas.Levers
    | schemas.Trends
    | schemas.Overview
)
OF_VIEW = {"survey_id", "series", "by", "team", "depth", "question"}
"""What narrows or moves a view; whatever else an endpoint takes could widen it."""


async def wanted_language(who: Anyone, session: Tenant, accept_language: AcceptLanguage = None) -> str:
    organization = await organizations.organization(session)
    return language_of(accept_language, organization.locale)


WantedLanguage = Annotated[str, Depends(wanted_language)]


@dataclass(frozen=True)
class View:
    """What a reader of metrics asked to see of one release."""

    session: TenantSession
    survey: Survey
    release: Release
    by: list[str]
    team: str | None
    tops_in: screens.Tops = screens.everything
    depth: int | None = None

    @property
    def tops(self) -> Sequence[str] | None:
        """The teams that the reader sees, with those below them; None: everything."""
        return self.tops_in(self.survey)

    async def seen(self, waves: Sequence[tuple[Survey, Release]]) -> screens.Seen:
        return await screens.seen(self.session, waves, self.tops_in)

    async def groups(self, metric: MetricOfGroups[Numbers, Told]) -> list[Told]:
        return await service.read(
            self.session, self.release, metric, self.by, self.team, self.tops, self.depth
        )

    async def sent(self, metric: MetricOfGroups[Numbers, Told]) -> list[str]:
        return await service.sent(
            self.session, self.release, metric, self.by, self.team, self.tops, self.depth
        )

    async def asked_for(self) -> dict[int, schemas.GroupRef]:
        return await service.asked_for(self.session, self.release, self.by, self.team, self.tops, self.depth)

    def made_of(self, *more: Any) -> Sequence[Any]:
        """All that settles an answer about the release, which nothing changes, to this reader."""
        return self.session.organization_id, self.header, self.by, self.team, self.tops, self.depth, *more

    def beside(self, waves: Sequence[tuple[Survey, Release]]) -> Sequence[Any]:
        """What of other waves the reader sees."""
        return [(service.header(*wave), self.tops_in(wave[0])) for wave in waves]

    async def kept(self, metric: Metric[Numbers]) -> list[tuple[schemas.GroupRef, Numbers]]:
        return await service.kept(
            self.session, self.release, metric, self.by, self.team, self.tops, self.depth
        )

    @property
    def header(self) -> schemas.Header:
        return service.header(self.survey, self.release)


async def view(
    who: TeamMetricsReader,
    request: Request,
    session: Tenant,
    survey_id: UUID | None = None,
    series: Series = None,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: WantedIdentifier = None,
    depth: Depth = None,
) -> View:
    return await view_for(who, session, request.query_params.keys(), survey_id, series, by, team, depth)


async def view_for(
    who: Principal,
    session: TenantSession,
    asked: Set[str],
    survey_id: UUID | None,
    series: str | None,
    by: list[str],
    team: str | None,
    depth: int | None = None,
) -> View:
    survey, release = await service.release_to_show(session, survey_id, series)
    if who.teams is not None and not asked <= OF_VIEW:
        raise TeamsOnly
    return View(session, survey, release, by, team, tops_of(who, await transaction_time(session)), depth)


def tops_of(who: Principal, now: datetime) -> screens.Tops:
    def tops_in(wave: Survey) -> Sequence[str] | None:
        assert wave.opened_at is not None, "what is released was open"
        return who.teams_of(wave.opened_at, now)

    return tops_in


MetricsView = Annotated[View, Depends(view)]
"""The release a reader of metrics asked for, with the groups wanted of it.

An endpoint that tells more than `groups` of it takes a MetricsReader too, or asks for `tops`.
"""


@router.get(
    "/v1/metrics/satisfaction-engagement",
    operation_id="get_satisfaction_engagement",
    response_model=schemas.SatisfactionEngagement,
)
async def get_satisfaction_engagement(
    view: MetricsView, reading: ReadOnce, filter: Filter = None
) -> Response:
    async def made() -> bytes:
        if filter is not None:
            return (await satisfaction_engagement(view, filter)).model_dump_json().encode()
        return service.whole(await headlines(view, []), await view.sent(names.HEADLINE))

    return await reading.answer(view.made_of(filter), made)


async def satisfaction_engagement(view: View, filter: str | None = None) -> schemas.SatisfactionEngagement:
    if filter is None:
        return await headlines(view, await view.groups(names.HEADLINE))
    return await headlines(view, [await filtering.headline_of(view.session, view.release, filter, view.team)])


async def headlines(view: View, groups: list[schemas.Group]) -> schemas.SatisfactionEngagement:
    distinctness, reasons = await service.distinctness_of(view.session, view.release)
    return schemas.SatisfactionEngagement(
        **view.header, distinctness=distinctness, reasons=reasons, groups=groups
    )


@router.get(
    "/v1/metrics/participation",
    operation_id="get_participation_metrics",
    response_model=schemas.Participation,
)
async def get_participation_metrics(view: MetricsView, reading: ReadOnce) -> Response:
    async def made() -> bytes:
        head = schemas.Participation(**view.header, groups=[])
        return service.whole(head, await view.sent(names.PARTICIPATION))

    return await reading.answer(view.made_of(), made)


async def participation(view: View) -> schemas.Participation:
    return schemas.Participation(**view.header, groups=await view.groups(names.PARTICIPATION))


@router.get("/v1/metrics/facets", operation_id="get_facets", response_model=schemas.Facets)
async def get_facets(view: MetricsView, reading: ReadOnce, language: WantedLanguage) -> Response:
    return await reading.answer(view.made_of(language), written(lambda: facets(view, language)))


async def facets(view: View, language: str) -> schemas.Facets:
    titles = await service.titles_of(view.session, view.survey, language)

    def titled(kept: tuple[schemas.GroupRef, schemas.FacetsNumbers]) -> schemas.FacetsGroup:
        return screens.titled_facets(*kept, titles["facets"], titles["questions"])

    return schemas.Facets(**view.header, groups=await in_turns(titled, await view.kept(names.FACETS)))


@router.get("/v1/metrics/enps", operation_id="get_enps", response_model=schemas.Enps)
async def get_enps(view: MetricsView, reading: ReadOnce) -> Response:
    async def made() -> bytes:
        return service.whole(schemas.Enps(**view.header, groups=[]), await view.sent(names.ENPS))

    return await reading.answer(view.made_of(), made)


@router.get("/v1/metrics/choices", operation_id="get_choices", response_model=schemas.Choices)
async def get_choices(view: MetricsView, reading: ReadOnce, language: WantedLanguage) -> Response:
    return await reading.answer(view.made_of(language), written(lambda: choices(view, language)))


async def choices(view: View, language: str) -> schemas.Choices:
    titles = await service.titles_of(view.session, view.survey, language)
    options = await service.options_of(view.session, view.survey, language)

    def titled(kept: tuple[schemas.GroupRef, schemas.ChoicesNumbers]) -> schemas.ChoicesGroup:
        return screens.titled_choices(*kept, titles["questions"], options)

    return schemas.Choices(**view.header, groups=await in_turns(titled, await view.kept(names.CHOICES)))


@router.get("/v1/metrics/reliability", operation_id="get_reliability", response_model=schemas.Reliability)
async def get_reliability(view: MetricsView, reading: ReadOnce, language: WantedLanguage) -> Response:
    return await reading.answer(view.made_of(language), written(lambda: reliability(view, language)))


async def reliability(view: View, language: str) -> schemas.Reliability:
    titles = await service.titles_of(view.session, view.survey, language)

    def titled(kept: tuple[schemas.GroupRef, schemas.ReliabilityNumbers]) -> schemas.ReliabilityGroup:
        return screens.titled_scales(*kept, titles["scales"])

    groups = await in_turns(titled, await view.kept(names.RELIABILITY))
    status = service.instrument_status(view.survey)
    return schemas.Reliability(**view.header, instrument_status=status, groups=groups)


@router.get("/v1/metrics/heatmap", operation_id="get_heatmap", response_model=schemas.Heatmap)
async def get_heatmap(view: MetricsView, reading: ReadOnce, language: WantedLanguage) -> Response:
    async def made() -> bytes:
        return service.whole(await heatmap_of(view, language, []), await view.sent(names.HEATMAP))

    return await reading.answer(view.made_of(language), made)


async def heatmap(view: View, language: str) -> schemas.Heatmap:
    return await heatmap_of(view, language, await view.groups(names.HEATMAP))


async def heatmap_of(view: View, language: str, groups: list[schemas.HeatmapGroup]) -> schemas.Heatmap:
    columns = await screens.columns(view.session, view.survey, language)
    return schemas.Heatmap(**view.header, columns=columns, groups=groups)


@router.get("/v1/metrics/drivers", operation_id="get_drivers", response_model=schemas.Drivers)
async def get_drivers(view: MetricsView, reading: ReadOnce, language: WantedLanguage) -> Response:
    return await reading.answer(view.made_of(language), written(lambda: drivers(view, language)))


async def drivers(view: View, language: str) -> schemas.Drivers:
    def worded(kept: tuple[schemas.GroupRef, schemas.DriversNumbers]) -> schemas.DriversGroup:
        return screens.worded_drivers(*kept, language)

    return schemas.Drivers(**view.header, groups=await in_turns(worded, await view.kept(names.DRIVERS)))


@router.get("/v1/metrics/levers", operation_id="get_levers", response_model=schemas.Levers)
async def get_levers(view: MetricsView, reading: ReadOnce, language: WantedLanguage) -> Response:
    return await reading.answer(view.made_of(language), written(lambda: levers(view, language)))


async def levers(view: View, language: str) -> schemas.Levers:
    def worded(kept: tuple[schemas.GroupRef, schemas.LeversNumbers]) -> schemas.LeversGroup:
        return screens.worded_levers(*kept, language)

    return schemas.Levers(**view.header, groups=await in_turns(worded, await view.kept(names.LEVERS)))


@router.get("/v1/metrics/trends", operation_id="get_trends", response_model=schemas.Trends)
async def get_trends(view: MetricsView, reading: ReadOnce) -> Response:
    waves = await screens.waves_of(view.session, view.survey)
    archived = await queries.archived(view.session)
    made_of = view.made_of(*view.beside(waves), sorted(archived))
    return await reading.answer(made_of, written(lambda: trends_over(view, waves, archived)))


async def trends(view: View) -> schemas.Trends:
    waves = await screens.waves_of(view.session, view.survey)
    return await trends_over(view, waves, await queries.archived(view.session))


async def trends_over(
    view: View, waves: Sequence[tuple[Survey, Release]], archived: Collection[UUID]
) -> schemas.Trends:
    groups = [group for group, _ in await view.kept(names.TRENDS)]
    series = await screens.trends(view.session, waves, groups, archived, await view.seen(waves))
    return schemas.Trends(**view.header, waves=screens.as_told(waves), groups=series)


@router.get("/v1/metrics/overview", operation_id="get_overview", response_model=schemas.Overview)
async def get_overview(view: MetricsView, reading: ReadOnce, language: WantedLanguage) -> Response:
    waves = [] if view.tops is None else await screens.waves_of(view.session, view.survey)
    archived = await queries.archived(view.session)
    made_of = view.made_of(language, *view.beside(waves), sorted(archived))
    return await reading.answer(made_of, written(lambda: overview(view, language, waves, archived)))


async def overview(
    view: View, language: str, waves: Sequence[tuple[Survey, Release]], archived: Collection[UUID]
) -> schemas.Overview:
    """The levers are the whole organisation's: not for who sees some teams only."""
    distinctness, reasons = await service.distinctness_of(view.session, view.release)
    levers, seen = None, None
    if view.tops is None:
        levers = await screens.organization_levers(view.session, view.release, language)
    else:
        seen = await view.seen(waves)
    groups = await screens.glances(view.session, view.release, await view.asked_for(), archived, seen)
    return schemas.Overview(
        **view.header,
        headline=sentences.of_overview(groups, language),
        distinctness=distinctness,
        reasons=reasons,
        levers=levers,
        groups=groups,
    )


def written(answer: Callable[[], Awaitable[Grouped]]) -> Make:
    """Group by group: others have their turn."""

    async def made() -> bytes:
        found = await answer()
        return service.whole(
            found.model_copy(update={"groups": []}),
            await in_turns(lambda one: one.model_dump_json(), found.groups),
        )

    return made


@router.get(
    "/v1/metrics/recognition-engagement",
    operation_id="get_recognition_engagement",
    response_model=schemas.RecognitionEngagement,
)
async def get_recognition_engagement(
    who: MetricsReader,
    session: Tenant,
    conditions: ReadConditions,
    language: WantedLanguage,
    survey_id: UUID | None = None,
    series: Series = None,
) -> Response:
    shown = await service.release_to_show(session, survey_id, series)
    view = View(session, *shown, by=["organization"], team=None)
    groups = [screens.worded_recognition(*one, language) for one in await view.kept(names.RECOGNITION)]
    answer = schemas.RecognitionEngagement(**view.header, groups=groups)
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/comments", operation_id="get_comments", response_model=schemas.Comments)
async def get_comments(
    view: MetricsView, conditions: ReadConditions, question: WantedIdentifier = None
) -> Response:
    kept = (
        await view.kept(names.COMMENTS)
        if question is None
        else await service.written_to(view.session, view.survey, question, await view.kept(names.TEXTS))
    )
    groups = await service.with_texts(view.session, view.release, kept, question)
    answer = schemas.Comments(**view.header, groups=groups)
    return conditions.answer(answer, headers=REVALIDATE)


@router.get(
    "/v1/surveys/{survey_id}/disclosure", operation_id="get_disclosure", response_model=schemas.Disclosure
)
async def get_disclosure(
    survey_id: UUID,
    who: PrivacyManager,
    session: Tenant,
    conditions: ReadConditions,
    language: WantedLanguage,
) -> Response:
    survey, release = await service.release_to_show(session, survey_id, None)
    answer = await service.disclosure(session, survey, release, language)
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/outcomes", operation_id="get_outcomes", response_model=schemas.Outcomes)
async def get_outcomes(
    who: MetricsReader,
    view: MetricsView,
    conditions: ReadConditions,
    language: WantedLanguage,
    period: Annotated[Period | None, Query()] = None,
) -> Response:
    turnover = await outcomes.read_turnover(view.session, view.survey, view.release, view.by, view.team)
    kpis = await outcomes.read_kpis(view.session, view.survey, period)
    return conditions.answer(outcomes.answer(view.header, turnover, kpis, language), headers=REVALIDATE)


@router.get("/v1/metrics/benchmark", operation_id="get_benchmark", response_model=schemas.Benchmark)
async def get_benchmark(
    who: MetricsReader,
    session: Tenant,
    conditions: ReadConditions,
    survey_id: UUID | None = None,
    series: Series = None,
) -> Response:
    survey, release = await service.release_to_show(session, survey_id, series)
    answer = schemas.Benchmark(
        **service.header(survey, release), scores=await service.benchmark_of(session, release)
    )
    return conditions.answer(answer, headers=REVALIDATE)


@router.get("/v1/metrics/definitions", operation_id="get_definitions", response_model=schemas.Definitions)
async def get_definitions(
    who: TeamMetricsReader, conditions: ReadConditions, language: WantedLanguage
) -> Response:
    return conditions.answer(definitions.definitions(language, schemas.FORMULA_VERSION), headers=REVALIDATE)


@router.get("/v1/metrics/context", operation_id="get_context", response_model=schemas.MetricsContext)
async def get_context(
    who: TeamMetricsReader,
    session: Tenant,
    conditions: ReadConditions,
    language: WantedLanguage,
    survey_id: UUID | None = None,
    series: Series = None,
    team: WantedIdentifier = None,
    depth: Depth = None,
) -> Response:
    shown = await service.release_shown(session, survey_id, series)
    now = await transaction_time(session)
    answer = await whereabouts.context(session, shown, team, depth, tops_of(who, now), language, now)
    return conditions.answer(answer, headers=REVALIDATE)
