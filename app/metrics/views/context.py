"""What there is to ask for, and in which words and colours to show it; no number is in it."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core.database import TenantSession
from app.core.languages import day_in_words, month_in_words
from app.metrics import definitions, schemas
from app.metrics.releases import queries
from app.metrics.views import groups as service
from app.metrics.views.screens import Tops
from app.organizations import queries as organizations
from app.surveys.audience import queries as audience
from app.tables import Release, Survey, SurveyGroup

MOST_LISTED = 200

SeriesMoment = tuple[str | None, str]
"""A series, and a month or a day in words."""


async def context(
    session: TenantSession,
    shown: tuple[Survey, Release] | None,
    team: str | None,
    depth: int | None,
    tops_in: Tops,
    language: str,
    now: datetime,
) -> schemas.MetricsContext:
    organization = await organizations.organization(session)
    waves = await queries.waves(session, MOST_LISTED)
    open_surveys = await queries.open_surveys(session)
    listed = {survey.id: survey for survey in [*(wave for wave, _ in waves), *open_surveys]}
    seen = await seen_in(session, listed.values(), tops_in)
    names = ShortNames(listed.values(), ZoneInfo(organization.time_zone), language)
    survey = shown[0] if shown else None
    return schemas.MetricsContext(
        organization=schemas.ContextOrganization.model_validate(organization.model_dump()),
        formula_version=schemas.FORMULA_VERSION,
        survey_id=survey.id if survey else None,
        waves=[as_wave(*wave, names) for wave in waves if wave[0].id in seen],
        open=[as_open(one, names, now) for one in open_surveys if one.id in seen],
        segments=segments_of(survey) if survey and tops_in(survey) is None else [],
        teams=await teams_of(session, survey, team, depth, tops_in) if survey else [],
        quadrants=definitions.quadrants(),
        labels=definitions.labels(),
    )


class ShortNames:
    """Short names of surveys, by which those of one series are told apart: the month they opened in, the day
    where several did, and a number where several did that day."""

    def __init__(self, surveys: Iterable[Survey], zone: ZoneInfo, language: str) -> None:
        self.zone = zone
        self._language = language
        self._of_month: dict[SeriesMoment, list[UUID]] = {}
        self._of_day: dict[SeriesMoment, list[UUID]] = {}
        for survey in sorted(surveys, key=lambda one: (self._opened(one), one.id)):
            self._of_month.setdefault(self._month(survey), []).append(survey.id)
            self._of_day.setdefault(self._day(survey), []).append(survey.id)

    def of(self, survey: Survey) -> str:
        month, day = self._month(survey), self._day(survey)
        if len(self._of_month[month]) == 1:
            return month[1]
        same = self._of_day[day]
        return day[1] if len(same) == 1 else f"{day[1]} ({same.index(survey.id) + 1})"

    def _month(self, survey: Survey) -> SeriesMoment:
        return survey.series, month_in_words(self._language, self._opened(survey))

    def _day(self, survey: Survey) -> SeriesMoment:
        return survey.series, day_in_words(self._language, self._opened(survey))

    def _opened(self, survey: Survey) -> datetime:
        assert survey.opened_at is not None, "what is listed was open"
        return survey.opened_at.astimezone(self.zone)


async def seen_in(session: TenantSession, surveys: Iterable[Survey], tops_in: Tops) -> Collection[UUID]:
    """Those in which the reader sees a team, or everything."""
    limited = {survey.id: tops for survey in surveys if (tops := tops_in(survey)) is not None}
    asked = await audience.surveys_with_teams(session, limited)
    return {survey.id for survey in surveys if survey.id not in limited or survey.id in asked}


def as_wave(survey: Survey, release: Release, names: ShortNames) -> schemas.ContextWave:
    head = service.header(survey, release)
    return schemas.ContextWave(label=names.of(survey), survey=head["survey"], release=head["release"])


def as_open(survey: Survey, names: ShortNames, now: datetime) -> schemas.ContextOpen:
    more = {"label": names.of(survey), "days_left": days_left(survey.closes_at, now, names.zone)}
    return schemas.ContextOpen.model_validate(survey.model_dump() | more)


def days_left(closes_at: datetime | None, now: datetime, zone: ZoneInfo) -> int | None:
    """None where nobody set an end; one that is due, though not closed yet, has none left."""
    if closes_at is None:
        return None
    return max(0, (closes_at.astimezone(zone).date() - now.astimezone(zone).date()).days)


def segments_of(survey: Survey) -> list[schemas.ContextSegment]:
    return [schemas.ContextSegment(segment=name, by=f"{service.SEGMENT}{name}") for name in survey.report_by]


async def teams_of(
    session: TenantSession, survey: Survey, team: str | None, depth: int | None, tops_in: Tops
) -> list[schemas.ContextTeam]:
    groups = await audience.groups_of(session, survey.id)
    tops = tops_in(survey)
    if tops is None:
        wanted = service.chosen(groups, ["team"], team)
    else:
        wanted = service.chosen_below(groups, ["team"], team, tops)
    parts = Counter(group.parent for group in groups if group.kind == "team")
    return [as_team(group, groups, parts[group.ordinal]) for group in service.down_to(depth, wanted)]


def as_team(group: SurveyGroup, groups: Sequence[SurveyGroup], parts: int) -> schemas.ContextTeam:
    known = service.ref(group, groups).model_dump(exclude={"kind"})
    return schemas.ContextTeam(**known, parts=parts)
