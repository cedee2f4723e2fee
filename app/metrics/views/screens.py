"""Reads what is put together of several frozen metrics or waves; it computes nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from app.core.database import AsyncSession, Row, TenantSession
from app.core.fairness import in_turns
from app.core.schema import adapter, joined
from app.metrics import names, schemas
from app.metrics.blocks.heatmap import heatmap_columns
from app.metrics.blocks.wave import ORGANIZATION
from app.metrics.definitions import scale_titles
from app.metrics.releases import queries
from app.metrics.releases.response_matrix import as_instrument, asked_in, questionnaire_of
from app.metrics.schemas import OfGroup, Titled, Worded
from app.metrics.views import groups as service
from app.metrics.views import sentences
from app.surveys.questionnaires.rules import is_scored
from app.tables import Release, Survey

Titles = Mapping[str, str]
GroupKey = tuple[str, str, str]
"""Kind, segment and identifier of a group."""
ABSENT: Final = schemas.Followed(
    status="ok",
    point=schemas.PlaceUndefined(status="undefined", reason="group_missing"),
    changes=[],
    repeaters=[],
)
FACETS: Final = adapter(schemas.FacetsGroup)
CHOICES: Final = adapter(schemas.ChoicesGroup)
RELIABILITY: Final = adapter(schemas.ReliabilityGroup)
DRIVERS: Final = adapter(schemas.DriversGroup)
LEVERS: Final = adapter(schemas.LeversGroup)
RECOGNITION: Final = adapter(schemas.RecognitionEngagementGroup)
FACET: Final = adapter(schemas.Facet)
QUESTION: Final = adapter(schemas.FacetQuestion)
CHOICE: Final = adapter(schemas.ChoiceQuestion)
OPTION: Final = adapter(schemas.OptionTold)
SCALE: Final = adapter(schemas.Scale)
CRITERION: Final = adapter(schemas.Criterion)
OVERVIEW: Final = adapter(schemas.OverviewGroup)
POINT: Final = adapter(schemas.Point)


async def columns(session: TenantSession, survey: Survey, language: str) -> list[schemas.HeatmapColumn]:
    """The columns of the heatmap, in the order of its cells."""
    asked = asked_in(await questionnaire_of(session, survey))
    instrument = as_instrument([question for question in asked if is_scored(question)])
    facets = (await service.titles_of(session, survey, language))["facets"]
    titles = {f"facet:{key}": title for key, title in facets.items()} | scale_titles(language)
    return [
        schemas.HeatmapColumn(
            key=key, kind="facet" if key.startswith("facet:") else "dimension", title=titles[key]
        )
        for key in heatmap_columns(instrument)
    ]


# ------------------------------------------------------------------ with words


def titled_facets(
    group: schemas.GroupRef, numbers: schemas.FacetsNumbers, facets: Titles, questions: Titles
) -> schemas.FacetsGroup:
    if not isinstance(numbers, schemas.FacetsOk):
        return joined(FACETS, OfGroup(group=group), numbers)
    return schemas.FacetsGroupOk(
        group=group,
        status="ok",
        n=numbers.n,
        precision=numbers.precision,
        facets=[joined(FACET, one, Titled(title=facets[one.key])) for one in numbers.facets],
        questions=[joined(QUESTION, one, Titled(title=questions[one.key])) for one in numbers.questions],
    )


def titled_choices(
    group: schemas.GroupRef,
    numbers: schemas.ChoicesNumbers,
    questions: Titles,
    options: Mapping[str, Titles],
) -> schemas.ChoicesGroup:
    def titled(one: schemas.ChoiceKept) -> schemas.ChoiceQuestion:
        title = Titled(title=questions[one.key])
        if isinstance(one, schemas.ChoiceUntold):
            return joined(CHOICE, one, title)
        told = [joined(OPTION, option, Titled(title=options[one.key][option.key])) for option in one.options]
        return schemas.ChoiceOk(
            title=title.title,
            key=one.key,
            kind=one.kind,
            status="ok",
            n=one.n,
            precision=one.precision,
            options=told,
            dont_know=one.dont_know,
            reasons=one.reasons,
        )

    if not isinstance(numbers, schemas.ChoicesOk):
        return joined(CHOICES, OfGroup(group=group), numbers)
    return schemas.ChoicesGroupOk(
        group=group, status="ok", n=numbers.n, questions=[titled(one) for one in numbers.questions]
    )


def titled_scales(
    group: schemas.GroupRef, numbers: schemas.ReliabilityNumbers, titles: Titles
) -> schemas.ReliabilityGroup:
    if not isinstance(numbers, schemas.ReliabilityOk):
        return joined(RELIABILITY, OfGroup(group=group), numbers)
    return schemas.ReliabilityGroupOk(
        group=group,
        status="ok",
        n=numbers.n,
        scales=[joined(SCALE, one, Titled(title=titles[one.key])) for one in numbers.scales],
        agreement=numbers.agreement,
        teams=numbers.teams,
        reasons=numbers.reasons,
    )


def worded_drivers(
    group: schemas.GroupRef, numbers: schemas.DriversNumbers, language: str
) -> schemas.DriversGroup:
    if not isinstance(numbers, schemas.DriversOk):
        return joined(DRIVERS, OfGroup(group=group), numbers)
    return schemas.DriversGroupOk(
        group=group,
        status="ok",
        n=numbers.n,
        precision=numbers.precision,
        criteria=[_worded_criterion(one, language) for one in numbers.criteria],
    )


def _worded_criterion(criterion: schemas.CriterionKept, language: str) -> schemas.Criterion:
    if not isinstance(criterion, schemas.CriterionNumbers):
        return criterion
    return joined(CRITERION, criterion, Worded(text=sentences.of_criterion(criterion, language)))


def worded_levers(
    group: schemas.GroupRef, numbers: schemas.LeversNumbers, language: str
) -> schemas.LeversGroup:
    if not isinstance(numbers, schemas.LeversOk):
        return joined(LEVERS, OfGroup(group=group), numbers)
    words = Worded(text=sentences.of_levers(numbers, language))
    return joined(LEVERS, OfGroup(group=group), numbers, words)


def worded_recognition(
    group: schemas.GroupRef, numbers: schemas.RecognitionEngagementNumbers, language: str
) -> schemas.RecognitionEngagementGroup:
    if not isinstance(numbers, schemas.RecognitionSince):
        return joined(RECOGNITION, OfGroup(group=group), numbers)
    words = Worded(text=sentences.of_recognition(numbers, language))
    return joined(RECOGNITION, OfGroup(group=group), numbers, words)


# ------------------------------------------------------------------ over waves


async def waves_of(session: AsyncSession, survey: Survey) -> list[tuple[Survey, Release]]:
    """The waves of the series up to the survey, oldest first."""
    return await queries.waves_until(session, survey, names.MOST_WAVES)


def as_told(waves: Sequence[tuple[Survey, Release]]) -> list[schemas.TrendWave]:
    heads = [service.header(wave, made) for wave, made in waves]
    return [schemas.TrendWave(survey=head["survey"], release=head["release"]) for head in heads]


Tops = Callable[[Survey], Sequence[str] | None]
"""The teams that a reader sees of a wave, with those that were below them in it; None: everything."""
Seen = Mapping[UUID, Collection[str | None]] | None
"""By wave, the groups that a reader of some teams sees of it; None: everything."""


def everything(_: Survey) -> None:
    return None


async def seen(session: TenantSession, waves: Sequence[tuple[Survey, Release]], tops_in: Tops) -> Seen:
    """What one address after the other would tell: not a team that lay elsewhere then."""
    found: dict[UUID, Collection[str | None]] = {}
    for survey, release in waves:
        tops = tops_in(survey)
        if tops is None:
            return None
        groups = await queries.groups_of(session, release)
        found[survey.id] = {one.external_id for one in service.chosen_below(groups, ["team"], None, tops)}
    return found


def is_seen(seen: Seen, wave: UUID, group: schemas.GroupRef) -> bool:
    return seen is None or group.id in seen.get(wave, ())


def only_told(
    archived: Collection[UUID], seen: Seen, group: schemas.GroupRef, followed: schemas.Followed
) -> schemas.Followed:
    """Without the changes from a wave that is archived or not seen: what it was then follows from them."""

    def is_told(wave: UUID) -> bool:
        return wave not in archived and is_seen(seen, wave, group)

    return followed.model_copy(
        update={
            "changes": [one for one in followed.changes if is_told(one.from_survey)],
            "repeaters": [one for one in followed.repeaters if is_told(one.from_survey)],
        }
    )


async def trends(
    session: TenantSession,
    waves: Sequence[tuple[Survey, Release]],
    groups: Sequence[schemas.GroupRef],
    archived: Collection[UUID],
    seen: Seen,
) -> list[schemas.TrendGroup]:
    """The groups in each of the waves in which they are seen."""
    keys = [_key(group) for group in groups]
    by_key: dict[GroupKey, dict[Any, Row[Any]]] = {}
    for row in await queries.results_over_waves(session, waves, names.TRENDS.name, keys):
        if seen is None or row.key in seen.get(row.survey_id, ()):
            by_key.setdefault((row.kind, row.segment, row.key), {})[row.survey_id] = row
    pairs = zip(groups, keys, strict=True)
    return await in_turns(lambda own: _series(own[0], waves, by_key.get(own[1], {}), seen, archived), pairs)


def _series(
    group: schemas.GroupRef,
    waves: Sequence[tuple[Survey, Release]],
    rows: Mapping[Any, Row[Any]],
    seen: Seen,
    archived: Collection[UUID],
) -> schemas.TrendGroup:
    told = [
        names.TRENDS.parsed(rows[survey.id].body, rows[survey.id].body_version)
        if survey.id in rows
        else ABSENT
        for survey, _ in waves
    ]
    followed = [only_told(archived, seen, group, one) for one in told]
    places = [schemas.OfWave(survey=survey.id, released_at=made.released_at) for survey, made in waves]
    return schemas.TrendGroup(
        group=group,
        points=[joined(POINT, place, one.point) for place, one in zip(places, followed, strict=True)],
        changes=[change for one in followed for change in one.changes],
        repeaters=[pair for one in followed for pair in one.repeaters],
    )


def _key(group: schemas.GroupRef) -> GroupKey:
    return group.kind, service.segment_of(group) or "", group.id or ""


# ------------------------------------------------------------------ one call a screen


async def glances(
    session: TenantSession,
    release: Release,
    groups: Mapping[int, schemas.GroupRef],
    archived: Collection[UUID],
    seen: Seen,
) -> list[schemas.OverviewGroup]:
    headlines = await queries.bodies(session, release, names.HEADLINE, [*groups])
    enps = await queries.bodies(session, release, names.ENPS, [*groups])
    participation = await queries.bodies(session, release, names.PARTICIPATION, [*groups])
    followed = await queries.bodies(session, release, names.TRENDS, [*groups])

    def of(ordinal: int) -> schemas.OverviewGroup:
        group = groups[ordinal]
        moved = only_told(archived, seen, group, followed[ordinal])
        return glance(group, headlines[ordinal], enps[ordinal], participation[ordinal], moved)

    return await in_turns(of, groups)


async def organization_levers(session: TenantSession, release: Release, language: str) -> schemas.LeversGroup:
    kept = await service.kept(session, release, names.LEVERS, ["organization"], None)
    return worded_levers(*kept[ORGANIZATION], language)


def glance(
    group: schemas.GroupRef,
    headline: schemas.HeadlineNumbers,
    enps: schemas.EnpsNumbers,
    participation: schemas.ParticipationNumbers,
    followed: schemas.Followed,
) -> schemas.OverviewGroup:
    if not isinstance(headline, schemas.HeadlineOk):
        return joined(OVERVIEW, OfGroup(group=group), headline)
    beside = schemas.Glance(enps=enps, participation=_in_short(participation), changes=followed.changes)
    return joined(OVERVIEW, OfGroup(group=group), headline, beside)


def _in_short(participation: schemas.ParticipationNumbers) -> schemas.OverviewParticipation:
    if not isinstance(participation, schemas.ParticipationOk):
        return participation
    shown = ("invited", "response_rate")
    return schemas.OverviewParticipationOk(
        status="ok",
        responded=participation.responded,
        invited=participation.invited,
        response_rate=participation.response_rate,
        reasons={path: why for path, why in participation.reasons.items() if path in shown},
    )
