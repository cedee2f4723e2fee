"""Makes a survey's release, once, and reads it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import telemetry
from app.core.database import Database
from app.core.errors import Conflict, NotAvailableYet, NotFound
from app.core.jobs import enqueue
from app.metrics import queries, schemas
from app.metrics.headline import GroupResult, Instrument, ShownGroup, SuppressedGroup, Tree, headline
from app.organizations import queries as organizations
from app.people.errors import UnknownTeam
from app.surveys import queries as surveys
from app.tables import Release, Survey, SurveyGroup

FORMULA_VERSION = "1"
CI_LEVEL = 0.95
ONLY_RELEASE = 1
OUTCOMES_JOB = "freeze_outcomes"
HEADLINE, PARTICIPATION = "satisfaction_engagement", "participation"


class NoReleasedSurvey(NotFound):
    code = "no_released_survey"
    detail = "No survey has been released yet: close one, and its release follows."


class SurveyNotReleased(Conflict):
    code = "survey_not_released"
    detail = "A survey has numbers after it was closed and released."


class ReleasePending(Conflict):
    code = "release_pending"
    detail = "The release is being made: ask again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


async def release_survey(
    database: Database, organization_id: UUID, survey_id: UUID, released_at: datetime
) -> None:
    """Computes every group's numbers and freezes them; repeats harmlessly."""
    started = perf_counter()
    async with database.tenant_session(organization_id) as session:
        survey = await surveys.survey(session, organization_id, survey_id)
        if survey is None or survey.status != "closed" or survey.minimum_group_size is None:
            return
        groups = await surveys.groups_of(session, organization_id, survey_id)
        instrument = await instrument_of(session, survey)
        answers, members = await queries.answers_of(session, organization_id, survey_id, len(instrument.low))
    found = await asyncio.to_thread(
        headline, answers, members, instrument, tree_of(groups), survey.minimum_group_size
    )
    async with database.tenant_session(organization_id) as session:
        release = {
            "organization_id": organization_id,
            "survey_id": survey_id,
            "number": ONLY_RELEASE,
            "formula_version": FORMULA_VERSION,
            "released_at": released_at,
        }
        has_frame = survey.access == "invited"
        if not await queries.store_release(session, release, list(frozen(found, has_frame))):
            return
        await queries.mark_released(session, organization_id, survey_id, released_at)
        if survey.series is not None:
            await enqueue(session, OUTCOMES_JOB, organization_id, survey_id, is_single=True)
    observe(found, perf_counter() - started)


def observe(found: Sequence[GroupResult], seconds: float) -> None:
    telemetry.RELEASE_DURATION.observe(seconds)
    for group in found:
        if isinstance(group, SuppressedGroup):
            telemetry.SUPPRESSED_GROUPS.labels(group.reason).inc()


async def instrument_of(session: AsyncSession, survey: Survey) -> Instrument:
    questionnaire = await surveys.questionnaire_version(
        session, survey.organization_id, survey.questionnaire, survey.questionnaire_version
    )
    if questionnaire is None:
        raise LookupError("a survey whose questionnaire version is gone")
    questions = questionnaire.content["questions"]
    return Instrument(
        low=[question["scale"]["low"] for question in questions],
        high=[question["scale"]["high"] for question in questions],
        is_reversed=[question["reversed"] for question in questions],
        dimension=[question["dimension"] for question in questions],
        facet=[question["facet"] for question in questions],
    )


def tree_of(groups: Sequence[SurveyGroup]) -> Tree:
    direct = [group.invited for group in groups]
    has_frame = None not in direct
    return Tree(
        parents=[group.parent for group in groups],
        keys=[group.external_id for group in groups],
        invited=[count or 0 for count in direct] if has_frame else None,
    )


def frozen(found: Sequence[GroupResult], has_frame: bool) -> Iterable[dict[str, Any]]:
    """The rows of a release: what each metric will say of each group, word for word."""
    for group in found:
        body = asdict(group)
        participation = body.pop("participation", None)
        responded, ordinal = body.pop("responded", None), body.pop("ordinal")
        yield {"metric": HEADLINE, "group_ordinal": ordinal, "body": body}
        if isinstance(group, ShownGroup):
            shared = {"status": "ok", "n": group.n, "precision": group.precision, "responded": responded}
            undefined = {"status": "undefined", "reason": "no_frame", "n": group.n}
            body = {**shared, **participation} if has_frame else undefined
        yield {"metric": PARTICIPATION, "group_ordinal": ordinal, "body": body}


async def survey_to_show(
    session: AsyncSession, organization_id: UUID, survey_id: UUID | None, series: str | None
) -> Survey:
    """The survey asked for; else the newest released of the series, the default series, or all."""
    if survey_id is not None:
        return released(await surveys.survey(session, organization_id, survey_id))
    organization = await organizations.organization(session, organization_id)
    wanted = series if series is not None else organization.default_series
    survey = await queries.newest_released(session, organization_id, wanted)
    if survey is None and series is None:
        survey = await queries.newest_released(session, organization_id, None)
    if survey is None:
        raise NoReleasedSurvey
    return survey


def released(survey: Survey | None) -> Survey:
    if survey is None:
        raise NotFound
    if survey.status == "closed":
        raise ReleasePending
    if survey.status != "released":
        raise SurveyNotReleased
    return survey


async def read(
    session: AsyncSession, survey: Survey, metric: str, by: Sequence[str], team: str | None
) -> tuple[Release, list[dict[str, Any]]]:
    """The release, and the groups asked for with what it says of them."""
    for kind in by:
        if kind not in ("organization", "team"):
            raise NotAvailableYet.parameter("by", "Segments come later: use organization or team.")
    release = await queries.newest_release(session, survey.organization_id, survey.id)
    rows = await queries.results(session, release, metric)
    return release, [{"group": ref(row, rows), **row.body} for row in chosen(rows, by, team)]


def ref(row: Row[Any], rows: Sequence[Row[Any]]) -> schemas.GroupRef:
    parent = rows[row.parent] if row.parent is not None else None
    return schemas.GroupRef(
        kind=row.kind,
        id=row.external_id if row.kind == "team" else None,
        name=row.name,
        parent=parent.external_id if parent is not None and parent.kind == "team" else None,
        depth=row.depth,
    )


def chosen(rows: Sequence[Row[Any]], by: Sequence[str], team: str | None) -> list[Row[Any]]:
    """The groups of the kinds in `by`; with `team`, that node takes the organisation's place."""
    if team is None:
        return [row for row in rows if row.kind in by]
    top = next((row for row in rows if row.kind == "team" and row.external_id == team), None)
    if top is None:
        raise UnknownTeam.parameter("team", "The survey knows no such team.")
    below = {top.ordinal}
    for row in rows[top.ordinal + 1 :]:
        if row.parent in below:
            below.add(row.ordinal)
    return [row for row in rows if row.ordinal in below and ("team" in by or row.ordinal == top.ordinal)]


def header(survey: Survey, release: Release) -> dict[str, Any]:
    return {
        "survey": schemas.MetricsSurvey.model_validate(survey.model_dump()),
        "release": schemas.Release(
            number=release.number, released_at=release.released_at, final=release.is_final
        ),
        "ci_level": CI_LEVEL,
        "formula_version": release.formula_version,
    }
