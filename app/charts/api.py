import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Path, Query, Request, Response

from app.auth.callers import TeamMetricsReader
from app.auth.dependencies import TeamsOnly, Tenant
from app.auth.principal import Principal, Scope
from app.calendar.service import find_occurrences, represent_occurrence
from app.charts import service
from app.charts.kinds import answers, calendar, heatmap, levers, participation, recognition, scores, trend
from app.charts.levels import one_level
from app.charts.look import Look
from app.charts.negotiation import ALIASES, PNG, SPECIFICATION, SVG, Format
from app.charts.palette import ThemeName
from app.charts.parts import PADDING, Json
from app.charts.rows import MOST_ROWS
from app.charts.schemas import ChartName, Charts, ChartSummary
from app.core.conditional import NO_STORE, REVALIDATE, ReadConditions, etag_of, matches
from app.core.database import TenantSession
from app.core.elsewhere import MadeElsewhere
from app.core.errors import MissingScope
from app.core.negotiation import preferred
from app.core.parameters import WantedIdentifier
from app.core.press import Unprinted
from app.core.requests import Route, UnknownParameter
from app.metrics import schemas as metrics
from app.metrics.recognition.api import recognition as recognition_of
from app.metrics.schemas.recognition import RecognitionMetrics
from app.metrics.views import api as views
from app.metrics.views.api import (
    Depth,
    Filter,
    GroupKind,
    Series,
    View,
    WantedLanguage,
)
from app.organizations.queries import organization as find_organization
from app.recognition.api import First, Last

router = APIRouter(route_class=Route, tags=["charts"])
Answer = TypeVar("Answer")
Specify = Callable[[Look], Json]
Width = Annotated[int, Query(ge=280, le=1600)]
Order = Annotated[Literal["gap", "tree"], Query()]
KINDS: dict[str, Format] = {SVG: "svg", PNG: "png"}
HOW = frozenset({"format", "width", "theme"})
"""How a chart looks, which narrows and widens nothing of what it tells."""
OF_RELEASE = frozenset({"survey_id", "series", "by", "team", "depth"})
OF_DAYS = frozenset({"from", "to", "team"})
SCORES = "/v1/metrics/satisfaction-engagement"
DAYS_AHEAD = 31
PICTURES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            SPECIFICATION: {"schema": {"type": "object"}},
            SVG: {"schema": {"type": "string"}},
            PNG: {"schema": {"type": "string", "contentMediaType": PNG}},
        }
    }
}


@dataclass(frozen=True)
class Asked:
    """What of the metric behind a chart is wanted, and by whom."""

    who: Principal
    session: TenantSession
    given: Set[str]
    language: str
    survey_id: UUID | None
    series: str | None
    by: list[str] | None
    team: str | None
    depth: int | None
    filter: str | None
    order: str
    first: date | None
    last: date | None

    async def view(self, *by: str) -> View:
        """As the metric's own address would show it; `by` where nothing else is asked for."""
        given = self.given - HOW - {"order"}
        chosen = list(by) if self.by is None else self.by
        return await views.view_for(
            self.who, self.session, given, self.survey_id, self.series, chosen, self.team, self.depth
        )


@dataclass(frozen=True)
class Chart:
    metric: str
    read: Callable[[Asked], Awaitable[Specify]]
    """Gives what draws the answer of the metric."""
    parameters: frozenset[str]
    names_persons: bool
    """Nothing of it is kept then, here or on its way."""

    @property
    def headers(self) -> Mapping[str, str]:
        return NO_STORE if self.names_persons else REVALIDATE


def chart(
    metric: str,
    read: Callable[[Asked], Awaitable[Answer]],
    draw: Callable[[Answer, Look], Json],
    parameters: frozenset[str] = OF_RELEASE,
    names_persons: bool = False,
) -> Chart:
    """`read` gives the answer of the metric, as its own address does, and `draw` sees nothing else."""

    async def read_to_draw(asked: Asked) -> Specify:
        return partial(draw, await read(asked))

    return Chart(metric, read_to_draw, parameters, names_persons)


Grouped = TypeVar("Grouped", metrics.SatisfactionEngagement, metrics.Heatmap, metrics.Participation)


def at_a_glance(asked: Asked, answer: Grouped) -> Grouped:
    """One level of the tree, where nobody asked for other groups."""
    if asked.by is not None or asked.depth is not None:
        return answer
    return answer.model_copy(update={"groups": one_level(answer.groups)})


async def read_scores(asked: Asked) -> tuple[metrics.SatisfactionEngagement, str]:
    view = await asked.view("organization", "team")
    answer = await views.satisfaction_engagement(view, asked.filter)
    return at_a_glance(asked, answer), asked.order


async def read_trends(asked: Asked) -> metrics.Trends:
    answer = await views.trends(await asked.view("organization"))
    return where_asked(answer, ZoneInfo((await find_organization(asked.session)).time_zone))


def where_asked(answer: metrics.Trends, zone: ZoneInfo) -> metrics.Trends:
    """A wave is named by the month in which it was opened where the organisation is."""
    waves = [
        one.model_copy(
            update={
                "survey": one.survey.model_copy(update={"opened_at": one.survey.opened_at.astimezone(zone)})
            }
        )
        for one in answer.waves
    ]
    return answer.model_copy(update={"waves": waves})


async def read_levers(asked: Asked) -> levers.LeversAnswer:
    view = await asked.view("organization")
    return levers.LeversAnswer(
        await views.levers(view, asked.language), await views.drivers(view, asked.language)
    )


async def read_heatmap(asked: Asked) -> metrics.Heatmap:
    view = await asked.view("organization", "team")
    return at_a_glance(asked, await views.heatmap(view, asked.language))


async def read_participation(asked: Asked) -> metrics.Participation:
    return at_a_glance(asked, await views.participation(await asked.view("organization", "team")))


async def read_facets(asked: Asked) -> metrics.Facets:
    return await views.facets(await asked.view("organization"), asked.language)


async def read_recognition(asked: Asked, by: str) -> RecognitionMetrics:
    if asked.who.teams is not None:
        raise TeamsOnly
    answer = await recognition_of(asked.session, asked.first, asked.last, ["organization", by], asked.team)
    return answer.model_copy(update={"groups": one_level(answer.groups)})


async def read_calendar(asked: Asked) -> calendar.Days:
    """With names of persons: for who may read the calendar too."""
    if Scope.CALENDAR_READ not in asked.who.scopes:
        raise MissingScope(
            f"This chart needs {Scope.CALENDAR_READ} too.", Scope.METRICS_READ, Scope.CALENDAR_READ
        )
    if asked.who.teams is not None:
        raise TeamsOnly
    organization = await find_organization(asked.session)
    first = asked.first or datetime.now(ZoneInfo(organization.time_zone)).date()
    last = asked.last or first + timedelta(min(DAYS_AHEAD, (date.max - first).days))
    most = MOST_ROWS + 1
    rows = await find_occurrences(asked.session, organization, first, last, asked.team, None, most)
    days = [represent_occurrence(row, organization) for row in rows]
    return calendar.Days(first, last, days[:MOST_ROWS], has_more=len(days) == most)


def draw_quadrants(answer: tuple[metrics.SatisfactionEngagement, str], look: Look) -> Json:
    return scores.quadrants(answer[0], look)


def draw_gap(answer: tuple[metrics.SatisfactionEngagement, str], look: Look) -> Json:
    return scores.gap(answer[0], look, answer[1])


CHARTS: dict[ChartName, Chart] = {
    "quadrants": chart(SCORES, read_scores, draw_quadrants, OF_RELEASE | {"filter"}),
    "gap": chart(SCORES, read_scores, draw_gap, OF_RELEASE | {"filter", "order"}),
    "trend": chart("/v1/metrics/trends", read_trends, trend.trend),
    "levers": chart("/v1/metrics/levers", read_levers, levers.levers),
    "heatmap": chart("/v1/metrics/heatmap", read_heatmap, heatmap.heatmap),
    "facets": chart("/v1/metrics/facets", read_facets, answers.facets),
    "questions": chart("/v1/metrics/facets", read_facets, answers.questions),
    "participation": chart("/v1/metrics/participation", read_participation, participation.participation),
    "recognition": chart(
        "/v1/metrics/recognition", partial(read_recognition, by="month"), recognition.recognition, OF_DAYS
    ),
    "recognition-network": chart(
        "/v1/metrics/recognition", partial(read_recognition, by="team"), recognition.network, OF_DAYS
    ),
    "calendar": chart("/v1/calendar", read_calendar, calendar.calendar, OF_DAYS, names_persons=True),
}


@router.get("/v1/charts", operation_id="list_charts", response_model=Charts)
async def list_charts(
    who: TeamMetricsReader, conditions: ReadConditions, language: WantedLanguage
) -> Response:
    items = [summary(name, chart, language) for name, chart in CHARTS.items()]
    return conditions.answer(Charts(items=items, formats=service.forms()), headers=REVALIDATE)


def summary(name: ChartName, chart: Chart, language: str) -> ChartSummary:
    look = Look(language, "light", 0)
    return ChartSummary(
        name=name,
        title=look.say(f"{name}_title"),
        shows=look.say(f"{name}_shows"),
        metric=chart.metric,
        parameters=sorted(chart.parameters | HOW),
    )


@router.get("/v1/charts/{name}", operation_id="get_chart", response_class=Response, responses=PICTURES)
async def get_chart(
    name: Annotated[ChartName, Path()],
    who: TeamMetricsReader,
    request: Request,
    session: Tenant,
    conditions: ReadConditions,
    language: WantedLanguage,
    accept: Annotated[str | None, Header(max_length=1000)] = None,
    format: Annotated[Format | None, Query()] = None,
    width: Width = 640,
    theme: Annotated[ThemeName, Query()] = "light",
    survey_id: UUID | None = None,
    series: Series = None,
    by: Annotated[list[GroupKind] | None, Query()] = None,
    team: WantedIdentifier = None,
    depth: Depth = None,
    filter: Filter = None,
    order: Order = "gap",
    first: First = None,
    last: Last = None,
) -> Response:
    chart, given = CHARTS[name], request.query_params.keys()
    refuse_others(name, chart, given)
    wanted = wanted_form(format, accept)
    asked = Asked(
        who, session, given, language, survey_id, series, by, team, depth, filter, order, first, last
    )
    specify = await chart.read(asked)
    specification = await asyncio.to_thread(specify, Look(language, theme, width - 2 * PADDING))
    draw = partial(
        service.picture, specification, whose=session.organization_id, may_keep=not chart.names_persons
    )
    return answered(specification, wanted, conditions.if_none_match, chart.headers, draw)


def refuse_others(name: str, chart: Chart, given: Set[str]) -> None:
    for parameter in sorted(given - chart.parameters - HOW):
        takes = ", ".join(sorted(chart.parameters))
        raise UnknownParameter.parameter(parameter, f"The chart {name} has no {parameter}: it takes {takes}.")


def wanted_form(format: str | None, accept: str | None) -> str:
    """The media type to answer with; `format` goes before what a browser accepts by itself."""
    kinds = [SPECIFICATION, SVG, PNG]
    found = (
        next(kind for kind, name in KINDS.items() if name == format)
        if format
        else preferred(accept, kinds, ALIASES)
    )
    if found is None:
        raise service.NoSuchFormat
    if found != SPECIFICATION and not service.can_draw():
        raise service.ChartsNotInstalled
    return found


def answered(
    specification: Json,
    wanted: str,
    if_none_match: str | None,
    told: Mapping[str, str],
    draw: Callable[..., Awaitable[bytes]],
) -> Response:
    """What is drawn has a tag of its own: that of what is drawn, and the form."""
    body = json.dumps(specification, ensure_ascii=False, separators=(",", ":")).encode()
    tag = etag_of(body + wanted.encode())
    headers = {**told, "ETag": tag, "Vary": "Accept"}
    if if_none_match and matches(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    if wanted == SPECIFICATION:
        return Response(body, headers=headers, media_type=SPECIFICATION)

    async def drawn() -> Response:
        try:
            made = await draw(wanted=KINDS[wanted])
        except Unprinted:
            raise service.NotDrawn from None
        return Response(made, headers=headers, media_type=wanted)

    return MadeElsewhere(drawn)
