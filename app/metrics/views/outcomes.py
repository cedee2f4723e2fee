"""What came after a wave: turnover as it was frozen, and the organisation's KPIs beside the scores shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core.database import Row, TenantSession
from app.kpis.rules import first_after
from app.metrics import definitions, names, schemas
from app.metrics.blocks import outcomes
from app.metrics.blocks.outcomes import Point
from app.metrics.releases import queries as releases
from app.metrics.releases.turnover import day_of, is_released
from app.metrics.views import groups as service
from app.metrics.views import queries as outcome_queries
from app.organizations import queries as organizations
from app.tables import Release, Survey


@dataclass(frozen=True)
class ShownTeam:
    external_id: str
    name: str
    numbers: schemas.HeadlineOk


@dataclass(frozen=True)
class ClosedWave:
    """A released survey as KPIs are held against it: its teams shown, finest only, as they were shown."""

    closed_on: date
    teams: Sequence[ShownTeam]

    def points(self, values: Mapping[str, float]) -> list[Point]:
        return [
            Point(
                team=team.external_id,
                name=team.name,
                satisfaction=team.numbers.satisfaction.score,
                engagement=team.numbers.engagement.score,
                value=values[team.external_id],
            )
            for team in self.teams
            if team.external_id in values
        ]


async def read_turnover(
    session: TenantSession, survey: Survey, release: Release, by: Sequence[str], team: str | None
) -> schemas.Turnover:
    """What the release says of leaving since; the groups asked for are checked at any rate."""
    groups = await service.read(session, release, names.TURNOVER, by, team)
    association = await service.of_organization(session, release, names.LEAVING)
    if association is None:
        return schemas.TurnoverUndefined(status="undefined", reason=why_no_turnover(survey))
    return schemas.TurnoverOk(
        status="ok",
        starts_on=association.starts_on,
        ends_on=association.ends_on,
        association=association,
        groups=groups,
    )


def why_no_turnover(survey: Survey) -> Literal["next_wave_pending", "no_series", "no_frame"]:
    if survey.access == "open":
        return "no_frame"
    return "no_series" if survey.series is None else "next_wave_pending"


async def read_kpis(session: TenantSession, survey: Survey, period: str | None) -> list[schemas.KpiOutcome]:
    """Computed now, from numbers that were frozen and shown and KPI values anybody who asks may read."""
    kpis = await outcome_queries.kpis(session)
    if not kpis:
        return []
    waves = await closed_waves(session, survey)
    periods = {kpi.key: periods_after(kpi.periods, waves) for kpi in kpis}
    chosen = {kpi.key: period or periods[kpi.key].get(survey.id) for kpi in kpis}
    wanted = {(key, own) for key, after in periods.items() for own in after.values()}
    wanted |= {(key, own) for key, own in chosen.items() if own is not None}
    values: dict[tuple[str, str], dict[str, float]] = {pair: {} for pair in wanted}
    for row in await outcome_queries.kpi_values(session, wanted):
        values[row.kpi, row.period][row.team] = row.value
    found = []
    for kpi in kpis:
        of_one = of_wave(waves[survey.id], chosen[kpi.key], values, kpi.key)
        of_all = outcomes.across_waves(
            [waves[wave].points(values[kpi.key, own]) for wave, own in periods[kpi.key].items()]
        )
        about = schemas.OutcomeKpi(key=kpi.key, title=kpi.title, unit=kpi.unit, better=kpi.better)
        wave, across = outcomes.adjusted_together(of_one, of_all)
        found.append(schemas.KpiOutcome(kpi=about, wave=wave, across_waves=across))
    return found


async def closed_waves(session: TenantSession, survey: Survey) -> dict[UUID, ClosedWave]:
    """This wave and those of its series before it, newest first."""
    assert survey.closed_at is not None, "a released survey has closed"
    series = (
        await releases.closed_until(session, survey, survey.closed_at, names.MOST_WAVES)
        if survey.series
        else []
    )
    found = {survey.id: survey} | {
        wave.id: wave for wave in series if is_released(wave) and not wave.archived
    }
    organization = await organizations.organization(session)
    zone = ZoneInfo(organization.time_zone)
    rows = await outcome_queries.results_of_waves(session, list(found), names.HEADLINE.name)
    of_wave: dict[UUID, list[Row[Any]]] = {wave: [] for wave in found}
    for row in rows:
        of_wave[row.survey_id].append(row)
    return {
        wave: ClosedWave(day_of(found[wave].closed_at, zone), finest_teams(own))
        for wave, own in of_wave.items()
    }


def finest_teams(rows: Sequence[Row[Any]]) -> list[ShownTeam]:
    parents = {row.ordinal: row.parent for row in rows if row.kind in ("organization", "team")}
    read = {
        row.ordinal: (row, names.HEADLINE.parsed(row.body, row.body_version))
        for row in rows
        if row.kind == "team"
    }
    shown = {
        ordinal: ShownTeam(row.external_id, row.name, numbers)
        for ordinal, (row, numbers) in read.items()
        if isinstance(numbers, schemas.HeadlineOk)
    }
    return [shown[ordinal] for ordinal in outcomes.finest(parents, shown)]


def periods_after(periods: Sequence[str], waves: Mapping[UUID, ClosedWave]) -> dict[UUID, str]:
    """The first period after each wave; a period counts for the newest wave before it alone."""
    found: dict[str, UUID] = {}
    for wave, of in waves.items():
        period = first_after(periods, of.closed_on)
        if period is not None:
            found.setdefault(period, wave)
    return {wave: period for period, wave in found.items()}


def of_wave(
    wave: ClosedWave, period: str | None, values: Mapping[tuple[str, str], Mapping[str, float]], kpi: str
) -> schemas.KpiWave:
    if period is None:
        return schemas.KpiWaveUndefined(status="undefined", reason="no_values", period=None)
    return outcomes.association(period, wave.points(values[kpi, period]))


def answer(
    header: schemas.Header, turnover: schemas.Turnover, kpis: list[schemas.KpiOutcome], language: str
) -> schemas.Outcomes:
    notes = [
        schemas.Note.model_validate({"about": about, "text": text})
        for about, text in definitions.notes("outcomes", language).items()
    ]
    return schemas.Outcomes(**header, turnover=turnover, kpis=kpis, notes=notes)
