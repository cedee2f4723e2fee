"""Makes a survey's releases: reads everything once, computes apart, freezes what may be shown."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from random import SystemRandom
from time import perf_counter
from typing import Final, Literal
from uuid import UUID

import numpy as np

from app.core import telemetry
from app.core.database import Database, TenantSession, transaction_time
from app.core.jobs import enqueue
from app.core.outbox import announce
from app.core.secrets import Keyring
from app.metrics import names
from app.metrics.blocks.benchmark import benchmark, spent
from app.metrics.blocks.choices import choices
from app.metrics.blocks.comments import comments, texts
from app.metrics.blocks.disclosed import disclosed
from app.metrics.blocks.distinctness import distinctness
from app.metrics.blocks.drivers import analyse, drivers
from app.metrics.blocks.enps import enps
from app.metrics.blocks.facets import facets
from app.metrics.blocks.filtered import cells_of
from app.metrics.blocks.headline import headline
from app.metrics.blocks.heatmap import heatmap
from app.metrics.blocks.levers import levers
from app.metrics.blocks.pairs import incomparable
from app.metrics.blocks.participation import participation
from app.metrics.blocks.recognition_engagement import Answered, Past, recognition_engagement
from app.metrics.blocks.reliability import reliability
from app.metrics.blocks.trends import MomentsTold, Since, changes, followed, told
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group
from app.metrics.disclosure import admit, base_regions, may_link
from app.metrics.names import Bodies, Metric, NamedBodies, Numbers
from app.metrics.releases import queries
from app.metrics.releases.linkage import MOST_LINKED, History, are_linked, history_of, time_between
from app.metrics.releases.previous_wave import Earlier, load_earlier, released_sample, step_of, wave_of
from app.metrics.releases.progress import Steps, Tell, noted
from app.metrics.releases.queries import Result
from app.metrics.releases.response_matrix import Loaded, load
from app.metrics.sample import Cell, Flags, Sample
from app.metrics.schemas import (
    FORMULA_VERSION,
    BenchmarkUndefined,
    Followed,
    NoisyScores,
    PlaceUndefined,
    Suppressed,
    Undefined,
    Written,
)
from app.metrics.schemas.headline import DistinctnessUndefined
from app.metrics.schemas.recognition_engagement import RecognitionUnknown, RecognitionUntold
from app.metrics.schemas.trends import Incomparable, MeasureName
from app.organizations import queries as organizations
from app.surveys import queries as surveys
from app.surveys.service import RELEASE_JOB, TURNOVER_JOB, named
from app.tables import Survey

ENGAGEMENT = "engagement"
HELD_BACK_STEP = 10
WaveBlock = Callable[[Wave], Bodies]


def block(metric: Metric[Numbers], of: Callable[[Wave], Mapping[int, Numbers]]) -> tuple[str, WaveBlock]:
    return metric.name, of


BLOCKS: Final = dict(
    [
        block(names.HEADLINE, headline),
        block(names.DISCLOSURE, disclosed),
        block(names.PARTICIPATION, participation),
        block(names.DISTINCTNESS, distinctness),
        block(names.FACETS, facets),
        block(names.ENPS, enps),
        block(names.RELIABILITY, reliability),
        block(names.HEATMAP, heatmap),
        block(names.CHOICES, choices),
    ]
)
"""By the name that a release keeps its bodies under; `computed` adds those that need more than the wave."""

STEPS: Final = len(BLOCKS) + 9
"""With the plan, the analysis, the cells, and the metrics that need more."""
LATER: Final = "awaits_final_release"
WAITING: Final[Sequence[Callable[[Mapping[int, Undefined | Suppressed]], NamedBodies]]] = (
    names.PARTICIPATION.said,
    names.FACETS.said,
    names.ENPS.said,
    names.RELIABILITY.said,
    names.HEATMAP.said,
    names.CHOICES.said,
    names.DRIVERS.said,
    names.LEVERS.said,
    names.COMMENTS.said,
)
"""What a release of an open survey says nothing of yet: that comes with the final one."""


class SurveyMoved(Exception):
    """It was closed or released, or an answer was erased, while this release was computed: do it again."""


@dataclass(frozen=True)
class Made:
    bodies: dict[str, Bodies]
    noisy: NoisyScores
    cells: list[Cell]
    newly_included: Flags
    held_back: int


async def release_survey(
    database: Database,
    organization_id: UUID,
    survey_id: UUID,
    keyring: Keyring,
    released_at: datetime | None = None,
    tell: Tell | None = None,
) -> None:
    """Computes every group's numbers and freezes them, after the waves before it; repeats harmlessly.

    `tell` is given the share that is computed, from the thread that computes.
    """
    started = perf_counter()
    async with database.tenant_session(organization_id) as session:
        survey = await surveys.survey(session, survey_id)
        if survey is None or not is_due(survey):
            return
        if survey.status == "closed" and await queries.waits_for_another(session, survey):
            return
        number = await next_number(session, survey)
        earlier = await queries.waves_before(session, survey, MOST_LINKED - 1)
        current = await load(session, survey)
        before = await load_before(session, earlier)
        history = await history_of(session, survey, earlier, keyring) if survey.status == "closed" else None
    steps = Steps(STEPS, tell)
    work = asyncio.to_thread(make, current, before, history, number, steps)
    is_final = survey.status == "closed"
    made = await (noted(database, organization_id, survey_id, steps, work) if is_final else work)
    if made is None:
        return
    async with database.tenant_session(organization_id) as session:
        follows = None if before is None else before.loaded.survey.id
        await store(session, current, number, made, follows, released_at or await transaction_time(session))
    observe(made.bodies[names.HEADLINE.name], perf_counter() - started)


def is_due(survey: Survey) -> bool:
    return survey.status == "closed" or (survey.status == "open" and survey.release_policy == "rolling")


async def load_before(session: TenantSession, earlier: Sequence[Survey]) -> Earlier | None:
    """The wave before, unless another one is compared with it already: there is one chain (R9b)."""
    if not earlier or await queries.is_followed(session, earlier[0]):
        return None
    return await load_earlier(session, earlier[0])


async def next_number(session: TenantSession, survey: Survey) -> int:
    last = await queries.newest_release(session, survey.id)
    return last.number + 1 if last else 1


def make(
    current: Loaded, before: Earlier | None, history: History | None, number: int, steps: Steps
) -> Made | None:
    """None where a survey still open has too little new to add."""
    is_final = current.survey.status == "closed"
    everybody = current.sample()
    new = newly_included(current, everybody)
    if not (is_final or new.any()):
        return None
    included = np.where(new, number, everybody.included)
    sample = replace(everybody, included=included).of(included > 0)
    wave = wave_of(current, sample, step_of(current.survey, is_final=is_final))
    bodies = (
        computed(steps(wave), current, before, history, steps)
        if is_final
        else while_open(wave, current.texts())
    )
    shared, cells = steps(cells_of(wave)) if is_final else (awaiting(0), [])
    noisy = (
        benchmark(wave, current.budget, SystemRandom())
        if is_final
        else BenchmarkUndefined(status="undefined", reason=LATER)
    )
    of_all = [names.FILTER.said({ORGANIZATION: shared}), names.BENCHMARK.said({ORGANIZATION: noisy})]
    return Made(dict([*bodies, *of_all]), noisy, cells, new, int((included == 0).sum()))


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


def awaiting(n: int) -> Undefined:
    return Undefined(status="undefined", reason=LATER, n=n)


def while_open(wave: Wave, in_words: Sequence[str]) -> list[NamedBodies]:
    nothing = of_each_group(wave, lambda ordinal, _: awaiting(wave.n(ordinal)))
    place = PlaceUndefined(status="undefined", reason=LATER)
    unmoved = Followed(status="ok", point=place, changes=[], repeaters=[])
    written = {
        ordinal: Written(status="ok", questions=dict.fromkeys(in_words, nothing[ordinal]))
        for ordinal in range(len(wave.sample.groups.parents))
    }
    return [
        names.HEADLINE.said(headline(wave)),
        names.DISCLOSURE.said(disclosed(wave)),
        *(says(nothing) for says in WAITING),
        *of_organization_later(wave, nothing[ORGANIZATION]),
        names.TRENDS.said(dict.fromkeys(nothing, unmoved)),
        names.TEXTS.said(written),
    ]


def of_organization_later(wave: Wave, nothing: Undefined | Suppressed) -> list[NamedBodies]:
    if isinstance(nothing, Suppressed):
        untold = RecognitionUntold(status="suppressed", reason=nothing.reason)
        return [
            names.DISTINCTNESS.said({ORGANIZATION: nothing}),
            names.RECOGNITION.said({ORGANIZATION: untold}),
        ]
    why: Literal["awaits_final_release", "dimension_missing"]
    why = LATER if wave.has_both_dimensions else "dimension_missing"
    distinctness_later = DistinctnessUndefined(status="undefined", reason=why)
    recognition_later = RecognitionUnknown(status="undefined", reason=why, n=nothing.n)
    return [
        names.DISTINCTNESS.said({ORGANIZATION: distinctness_later}),
        names.RECOGNITION.said({ORGANIZATION: recognition_later}),
    ]


def computed(
    wave: Wave, current: Loaded, before: Earlier | None, history: History | None, steps: Steps
) -> list[NamedBodies]:
    headlines, promoters = steps(headline(wave)), steps(enps(wave))
    others = [
        (metric, steps(block(wave)))
        for metric, block in BLOCKS.items()
        if metric not in (names.HEADLINE.name, names.ENPS.name)
    ]
    analyses = steps(analyse(wave))
    beside = None if before is None else Beside.take(wave, current, before)
    past = None if beside is None else beside.past(history)
    in_words, least = {key: current.comments[key] for key in current.texts()}, current.least_comments
    since = {} if beside is None else changed(wave, beside)
    return [
        *others,
        names.HEADLINE.said(headlines),
        names.ENPS.said(promoters),
        names.DRIVERS.said(steps(drivers(wave, analyses))),
        names.LEVERS.said(steps(levers(wave, analyses))),
        names.COMMENTS.said(steps(comments(wave, current.comments[None], least))),
        names.TEXTS.said(steps(texts(wave, in_words, least))),
        names.TRENDS.said(steps(followed(headlines, promoters, since, told(wave)))),
        names.RECOGNITION.said({ORGANIZATION: steps(recognition_engagement(wave, past))}),
    ]


@dataclass(frozen=True)
class Beside:
    """The wave before as it was released, and what of it may be compared with this one."""

    current: Loaded
    before: Loaded
    previous: Wave
    told: MomentsTold | None
    incomparable: Mapping[MeasureName, Incomparable]
    erased: frozenset[int]
    is_anybody_erased: bool
    may_link: bool

    @classmethod
    def take(cls, wave: Wave, current: Loaded, earlier: Earlier) -> "Beside":
        """Where somebody was erased nothing is looked at that would tell whether they had answered."""
        before, previous = earlier.loaded, earlier.wave()
        may_link = are_linked(current.survey, before.survey) and (
            earlier.is_anybody_erased or may_put_together(wave, previous)
        )
        return cls(
            current=current,
            before=before,
            previous=previous,
            told=earlier.told(),
            incomparable=incomparable(current.questions, before.questions),
            erased=earlier.erased(),
            is_anybody_erased=earlier.is_anybody_erased,
            may_link=may_link,
        )

    def past(self, history: History | None) -> Past:
        closed_at, until = time_between(self.before.survey, self.current.survey)
        same = takewhile(self.asks_the_same, history.older if history else ())
        return Past(
            previous=self.previous,
            closed_at=closed_at,
            until=until,
            is_comparable=ENGAGEMENT not in self.incomparable,
            is_erased=self.is_anybody_erased,
            may_link=self.may_link,
            received=None if history is None else history.received,
            invited=() if history is None else history.invited,
            older=[answered(wave) for wave in same],
        )

    def asks_the_same(self, older: Loaded) -> bool:
        return ENGAGEMENT not in incomparable(self.current.questions, older.questions)


def answered(older: Loaded) -> Answered:
    return Answered.of(released_sample(older), older.k, is_erased=bool(older.erased()[ORGANIZATION]))


def changed(wave: Wave, beside: Beside) -> dict[int, Since]:
    return changes(
        wave,
        beside.previous,
        beside.incomparable,
        beside.erased,
        beside.may_link,
        is_anybody_erased=beside.is_anybody_erased,
        told_then=beside.told,
    )


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


async def store(
    session: TenantSession,
    current: Loaded,
    number: int,
    made: Made,
    follows: UUID | None,
    released_at: datetime,
) -> None:
    survey = current.survey
    now = await surveys.survey(session, survey.id, lock="write")
    is_final = survey.status == "closed"
    epsilon = spent(made.noisy)
    is_as_computed = (
        now is not None
        and now.status == survey.status
        and await queries.are_there(session, survey.id, current.responses.keys)
        and await is_affordable(session, current, epsilon)
    )
    if not is_as_computed:
        raise SurveyMoved
    release = queries.NewRelease(
        survey_id=survey.id,
        number=number,
        is_final=is_final,
        held_back=rounded_up(made.held_back) if is_final else 0,
        formula_version=FORMULA_VERSION,
        released_at=released_at,
        epsilon_spent=epsilon,
        follows=follows if is_final else None,
    )
    if not await queries.store_release(session, release, list(frozen(made.bodies.items())), made.cells):
        return
    if survey.release_policy == "rolling":
        keys = [current.responses.keys[index] for index in np.flatnonzero(made.newly_included).tolist()]
        await queries.mark_included(session, survey.id, number, keys)
        await queries.count_included(session, survey.id)
    if is_final:
        await queries.mark_released(session, survey.id, released_at)
        if survey.series is not None:
            await enqueue(session, TURNOVER_JOB, survey.organization_id, survey.id, is_single=True)
        following = await queries.next_to_release(session, survey)
        if following is not None:
            await enqueue(session, RELEASE_JOB, survey.organization_id, following)
    told = {**named(survey), "number": number, "final": is_final}
    await announce(session, "survey.released", told)


async def is_affordable(session: TenantSession, current: Loaded, epsilon: float) -> bool:
    """Whether no other release spent the same part of the budget meanwhile; holds the organisation."""
    if not epsilon:
        return True
    await organizations.organization(session, lock=True)
    now_spent = await queries.epsilon_spent(session)
    return now_spent == current.budget.spent


def rounded_up(held_back: int) -> int:
    """To a ten, so that nobody can be found by counting."""
    return -(-held_back // HELD_BACK_STEP) * HELD_BACK_STEP


def frozen(found: Iterable[NamedBodies]) -> Iterator[Result]:
    """The rows of a release: what each metric will say of each group, letter for letter."""
    for metric, bodies in found:
        version = names.METRICS[metric].version
        for ordinal, body in bodies.items():
            yield Result(metric, ordinal, version, body.model_dump_json())


def observe(found: Bodies, seconds: float) -> None:
    telemetry.RELEASE_DURATION.observe(seconds)
    for body in found.values():
        if isinstance(body, Suppressed):
            telemetry.SUPPRESSED_GROUPS.labels(body.reason).inc()
