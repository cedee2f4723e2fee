"""What came after a wave: frozen once the next wave is released, or read beside the organisation's KPIs."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Database
from app.core.secrets import Keyring
from app.kpis.rules import first_after
from app.metrics import definitions, queries, schemas, service
from app.metrics.blocks import outcomes
from app.metrics.blocks.outcomes import Exposure, Point
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import Node, Plan, decide
from app.metrics.sample import Groups, Instrument, Integers, Places, Rollup, Sample, Scores
from app.organizations import queries as organizations
from app.surveys import queries as surveys
from app.surveys.submission import pseudonym
from app.tables import Survey

TURNOVER, LEAVING = "turnover", "leaving"
MOST_WAVES = 20
"""Of a series, the newest are looked at."""


# ------------------------------------------------------------------------------- freezing, in the job


async def freeze_outcomes(
    database: Database, organization_id: UUID, survey_id: UUID, keyring: Keyring
) -> None:
    """After a release: what came after the wave before it; after itself, if its own release was late."""
    async with database.tenant_session(organization_id) as session:
        survey = await surveys.survey(session, organization_id, survey_id)
        if survey is None or survey.series is None or survey.closed_at is None:
            return
        waves = await queries.waves_until(session, survey, survey.closed_at, 2)
    for wave in waves:
        await freeze_outcomes_of(database, wave, keyring)


async def freeze_outcomes_of(database: Database, survey: Survey, keyring: Keyring) -> None:
    """Once, and only when this wave and the next one have their releases; repeats harmlessly."""
    async with database.tenant_session(survey.organization_id) as session:
        following = await queries.next_wave(session, survey)
        if not is_released(survey) or following is None or not is_released(following):
            return
        if survey.access == "open" or await turnover_rows(session, survey):
            return
        wave = await wave_of(session, survey)
        exposure = await exposure_of(session, survey, following, keyring)
    bodies = await asyncio.to_thread(outcomes.turnover, wave, exposure)
    association = await asyncio.to_thread(outcomes.leaving, wave, exposure)
    rows = [
        {"metric": LEAVING, "group_ordinal": 0, "body": association},
        *({"metric": TURNOVER, "group_ordinal": ordinal, "body": body} for ordinal, body in bodies.items()),
    ]
    async with database.tenant_session(survey.organization_id) as session:
        release = await queries.newest_release(session, survey.organization_id, survey.id)
        await queries.add_results(session, release, rows)


def is_released(survey: Survey) -> bool:
    return survey.status == "released"


async def turnover_rows(session: AsyncSession, survey: Survey) -> Sequence[Row[Any]]:
    release = await queries.newest_release(session, survey.organization_id, survey.id)
    return await queries.results(session, release, LEAVING)


async def exposure_of(session: AsyncSession, survey: Survey, following: Survey, keyring: Keyring) -> Exposure:
    organization = await organizations.organization(session, survey.organization_id)
    zone = ZoneInfo(organization.time_zone)
    starts_on, ends_on = (day_of(wave.closed_at, zone) for wave in (survey, following))
    rows = await queries.employed_until(session, survey.organization_id, survey.id, starts_on)
    return Exposure(
        starts_on=starts_on,
        ends_on=ends_on,
        team=np.array([row.group_ordinal for row in rows], dtype=np.int64),
        days=np.array([days_employed(row.last_day, starts_on, ends_on) for row in rows], dtype=np.int64),
        left=np.array([row.last_day is not None and row.last_day < ends_on for row in rows], dtype=np.bool_),
        linked=linked_keys(survey, [row.person_id for row in rows], keyring),
    )


def day_of(instant: datetime | None, zone: ZoneInfo) -> date:
    assert instant is not None, "the survey has closed"
    return instant.astimezone(zone).date()


def days_employed(last_day: date | None, starts_on: date, ends_on: date) -> int:
    """From the first day on until the day before the last, or until leaving."""
    if last_day is None:
        return 0
    return (min(last_day, ends_on - timedelta(days=1)) - starts_on).days + 1


def linked_keys(survey: Survey, persons: Sequence[UUID], keyring: Keyring) -> list[bytes] | None:
    if survey.mode == "anonymous":
        return None
    if survey.mode == "attributed":
        return [person.bytes for person in persons]
    return [pseudonym(keyring, survey.organization_id, person).bytes for person in persons]


async def wave_of(session: AsyncSession, survey: Survey) -> Wave:
    """The wave as its release was computed from."""
    organization_id, k = survey.organization_id, survey.minimum_group_size
    assert k is not None, "the survey was opened"
    instrument = await instrument_of(session, survey)
    frozen = await surveys.groups_of(session, organization_id, survey.id)
    answers, members = await queries.answers_of(session, organization_id, survey.id, len(instrument.key))
    keys = await queries.respondent_keys(session, organization_id, survey.id)
    groups = Groups([group.parent for group in frozen], [group.external_id for group in frozen])
    sample = Sample(
        instrument=instrument,
        groups=groups,
        places=Places(members, {}),
        answers=answers,
        scores=Scores.take(answers, instrument),
        included=np.ones(len(answers), dtype=np.int64),
        linked=None if survey.mode == "anonymous" else keys,
    )
    both = sample.both
    rollup = Rollup(groups, sample.places.of(both))
    direct = np.array([group.invited or 0 for group in frozen], dtype=np.float64)
    invited = Rollup(groups, Places(np.arange(len(groups)), {})).sums(direct).astype(np.int64)
    plan = Plan(decide(nodes_of(sample, rollup, invited), k), {})
    return Wave(survey.id, k, sample, invited, plan, sample.scores.of(both), rollup)


async def instrument_of(session: AsyncSession, survey: Survey) -> Instrument:
    questionnaire = await surveys.questionnaire_version(
        session, survey.organization_id, survey.questionnaire, survey.questionnaire_version
    )
    assert questionnaire is not None, "a released survey has its questionnaire version"
    questions = questionnaire.content["questions"]
    return Instrument(
        key=[question["key"] for question in questions],
        low=[question["scale"]["low"] for question in questions],
        high=[question["scale"]["high"] for question in questions],
        is_reversed=[question["reversed"] for question in questions],
        dimension=[question["dimension"] for question in questions],
        facet=[question["facet"] for question in questions],
        role=[question["role"] for question in questions],
        lever=[question["lever"] for question in questions],
    )


def nodes_of(sample: Sample, rollup: Rollup, invited: Integers) -> Iterable[Node]:
    n, responded = rollup.counts(), Rollup(sample.groups, sample.places).counts()
    for ordinal, parent in enumerate(sample.groups.parents):
        yield Node(
            ordinal=ordinal,
            parent=parent,
            depth=int(rollup.depths[ordinal]),
            key=sample.groups.keys[ordinal],
            n=int(n[ordinal]),
            invited=int(invited[ordinal]),
            responded=int(responded[ordinal]),
        )


# ------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class ClosedWave:
    """A released survey as KPIs are held against it: its teams shown, finest only, as they were shown."""

    closed_on: date
    teams: Sequence[Row[Any]]

    def points(self, values: Mapping[str, float]) -> list[Point]:
        return [
            Point(
                team=row.external_id,
                name=row.name,
                satisfaction=row.body["satisfaction"]["score"],
                engagement=row.body["engagement"]["score"],
                value=values[row.external_id],
            )
            for row in self.teams
            if row.external_id in values
        ]


async def read_turnover(
    session: AsyncSession, survey: Survey, by: Sequence[str], team: str | None
) -> dict[str, Any]:
    """The release and what it says of leaving since; the groups asked for are checked at any rate."""
    rows = await turnover_rows(session, survey)
    release, groups = await service.read(session, survey, TURNOVER if rows else service.HEADLINE, by, team)
    if rows:
        window = {name: rows[0].body[name] for name in ("starts_on", "ends_on")}
        turnover = {"status": "ok", **window, "association": rows[0].body, "groups": groups}
    else:
        turnover = {"status": "undefined", "reason": why_no_turnover(survey)}
    return {**service.header(survey, release), "turnover": turnover}


def why_no_turnover(survey: Survey) -> str:
    if survey.access == "open":
        return "no_frame"
    return "no_series" if survey.series is None else "next_wave_pending"


async def read_kpis(session: AsyncSession, survey: Survey, period: str | None) -> list[dict[str, Any]]:
    """Computed now, from numbers that were frozen and shown and KPI values anybody who asks may read."""
    kpis = await queries.kpis(session, survey.organization_id)
    if not kpis:
        return []
    waves = await closed_waves(session, survey)
    periods = {kpi.key: periods_after(kpi.periods, waves) for kpi in kpis}
    chosen = {kpi.key: period or periods[kpi.key].get(survey.id) for kpi in kpis}
    wanted = {(key, own) for key, after in periods.items() for own in after.values()}
    wanted |= {(key, own) for key, own in chosen.items() if own is not None}
    values: dict[tuple[str, str], dict[str, float]] = {pair: {} for pair in wanted}
    for row in await queries.kpi_values(session, survey.organization_id, wanted):
        values[row.kpi, row.period][row.team] = row.value
    return [
        {
            "kpi": {"key": kpi.key, "title": kpi.title, "unit": kpi.unit, "better": kpi.better},
            "wave": of_wave(waves[survey.id], chosen[kpi.key], values, kpi.key),
            "across_waves": outcomes.across_waves(
                [waves[wave].points(values[kpi.key, own]) for wave, own in periods[kpi.key].items()]
            ),
        }
        for kpi in kpis
    ]


async def closed_waves(session: AsyncSession, survey: Survey) -> dict[UUID, ClosedWave]:
    """This wave and those of its series before it, newest first."""
    assert survey.closed_at is not None, "a released survey has closed"
    series = await queries.waves_until(session, survey, survey.closed_at, MOST_WAVES) if survey.series else []
    found = {survey.id: survey} | {wave.id: wave for wave in series if is_released(wave)}
    organization = await organizations.organization(session, survey.organization_id)
    zone = ZoneInfo(organization.time_zone)
    rows = await queries.results_of_waves(session, survey.organization_id, list(found), service.HEADLINE)
    of_wave: dict[UUID, list[Row[Any]]] = {wave: [] for wave in found}
    for row in rows:
        of_wave[row.survey_id].append(row)
    return {
        wave: ClosedWave(day_of(found[wave].closed_at, zone), finest_teams(own))
        for wave, own in of_wave.items()
    }


def finest_teams(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    tree = {row.ordinal: row for row in rows if row.kind in ("organization", "team")}
    shown = [row.ordinal for row in tree.values() if row.kind == "team" and row.body["status"] == "ok"]
    parents = {ordinal: row.parent for ordinal, row in tree.items()}
    return [tree[ordinal] for ordinal in outcomes.finest(parents, shown)]


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
) -> dict[str, Any]:
    if period is None:
        return {"status": "undefined", "reason": "no_values", "period": None}
    return outcomes.association(period, wave.points(values[kpi, period]))


def answer(turnover: Mapping[str, Any], kpis: Sequence[Mapping[str, Any]], language: str) -> schemas.Outcomes:
    notes = [
        {"about": about, "text": text} for about, text in definitions.notes("outcomes", language).items()
    ]
    return schemas.Outcomes.model_validate({**turnover, "kpis": kpis, "notes": notes})
