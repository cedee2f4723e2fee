"""Which release is shown, and which of its groups."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Literal
from uuid import UUID

from app.core.database import AsyncSession, TenantSession
from app.core.errors import AppError, Conflict, NotFound, Unprocessable
from app.core.fairness import in_turns
from app.core.schema import adapter, joined
from app.metrics import definitions, names, schemas
from app.metrics.blocks.wave import ORGANIZATION
from app.metrics.names import Metric, MetricOfGroups, Numbers, Told
from app.metrics.releases import queries
from app.metrics.releases.response_matrix import asked_in, questionnaire_of
from app.organizations import queries as organizations
from app.organizations.errors import UnknownTeam
from app.surveys import queries as surveys
from app.surveys.questionnaires.built_in import built_in
from app.surveys.responses.errors import UnknownQuestion, UnknownSegment
from app.tables import Release, Survey, SurveyGroup

MOST_COMMENTS = 200
SEGMENT = "segment:"
NO_GROUPS = "[]}"
COMMENTS: Final = adapter(schemas.CommentsGroup)


class NoReleasedSurvey(NotFound):
    code = "no_released_survey"
    detail = "No such survey has results yet: close one of this series, or ask for another series."


class SurveyNotReleased(Conflict):
    code = "survey_not_released"
    detail = "This survey has no numbers yet: close it, and ask again once it is released."


class ReleasePending(Conflict):
    code = "release_pending"
    detail = "The results are being computed: ask again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class NotWithinTeam(Unprocessable):
    code = "not_within_team"
    detail = "Segments are shown for the whole organisation only: leave team out, or use filter."


async def release_to_show(
    session: TenantSession, survey_id: UUID | None, series: str | None
) -> tuple[Survey, Release]:
    """Of the survey asked for; else of the newest released of the series, the default series, or all."""
    if survey_id is not None:
        return await released(session, await surveys.survey(session, survey_id))
    organization = await organizations.organization(session)
    wanted = series if series is not None else organization.default_series
    survey = await queries.newest_released(session, wanted)
    if survey is None and series is None:
        survey = await queries.newest_released(session, None)
    if survey is None:
        raise NoReleasedSurvey if series is None else no_such_series(series, await queries.series(session))
    return await released(session, survey)


async def release_shown(
    session: TenantSession, survey_id: UUID | None, series: str | None
) -> tuple[Survey, Release] | None:
    """As `release_to_show`; None where none was asked for and there is none yet."""
    try:
        return await release_to_show(session, survey_id, series)
    except NoReleasedSurvey:
        if series is not None:
            raise
        return None


def no_such_series(asked: str, known: Sequence[str]) -> AppError:
    """One that has no results yet is there; one that is not may be misspelt."""
    if asked in known:
        return NoReleasedSurvey.parameter("series")
    nearest = get_close_matches(asked, known, 1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there is {', '.join(known) or 'none'}."
    return NoReleasedSurvey.parameter("series", f"There is no series {asked}: {hint}")


async def released(session: TenantSession, survey: Survey | None) -> tuple[Survey, Release]:
    """The newest release; of a survey still open there is one only where releases roll."""
    if survey is None:
        raise NotFound.parameter(
            "survey_id", "There is no survey with this id: take one of those that GET /v1/surveys lists."
        )
    if survey.status == "closed":
        raise ReleasePending
    release = await queries.newest_release(session, survey.id)
    if release is None:
        raise SurveyNotReleased
    return survey, release


async def kept(
    session: TenantSession,
    release: Release,
    metric: Metric[Numbers],
    by: Sequence[str],
    team: str | None,
    tops: Sequence[str] | None = None,
    depth: int | None = None,
) -> list[tuple[schemas.GroupRef, Numbers]]:
    """The groups asked for, with what the release says of them."""
    wanted = await asked_for(session, release, by, team, tops, depth)
    bodies = await queries.bodies(session, release, metric, [*wanted])
    return [(group, bodies[ordinal]) for ordinal, group in wanted.items() if ordinal in bodies]


async def asked_for(
    session: TenantSession,
    release: Release,
    by: Sequence[str],
    team: str | None,
    tops: Sequence[str] | None,
    depth: int | None,
) -> dict[int, schemas.GroupRef]:
    """By ordinal, the groups asked for; of the subtrees of `tops` alone, if given."""
    groups = await queries.groups_of(session, release)
    wanted = chosen(groups, by, team) if tops is None else chosen_below(groups, by, team, tops)
    return {group.ordinal: ref(group, groups) for group in down_to(depth, wanted)}


async def sent(
    session: TenantSession,
    release: Release,
    metric: MetricOfGroups[Numbers, Told],
    by: Sequence[str],
    team: str | None,
    tops: Sequence[str] | None = None,
    depth: int | None = None,
) -> list[str]:
    """As `read`, in the letters that go out: those kept, with the group put before them."""
    wanted = await asked_for(session, release, by, team, tops, depth)
    kept = await queries.results(session, release, metric, [*wanted])
    found = [(group, kept[ordinal]) for ordinal, group in wanted.items() if ordinal in kept]
    return await in_turns(lambda own: with_group(own[0], metric.sent(*own[1])), found)


def with_group(group: schemas.GroupRef, numbers: str) -> str:
    return f'{{"group":{group.model_dump_json()},{numbers.removeprefix("{")}'


def whole(head: schemas.Metrics, groups: Sequence[str]) -> bytes:
    """An answer without groups, whose last member they are, with these."""
    written = head.model_dump_json()
    assert written.endswith(NO_GROUPS), "the groups come last"
    return f"{written.removesuffix(NO_GROUPS)}[{','.join(groups)}]}}".encode()


async def read(
    session: TenantSession,
    release: Release,
    metric: MetricOfGroups[Numbers, Told],
    by: Sequence[str],
    team: str | None,
    tops: Sequence[str] | None = None,
    depth: int | None = None,
) -> list[Told]:
    """As `kept`, as it is answered."""
    found = await kept(session, release, metric, by, team, tops, depth)
    return [metric.placed(group, numbers) for group, numbers in found]


async def of_organization(session: AsyncSession, release: Release, metric: Metric[Numbers]) -> Numbers | None:
    """What the release says of the whole organisation; None where it has not said it yet."""
    return (await queries.bodies(session, release, metric, [ORGANIZATION])).get(ORGANIZATION)


async def distinctness_of(
    session: AsyncSession, release: Release
) -> tuple[schemas.Distinctness | None, schemas.Reasons]:
    """What the whole answer says of it: the numbers, or why there are none."""
    found = await of_organization(session, release, names.DISTINCTNESS)
    assert found is not None, "every release says something of it"
    if isinstance(found, schemas.DistinctnessOk):
        return found, {}
    return None, {"distinctness": found.reason}


async def benchmark_of(session: AsyncSession, release: Release) -> schemas.NoisyScores:
    found = await of_organization(session, release, names.BENCHMARK)
    assert found is not None, "every release says something of it"
    return found


async def titles_of(session: TenantSession, survey: Survey, language: str) -> dict[str, dict[str, str]]:
    """By key, what the facets, questions and scales of the survey are called."""
    content = (await questionnaire_of(session, survey)).content
    own = {facet["key"]: definitions.worded(facet["title"], language) for facet in content["facets"]}
    facets = definitions.facet_titles(language) | own
    questions = {one["key"]: definitions.worded(one["text"], language) for one in content["questions"]}
    return {"facets": facets, "questions": questions, "scales": definitions.scale_titles(language) | own}


async def options_of(session: TenantSession, survey: Survey, language: str) -> dict[str, dict[str, str]]:
    """By question, what its options are called."""
    content = (await questionnaire_of(session, survey)).content
    return {
        question["key"]: {
            option["key"]: definitions.worded(option["text"], language) for option in question["options"]
        }
        for question in content["questions"]
        if question.get("options")
    }


def ref(group: SurveyGroup, groups: Sequence[SurveyGroup]) -> schemas.GroupRef:
    if group.segment is not None:
        return schemas.SegmentRef(
            kind="segment", segment=group.segment, id=group.external_id, name=group.name, parent=None, depth=0
        )
    parent = groups[group.parent] if group.parent is not None else None
    return schemas.TreeRef(
        kind="organization" if group.kind == "organization" else "team",
        id=None if group.kind == "organization" else group.external_id,
        name=group.name,
        parent=parent.external_id if parent is not None and parent.kind == "team" else None,
        depth=group.depth,
    )


def down_to(depth: int | None, wanted: Sequence[SurveyGroup]) -> list[SurveyGroup]:
    """So many levels of teams; a team above which none is listed is on the first."""
    levels: dict[int, int] = {}
    for group in wanted:
        above = levels.get(group.parent, 0) if group.parent is not None else 0
        levels[group.ordinal] = above + (group.kind == "team")
    return [group for group in wanted if depth is None or levels[group.ordinal] <= depth]


def segment_of(group: schemas.GroupRef) -> str | None:
    return group.segment if isinstance(group, schemas.SegmentRef) else None


def chosen(groups: Sequence[SurveyGroup], by: Sequence[str], team: str | None) -> list[SurveyGroup]:
    """The groups of the kinds in `by`; with `team`, that node takes the organisation's place."""
    segments = [kind.removeprefix(SEGMENT) for kind in by if kind.startswith(SEGMENT)]
    if team is not None:
        if segments:
            raise NotWithinTeam.parameter("by")
        return within(groups, by, team)
    known = {group.segment for group in groups}
    for segment in segments:
        if segment not in known:
            raise UnknownSegment.parameter("by", f"The survey does not report by {segment}.")
    return [group for group in groups if group.kind in by or group.segment in segments]


def chosen_below(
    groups: Sequence[SurveyGroup], by: Sequence[str], team: str | None, tops: Sequence[str]
) -> list[SurveyGroup]:
    """For who sees these teams and what is below them: they take the organisation's place."""
    if any(kind.startswith(SEGMENT) for kind in by):
        raise NotWithinTeam.parameter("by")
    led = [group for group in groups if group.kind == "team" and group.external_id in tops]
    below = {one.ordinal for top in led for one in within(groups, ["team"], top.external_id)}
    if team is None:
        return [group for group in groups if group.ordinal in below and ("team" in by or group in led)]
    wanted = within(groups, by, team)
    if wanted[0].ordinal not in below:
        raise no_such_team()
    return wanted


def no_such_team() -> AppError:
    """The same whether there is none or it is not for this reader."""
    return UnknownTeam.parameter(
        "team", "The survey has no such team: send a team that was there when it opened."
    )


def within(groups: Sequence[SurveyGroup], by: Sequence[str], team: str) -> list[SurveyGroup]:
    top = next((group for group in groups if group.kind == "team" and group.external_id == team), None)
    if top is None:
        raise no_such_team()
    below = {top.ordinal}
    for group in groups[top.ordinal + 1 :]:
        if group.parent in below:
            below.add(group.ordinal)
    return [
        group for group in groups if group.ordinal in below and ("team" in by or group.ordinal == top.ordinal)
    ]


async def written_to(
    session: TenantSession,
    survey: Survey,
    question: str,
    groups: Sequence[tuple[schemas.GroupRef, schemas.Written]],
) -> list[tuple[schemas.GroupRef, schemas.CommentsNumbers]]:
    """Of a question that is answered in words, what may be read of each group that comments are told of."""
    asked = asked_in(await questionnaire_of(session, survey))
    if not any(one["key"] == question and one.get("kind") == "text" for one in asked):
        raise UnknownQuestion.parameter("question")
    return [(group, own.questions[question]) for group, own in groups if question in own.questions]


async def with_texts(
    session: AsyncSession,
    release: Release,
    groups: Sequence[tuple[schemas.GroupRef, schemas.CommentsNumbers]],
    question: str | None,
) -> list[schemas.CommentsGroup]:
    """With what was written to the question in every group that may show it."""
    shown = [group.id for group, numbers in groups if numbers.status == "ok"]
    texts = await queries.comments_within(session, release, shown, question, MOST_COMMENTS)
    return [with_text(group, numbers, texts) for group, numbers in groups]


def with_text(
    group: schemas.GroupRef, numbers: schemas.CommentsNumbers, texts: Mapping[str | None, list[str]]
) -> schemas.CommentsGroup:
    of_group = schemas.OfGroup(group=group)
    if numbers.status != "ok":
        return joined(COMMENTS, of_group, numbers)
    return joined(COMMENTS, of_group, numbers, schemas.CommentTexts(comments=texts[group.id]))


async def disclosure(
    session: TenantSession, survey: Survey, release: Release, language: str
) -> schemas.Disclosure:
    segments = {f"{SEGMENT}{name}": name for name in survey.report_by}
    groups = await read(session, release, names.DISCLOSURE, ["organization", "team", *segments], None)
    shown = {segment_of(group.group) for group in groups if group.status == "shown"}
    head = header(survey, release)
    return schemas.Disclosure(
        survey=head["survey"],
        release=head["release"],
        minimum_group_size=survey.minimum_group_size or 0,
        rules=definitions.rules(language, survey.minimum_group_size or 0),
        segments=[
            schemas.SegmentDisclosure(segment=name, status="shown" if name in shown else "withheld")
            for name in survey.report_by
        ],
        groups=groups,
    )


def instrument_status(survey: Survey) -> Literal["not_yet_validated", "unknown"]:
    return "not_yet_validated" if survey.questionnaire == built_in().key else "unknown"


def header(survey: Survey, release: Release) -> schemas.Header:
    return {
        "survey": schemas.MetricsSurvey.model_validate(survey.model_dump()),
        "release": schemas.Release(
            number=release.number,
            released_at=release.released_at,
            final=release.is_final,
            held_back=release.held_back,
        ),
        "ci_level": schemas.CI_LEVEL,
        "formula_version": release.formula_version,
    }
