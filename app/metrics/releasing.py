"""Makes a survey's releases: reads everything once, computes apart, freezes what may be shown."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import telemetry
from app.core.database import Database
from app.core.jobs import enqueue
from app.metrics import queries
from app.metrics.blocks.comments import comments
from app.metrics.blocks.disclosed import disclosed
from app.metrics.blocks.headline import headline
from app.metrics.blocks.participation import participation
from app.metrics.blocks.wave import Bodies, Wave
from app.metrics.disclosure import Step, admit, base_regions, plan_release
from app.metrics.loading import Loaded, load
from app.metrics.sample import Flags, Sample
from app.surveys import queries as surveys
from app.tables import Survey

FORMULA_VERSION = "1"
HEADLINE, DISCLOSURE, COMMENTS = "satisfaction_engagement", "disclosure", "comments"
HELD_BACK_STEP = 10
TURNOVER_JOB = "freeze_turnover"
BLOCKS: Final[dict[str, Callable[[Wave], Bodies]]] = {
    HEADLINE: headline,
    DISCLOSURE: disclosed,
    "participation": participation,
}
"""By the name that a release keeps its bodies under."""


class SurveyMoved(Exception):
    """The survey was closed or released while its release was being computed: do it again."""


@dataclass(frozen=True)
class Made:
    bodies: dict[str, Bodies]
    newly_included: Flags
    held_back: int


async def release_survey(
    database: Database, organization_id: UUID, survey_id: UUID, released_at: datetime
) -> None:
    """Computes every group's numbers and freezes them; repeats harmlessly."""
    started = perf_counter()
    async with database.tenant_session(organization_id) as session:
        survey = await surveys.survey(session, organization_id, survey_id)
        if survey is None or not is_due(survey):
            return
        number = await next_number(session, survey)
        current = await load(session, survey)
    made = await asyncio.to_thread(make, current, number)
    if made is None:
        return
    async with database.tenant_session(organization_id) as session:
        await store(session, current, number, made, released_at)
    observe(made.bodies[HEADLINE], perf_counter() - started)


def is_due(survey: Survey) -> bool:
    return survey.status == "closed" or (survey.status == "open" and survey.release_policy == "rolling")


async def next_number(session: AsyncSession, survey: Survey) -> int:
    last = await queries.newest_release(session, survey.organization_id, survey.id)
    return last.number + 1 if last else 1


def make(current: Loaded, number: int) -> Made | None:
    """None where a survey still open has too little new to add."""
    is_final = current.survey.status == "closed"
    everybody = current.sample()
    new = newly_included(current, everybody)
    if not (is_final or new.any()):
        return None
    included = np.where(new, number, everybody.included)
    sample = replace(everybody, included=included).of(included > 0)
    wave = wave_of(current, sample, step_of(current, is_final=is_final))
    bodies = computed(wave, current) if is_final else while_open(wave)
    return Made(bodies, new, int((included == 0).sum()))


def newly_included(current: Loaded, everybody: Sample) -> Flags:
    """Whom this release takes first: all who wait, or with rolling releases as many as may be added (R2)."""
    waiting: Flags = everybody.included == 0
    if current.survey.release_policy != "rolling":
        return waiting
    invited = current.invited()
    assert invited is not None, "releases roll where persons were invited"
    regions = base_regions(everybody.groups, invited, current.k)[everybody.places.team]
    waiting[waiting] = admit(regions[waiting], everybody.both[waiting], current.k)
    return waiting


def step_of(current: Loaded, *, is_final: bool) -> Step:
    if current.survey.release_policy != "rolling":
        return "only"
    return "final" if is_final else "interim"


def while_open(wave: Wave) -> dict[str, Bodies]:
    """All that a release of an open survey holds; the rest comes with the final one."""
    return {metric: BLOCKS[metric](wave) for metric in (HEADLINE, DISCLOSURE)}


def computed(wave: Wave, current: Loaded) -> dict[str, Bodies]:
    return {
        **{metric: block(wave) for metric, block in BLOCKS.items()},
        COMMENTS: comments(wave, current.comments, current.least_comments),
    }


def released_wave(loaded: Loaded) -> Wave:
    """The wave as its final release was computed from."""
    everybody = loaded.sample()
    if loaded.survey.release_policy != "rolling":
        everybody = replace(everybody, included=np.ones(len(everybody.places), dtype=np.int64))
    return wave_of(loaded, everybody.of(everybody.included > 0), step_of(loaded, is_final=True))


def wave_of(current: Loaded, sample: Sample, step: Step) -> Wave:
    invited = current.invited()
    plan = plan_release(sample, invited, current.k, step=step)
    return Wave.take(current.survey.id, current.k, sample, invited, plan)


async def store(
    session: AsyncSession, current: Loaded, number: int, made: Made, released_at: datetime
) -> None:
    survey = current.survey
    scope = (session, survey.organization_id, survey.id)
    now = await surveys.survey(*scope, lock="write")
    if now is None or now.status != survey.status:
        raise SurveyMoved
    is_final = survey.status == "closed"
    release = {
        "organization_id": survey.organization_id,
        "survey_id": survey.id,
        "number": number,
        "is_final": is_final,
        "held_back": rounded_up(made.held_back) if is_final else 0,
        "formula_version": FORMULA_VERSION,
        "released_at": released_at,
    }
    if not await queries.store_release(session, release, list(frozen(made.bodies))):
        return
    if survey.release_policy == "rolling":
        keys = [current.responses.keys[index] for index in np.flatnonzero(made.newly_included).tolist()]
        await queries.mark_included(*scope, number, keys)
    if is_final:
        await queries.mark_released(*scope, released_at)
        if survey.series is not None:
            await enqueue(session, TURNOVER_JOB, survey.organization_id, survey.id, is_single=True)


def rounded_up(held_back: int) -> int:
    """To a ten, so that nobody can be found by counting."""
    return -(-held_back // HELD_BACK_STEP) * HELD_BACK_STEP


def frozen(found: dict[str, Bodies]) -> Iterator[dict[str, Any]]:
    """The rows of a release: what each metric will say of each group, word for word."""
    for metric, bodies in found.items():
        for ordinal, body in bodies.items():
            yield {"metric": metric, "group_ordinal": ordinal, "body": body}


def observe(found: Bodies, seconds: float) -> None:
    telemetry.RELEASE_DURATION.observe(seconds)
    for body in found.values():
        if body["status"] == "suppressed":
            telemetry.SUPPRESSED_GROUPS.labels(body["reason"]).inc()
