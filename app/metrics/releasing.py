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
from app.core.outbox import announce
from app.metrics import queries
from app.metrics.blocks.comments import comments
from app.metrics.blocks.disclosed import disclosed
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
from app.metrics.blocks.wave import Bodies, Wave, of_each_group
from app.metrics.disclosure import Step, admit, base_regions, erased_few, may_link, plan_release
from app.metrics.loading import Loaded, load
from app.metrics.sample import Flags, Sample
from app.surveys import queries as surveys
from app.surveys.service import named
from app.tables import Survey

FORMULA_VERSION = "1"
HEADLINE, DISCLOSURE, ENPS = "satisfaction_engagement", "disclosure", "enps"
TRENDS, COMMENTS = "trends", "comments"
HELD_BACK_STEP = 10
TURNOVER_JOB = "freeze_turnover"
BLOCKS: Final[dict[str, Callable[[Wave], Bodies]]] = {
    HEADLINE: headline,
    DISCLOSURE: disclosed,
    "participation": participation,
    "distinctness": distinctness,
    "facets": facets,
    ENPS: enps,
    "reliability": reliability,
    "heatmap": heatmap,
}
"""By the name that a release keeps its bodies under; `computed` adds those that need more than the wave."""

WHILE_OPEN: Final = (HEADLINE, DISCLOSURE)
"""All that a release of an open survey says; the rest comes with the final one."""


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
        earlier = await queries.wave_before(session, survey)
        current = await load(session, survey)
        before = None if earlier is None else await load(session, earlier)
    made = await asyncio.to_thread(make, current, before, number)
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


def make(current: Loaded, before: Loaded | None, number: int) -> Made | None:
    """None where a survey still open has too little new to add."""
    is_final = current.survey.status == "closed"
    everybody = current.sample()
    new = newly_included(current, everybody)
    if not (is_final or new.any()):
        return None
    included = np.where(new, number, everybody.included)
    sample = replace(everybody, included=included).of(included > 0)
    wave = wave_of(current, sample, step_of(current, is_final=is_final))
    bodies = computed(wave, current, before) if is_final else while_open(wave)
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
    later = {"status": "undefined", "reason": "awaits_final_release"}
    nothing = of_each_group(wave, lambda ordinal, _: {**later, "n": wave.n(ordinal)})
    waiting = dict.fromkeys([*BLOCKS, "drivers", "levers", COMMENTS], nothing)
    followed = {
        ordinal: {"status": "ok", "point": later, "changes": [], "repeaters": []} for ordinal in nothing
    }
    return {**waiting, TRENDS: followed, **{metric: BLOCKS[metric](wave) for metric in WHILE_OPEN}}


def computed(wave: Wave, current: Loaded, before: Loaded | None) -> dict[str, Bodies]:
    found = {metric: block(wave) for metric, block in BLOCKS.items()}
    analyses = analyse(wave)
    return {
        **found,
        "drivers": drivers(wave, analyses),
        "levers": levers(wave, analyses),
        COMMENTS: comments(wave, current.comments, current.least_comments),
        TRENDS: followed(found, {} if before is None else changed(wave, current, before)),
    }


def changed(wave: Wave, current: Loaded, before: Loaded) -> Bodies:
    previous = released_wave(before)
    groups, k = previous.sample.groups, before.k
    erased = erased_few(groups, previous.plan, before.erased(), k)
    return changes(
        wave,
        previous,
        comparable_measures(current.questions, before.questions),
        erased=erased,
        may_link=not erased and are_linked(current, before) and may_put_together(wave, previous),
    )


def are_linked(current: Loaded, before: Loaded) -> bool:
    """Whether a person has the same key in both: a pseudonym and a person's own id are not the same."""
    return current.survey.mode == before.survey.mode != "anonymous"


def may_put_together(wave: Wave, previous: Wave) -> bool:
    """Whether those who answered both waves may be told of by themselves, in either (R9)."""
    return all(
        may_link(one.sample, one.plan, also_in(one.sample, other.sample), one.k)
        for one, other in ((wave, previous), (previous, wave))
    )


def also_in(sample: Sample, other: Sample) -> Flags:
    """Who of the sample has both scores in the other as well."""
    theirs = {key for key, both in zip(other.linked or (), other.both, strict=True) if both}
    return np.array([key in theirs for key in sample.linked or ()], dtype=np.bool_) & sample.both


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
    told = {**named(survey), "number": number, "final": is_final}
    await announce(session, survey.organization_id, "survey.released", told)


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
