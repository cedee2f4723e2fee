"""Makes a survey's release, once, and reads it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import telemetry
from app.core.database import Database
from app.core.errors import Conflict, NotAvailableYet, NotFound
from app.metrics import definitions, queries, schemas
from app.metrics.blocks.distinctness import distinctness
from app.metrics.blocks.drivers import analyse, drivers
from app.metrics.blocks.enps import enps
from app.metrics.blocks.facets import facets
from app.metrics.blocks.headline import headline
from app.metrics.blocks.heatmap import heatmap
from app.metrics.blocks.levers import levers
from app.metrics.blocks.pairs import comparable_measures
from app.metrics.blocks.participation import participation
from app.metrics.blocks.reliability import reliability
from app.metrics.blocks.trends import changes, points
from app.metrics.blocks.wave import Bodies, Wave
from app.metrics.disclosure import Node, Plan, decide
from app.metrics.formulas import Subtrees
from app.metrics.sample import Answers, Groups, Instrument, Integers, Places, Rollup, Sample, Scores
from app.organizations import queries as organizations
from app.people.errors import UnknownTeam
from app.surveys import queries as surveys
from app.surveys.built_in import built_in
from app.tables import Questionnaire, Release, Survey, SurveyGroup

FORMULA_VERSION = "1"
CI_LEVEL = 0.95
ONLY_RELEASE = 1
HEADLINE, ENPS, TRENDS = "satisfaction_engagement", "enps", "trends"
BLOCKS: Final[dict[str, Callable[[Wave], Bodies]]] = {
    HEADLINE: headline,
    "participation": participation,
    "distinctness": distinctness,
    "facets": facets,
    ENPS: enps,
    "reliability": reliability,
    "heatmap": heatmap,
}
"""By the name that a release keeps its bodies under; `computed` adds those that need more than the wave."""


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
        own = await collected(session, survey)
        earlier = await queries.wave_before(session, survey)
        previous = None if earlier is None else await collected(session, earlier)
    found = await asyncio.to_thread(computed, own, previous)
    async with database.tenant_session(organization_id) as session:
        release = {
            "organization_id": organization_id,
            "survey_id": survey_id,
            "number": ONLY_RELEASE,
            "formula_version": FORMULA_VERSION,
            "released_at": released_at,
        }
        if not await queries.store_release(session, release, list(frozen(found))):
            return
        await queries.mark_released(session, organization_id, survey_id, released_at)
    observe(found[HEADLINE], perf_counter() - started)


@dataclass(frozen=True, slots=True)
class Collected:
    """What a survey asked, of whom, and who answered what."""

    survey: Survey
    questions: Sequence[dict[str, Any]]
    groups: Sequence[SurveyGroup]
    answers: Answers
    members: Integers

    def wave(self) -> Wave:
        k = self.survey.minimum_group_size
        assert k is not None  # since opening
        sample = sample_of(as_instrument(self.questions), self.groups, self.answers, self.members)
        invited = invited_of(self.groups)
        return Wave.take(self.survey.id, k, sample, invited, plan_of(sample, invited, k))


async def collected(session: AsyncSession, survey: Survey) -> Collected:
    place = survey.organization_id, survey.id
    questions = (await questionnaire_of(session, survey)).content["questions"]
    groups = await surveys.groups_of(session, *place)
    answers, members = await queries.answers_of(session, *place, len(questions))
    return Collected(survey, questions, groups, answers, members)


def computed(own: Collected, previous: Collected | None) -> dict[str, Bodies]:
    wave = own.wave()
    found = {metric: block(wave) for metric, block in BLOCKS.items()}
    analyses = analyse(wave)
    return {
        **found,
        "drivers": drivers(wave, analyses),
        "levers": levers(wave, analyses),
        TRENDS: followed(found, {} if previous is None else changed(wave, own, previous)),
    }


def changed(wave: Wave, own: Collected, previous: Collected) -> Bodies:
    comparable = comparable_measures(own.questions, previous.questions)
    return changes(wave, previous.wave(), comparable, erased=frozenset(), may_link=False)


def followed(found: dict[str, Bodies], since: Bodies) -> Bodies:
    """Where each group is in the series, and what changed on the way there."""
    return {
        ordinal: {
            "status": "ok",
            "point": point,
            **{name: since.get(ordinal, {}).get(name, []) for name in ("changes", "repeaters")},
        }
        for ordinal, point in points(found[HEADLINE], found[ENPS]).items()
    }


def observe(found: Bodies, seconds: float) -> None:
    telemetry.RELEASE_DURATION.observe(seconds)
    for body in found.values():
        if body["status"] == "suppressed":
            telemetry.SUPPRESSED_GROUPS.labels(body["reason"]).inc()


async def instrument_of(session: AsyncSession, survey: Survey) -> Instrument:
    return as_instrument((await questionnaire_of(session, survey)).content["questions"])


async def questionnaire_of(session: AsyncSession, survey: Survey) -> Questionnaire:
    questionnaire = await surveys.questionnaire_version(
        session, survey.organization_id, survey.questionnaire, survey.questionnaire_version
    )
    if questionnaire is None:
        raise LookupError("a survey whose questionnaire version is gone")
    return questionnaire


def as_instrument(questions: Sequence[dict[str, Any]]) -> Instrument:
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


def sample_of(
    instrument: Instrument, groups: Sequence[SurveyGroup], answers: Answers, members: Integers
) -> Sample:
    return Sample(
        instrument=instrument,
        groups=Groups([group.parent for group in groups], [group.external_id for group in groups]),
        places=Places(members, {}),
        answers=answers,
        scores=Scores.take(answers, instrument),
        included=np.full(len(members), ONLY_RELEASE),
        linked=None,
    )


def invited_of(groups: Sequence[SurveyGroup]) -> Integers | None:
    """The number invited of each group and all below it; None without a frame."""
    direct = [group.invited for group in groups if group.invited is not None]
    if len(direct) < len(groups):
        return None
    parents = np.array([-1 if group.parent is None else group.parent for group in groups])
    return Subtrees(parents).totals(np.array(direct, dtype=np.int64))


def plan_of(sample: Sample, invited: Integers | None, k: int) -> Plan:
    responded = Rollup(sample.groups, sample.places)
    nodes = [
        Node(
            ordinal=ordinal,
            parent=parent,
            depth=int(responded.depths[ordinal]),
            key=sample.groups.keys[ordinal],
            n=n,
            invited=None if invited is None else int(invited[ordinal]),
            responded=int(responded.sizes[ordinal]),
        )
        for ordinal, (parent, n) in enumerate(
            zip(sample.groups.parents, responded.counts(sample.both).tolist(), strict=True)
        )
    ]
    return Plan(decide(nodes, k), {})


def frozen(found: dict[str, Bodies]) -> Iterator[dict[str, Any]]:
    """The rows of a release: what each metric will say of each group, word for word."""
    for metric, bodies in found.items():
        for ordinal, body in bodies.items():
            yield {"metric": metric, "group_ordinal": ordinal, "body": body}


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


async def distinctness_of(session: AsyncSession, release: Release) -> dict[str, Any]:
    """What the whole answer says of it: the numbers, or why there are none."""
    (row,) = await queries.results(session, release, "distinctness")
    if row.body["status"] == "ok":
        return {"distinctness": row.body, "reasons": {}}
    return {"distinctness": None, "reasons": {"distinctness": row.body["reason"]}}


async def with_titles(
    session: AsyncSession, survey: Survey, groups: list[dict[str, Any]], members: Sequence[str], language: str
) -> list[dict[str, Any]]:
    """The groups with a title, in the language, for each entry of the members named."""
    titles = await titles_of(session, survey, language)
    return [
        group
        | {
            member: [{**entry, "title": titles[member][entry["key"]]} for entry in group[member]]
            for member in members
            if member in group
        }
        for group in groups
    ]


async def titles_of(session: AsyncSession, survey: Survey, language: str) -> dict[str, dict[str, str]]:
    """By key, what the facets, questions and scales of the survey are called."""
    content = (await questionnaire_of(session, survey)).content
    own = {facet["key"]: definitions.worded(facet["title"], language) for facet in content["facets"]}
    facets = definitions.scale_titles(language) | own
    questions = {one["key"]: definitions.worded(one["text"], language) for one in content["questions"]}
    return {"facets": facets, "questions": questions, "scales": facets}


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


def instrument_status(survey: Survey) -> str:
    return "not_yet_validated" if survey.questionnaire == built_in().key else "unknown"


def header(survey: Survey, release: Release) -> dict[str, Any]:
    return {
        "survey": schemas.MetricsSurvey.model_validate(survey.model_dump()),
        "release": schemas.Release(
            number=release.number, released_at=release.released_at, final=release.is_final
        ),
        "ci_level": CI_LEVEL,
        "formula_version": release.formula_version,
    }
