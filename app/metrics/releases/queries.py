import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, func, or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, tuple_
from sqlmodel.sql.expression import SelectOfScalar

from app.core.database import TenantSession
from app.core.fairness import in_turns
from app.metrics.names import Metric, Numbers
from app.metrics.sample import Cell
from app.surveys.audience import queries as audience_queries
from app.tables import Release, ReleaseCell, Survey, SurveyGroup

ALL_RESPONSES = text("""
SELECT count(*), string_agg(array_send(answers), ''::bytea ORDER BY respondent_key),
string_agg(int4send(cell_ordinal), ''::bytea ORDER BY respondent_key),
string_agg(int4send(coalesce(included_in, 0)), ''::bytea ORDER BY respondent_key),
string_agg(uuid_send(respondent_key), ''::bytea ORDER BY respondent_key)
FROM responses WHERE organization_id = :organization_id AND survey_id = :survey_id
""")
INSERT_RELEASE = text("""
INSERT INTO releases
(organization_id, survey_id, number, is_final, held_back, formula_version, released_at, epsilon_spent,
follows)
VALUES (:organization_id, :survey_id, :number, :is_final, :held_back, :formula_version, :released_at,
:epsilon_spent, :follows)
  ON CONFLICT (organization_id, survey_id, number) DO NOTHING RETURNING number
""")
INSERT_RESULTS = text("""
INSERT INTO release_results
(organization_id, survey_id, number, metric, group_ordinal, body_version, body)
SELECT :organization_id, :survey_id, :number, r.metric, r.ordinal, r.version, CAST(r.body AS json)
FROM unnest(CAST(:metrics AS text[]), CAST(:ordinals AS int[]), CAST(:versions AS smallint[]),
    CAST(:bodies AS text[])) AS r (metric, ordinal, version, body)
  ON CONFLICT DO NOTHING
""")
"""What is there already is frozen. JSON knows no NaN: a body that has one is refused."""
INSERT_CELLS = text("""
INSERT INTO release_cells (organization_id, survey_id, number, cell, places, numbers)
SELECT :organization_id, :survey_id, :number, c.*
FROM json_to_recordset(CAST(:cells AS json)) AS c (cell int, places jsonb, numbers float8[])
""")
BODIES = text("""
SELECT group_ordinal, CAST(body AS text) AS body, body_version FROM release_results
WHERE organization_id = :organization_id AND survey_id = :survey_id AND number = :number
  AND metric = :metric AND group_ordinal = ANY (CAST(:ordinals AS int[]))
""")
OF_ORGANIZATION = text("""
SELECT body, body_version FROM release_results
WHERE organization_id = :organization_id AND survey_id = :survey_id AND metric = :metric
  AND group_ordinal = 0
ORDER BY number
""")
COMMENTS_WITHIN = text("""
WITH RECURSIVE below AS (
SELECT external_id AS top, ordinal FROM survey_groups WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND kind <> 'segment' AND external_id = ANY (CAST(:tops AS text[]))
UNION ALL
SELECT b.top, g.ordinal FROM below b JOIN survey_groups g ON g.organization_id = :organization_id
  AND g.survey_id = :survey_id AND g.kind <> 'segment' AND g.parent = b.ordinal)
SELECT tops.top, chosen.text FROM (SELECT DISTINCT top FROM below) AS tops
CROSS JOIN LATERAL (SELECT c.text FROM comments c WHERE c.organization_id = :organization_id
  AND c.survey_id = :survey_id AND c.question IS NOT DISTINCT FROM :question
  AND c.group_ordinal IN (SELECT ordinal FROM below WHERE below.top = tops.top)
ORDER BY c.id LIMIT :most) AS chosen
""")
"""By random key: the same ones, in the same order, for everybody."""
OVER_WAVES = text("""
SELECT r.survey_id, k.kind, k.segment, k.key, CAST(r.body AS text) AS body, r.body_version
FROM unnest(CAST(:surveys AS uuid[]), CAST(:numbers AS int[])) AS w (survey_id, number)
CROSS JOIN unnest(CAST(:kinds AS text[]), CAST(:segments AS text[]), CAST(:keys AS text[]))
AS k (kind, segment, key)
JOIN survey_groups g ON g.organization_id = :organization_id AND g.survey_id = w.survey_id
  AND g.kind = k.kind AND coalesce(g.segment, '') = k.segment AND g.external_id = k.key
JOIN release_results r ON r.organization_id = g.organization_id AND r.survey_id = g.survey_id
  AND r.number = w.number AND r.metric = :metric AND r.group_ordinal = g.ordinal
""")
ARRAY_HEADER = 20
"""Bytes before the elements of a one-dimensional array in PostgreSQL's binary format."""
KEY_BYTES = 16
RESULTS_AT_ONCE = 1000
MOST_PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Responses:
    """A row a response, by key: answers (persons x questions), the ordinal of its cell, the number of the
    release that took it first (0: none yet), and its key."""

    answers: NDArray[np.int16]
    cells: NDArray[np.int64]
    included: NDArray[np.int64]
    keys: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.cells)


class NewRelease(NamedTuple):
    survey_id: UUID
    number: int
    is_final: bool
    held_back: int
    formula_version: str
    released_at: datetime
    epsilon_spent: float
    follows: UUID | None


@dataclass(frozen=True)
class Result:
    """A metric of one group, as it will be sent."""

    metric: str
    ordinal: int
    version: int
    body: str


async def responses_of(session: TenantSession, survey_id: UUID, questions: int) -> Responses:
    parameters = {"survey_id": survey_id}
    count, answers, cells, included, keys = (await session.execute(ALL_RESPONSES, parameters)).one()
    if count == 0:
        none = np.empty(0, dtype=np.int64)
        return Responses(np.empty((0, questions), dtype=np.int16), none, none, [])
    return Responses(
        answers=decode_arrays(answers, count, questions),
        cells=np.frombuffer(cells, dtype=">i4").astype(np.int64),
        included=np.frombuffer(included, dtype=">i4").astype(np.int64),
        keys=[keys[start : start + KEY_BYTES] for start in range(0, len(keys), KEY_BYTES)],
    )


def decode_arrays(sent: bytes, count: int, length: int) -> NDArray[np.int16]:
    """`count` concatenated smallint[] values of `length` without nulls, as array_send wrote them."""
    rows = np.frombuffer(sent, dtype=np.uint8).reshape(count, ARRAY_HEADER + 6 * length)
    elements = rows[:, ARRAY_HEADER:].reshape(count, length, 6)[:, :, 4:]
    return np.ascontiguousarray(elements).view(">i2")[:, :, 0].astype(np.int16)


async def store_release(
    session: AsyncSession,
    release: NewRelease,
    results: Sequence[Result],
    cells: Sequence[Cell],
) -> bool:
    """False where the release is there already: a job repeated."""
    if (await session.execute(INSERT_RELEASE, release._asdict())).first() is None:
        return False
    await add_results(session, release.survey_id, release.number, results)
    key = {"survey_id": release.survey_id, "number": release.number}
    for start in range(0, len(cells), RESULTS_AT_ONCE):
        rows = [
            {"cell": start + place, "places": cell.places, "numbers": cell.numbers}
            for place, cell in enumerate(cells[start : start + RESULTS_AT_ONCE])
        ]
        await session.execute(INSERT_CELLS, {**key, "cells": json.dumps(rows, allow_nan=False)})
    return True


async def add_results(session: AsyncSession, survey_id: UUID, number: int, results: Sequence[Result]) -> None:
    key = {"survey_id": survey_id, "number": number}
    for start in range(0, len(results), RESULTS_AT_ONCE):
        some = results[start : start + RESULTS_AT_ONCE]
        rows = {
            "metrics": [one.metric for one in some],
            "ordinals": [one.ordinal for one in some],
            "versions": [one.version for one in some],
            "bodies": [one.body for one in some],
        }
        await session.execute(INSERT_RESULTS, {**key, **rows})


async def epsilon_spent(session: TenantSession) -> float:
    """On noise, in all releases of the organisation."""
    query = select(func.sum(Release.epsilon_spent)).where(
        col(Release.organization_id) == session.organization_id
    )
    return float(await session.scalar(query) or 0)


async def places_of_cells(session: AsyncSession, release: Release) -> dict[int, list[list[int]]]:
    """By number of the cell: of each place in it, the ordinals of its team and of its categories."""
    query = select(ReleaseCell.cell, ReleaseCell.places).where(*_cells_of(release))
    return {cell: places for cell, places in await session.execute(query)}


async def numbers_of_cells(
    session: AsyncSession, release: Release, cells: Sequence[int]
) -> list[list[float]]:
    query = select(ReleaseCell.numbers).where(*_cells_of(release), col(ReleaseCell.cell).in_(cells))
    return [list(numbers) for numbers in await session.scalars(query.order_by(col(ReleaseCell.cell)))]


def _cells_of(release: Release) -> list[ColumnElement[bool]]:
    return [
        col(ReleaseCell.organization_id) == release.organization_id,
        col(ReleaseCell.survey_id) == release.survey_id,
        col(ReleaseCell.number) == release.number,
    ]


ARE_THERE = text("""
SELECT count(*) FROM responses WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND respondent_key = ANY (CAST(:keys AS uuid[]))
""")


async def are_there(session: TenantSession, survey_id: UUID, keys: Sequence[bytes]) -> bool:
    """Whether none of these responses was erased."""
    found = await session.scalar(
        ARE_THERE,
        {
            "survey_id": survey_id,
            "keys": [UUID(bytes=key) for key in keys],
        },
    )
    return bool(found == len(keys))


MARK_INCLUDED = text("""
UPDATE responses SET included_in = :number WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND respondent_key = ANY (CAST(:keys AS uuid[]))
""")


COUNT_INCLUDED = text("""
UPDATE surveys SET participation_count = (
    SELECT count(*) FROM responses
    WHERE organization_id = :organization_id AND survey_id = :survey_id AND included_in IS NOT NULL
) WHERE organization_id = :organization_id AND id = :survey_id
""")


async def count_included(session: TenantSession, survey_id: UUID) -> None:
    """Of a survey with releases while it is open no other number is told of how many answered."""
    await session.execute(COUNT_INCLUDED, {"survey_id": survey_id})


async def mark_included(session: TenantSession, survey_id: UUID, number: int, keys: Sequence[bytes]) -> None:
    """That the release of this number is the first to take these responses."""
    await session.execute(
        MARK_INCLUDED,
        {
            "survey_id": survey_id,
            "number": number,
            "keys": [UUID(bytes=key) for key in keys],
        },
    )


MARK_RELEASED = text("""
UPDATE surveys SET status = 'released', released_at = :released_at, updated_at = now(),
    release_progress = NULL
WHERE organization_id = :organization_id AND id = :survey_id
""")


async def mark_released(session: TenantSession, survey_id: UUID, released_at: datetime) -> None:
    await session.execute(
        MARK_RELEASED,
        {"survey_id": survey_id, "released_at": released_at},
    )


NOTE_PROGRESS = text("""
UPDATE surveys SET release_progress = :share
WHERE organization_id = :organization_id AND id = :survey_id AND status = 'closed'
""")
"""It changes nothing that anybody decides by: `updated_at` stays."""


async def note_progress(session: TenantSession, survey_id: UUID, share: float | None) -> None:
    await session.execute(NOTE_PROGRESS, {"survey_id": survey_id, "share": share})


async def series(session: TenantSession) -> Sequence[str]:
    """Of all surveys that count, released or not, by name."""
    names = select(col(Survey.series)).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.series).is_not(None),
        col(Survey.status) != "cancelled",
        col(Survey.archived).is_(False),
    )
    return [name for name in await session.scalars(names.distinct().order_by(col(Survey.series))) if name]


async def newest_released(session: TenantSession, series: str | None) -> Survey | None:
    """The survey released that closed last, of the series or of all."""
    query = select(Survey).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status) == "released",
        col(Survey.archived).is_(False),
    )
    if series is not None:
        query = query.where(col(Survey.series) == series)
    newest_first = query.order_by(col(Survey.closed_at).desc(), col(Survey.id).desc())
    return (await session.scalars(newest_first.limit(1))).first()


async def waves(session: TenantSession, most: int) -> list[tuple[Survey, Release]]:
    """Every survey with a release, that which opened last first, with its newest; without those archived."""
    has_release = select(col(Release.survey_id)).where(
        col(Release.organization_id) == session.organization_id
    )
    query = select(Survey).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status).in_(("open", "released")),
        col(Survey.archived).is_(False),
        col(Survey.id).in_(has_release),
    )
    newest_first = query.order_by(col(Survey.opened_at).desc(), col(Survey.id).desc()).limit(most)
    surveys = (await session.scalars(newest_first)).all()
    newest = await newest_releases(session, session.organization_id, surveys)
    return [(survey, newest[survey.id]) for survey in surveys]


async def newest_releases(
    session: AsyncSession, organization_id: UUID, surveys: Sequence[Survey]
) -> dict[UUID, Release]:
    """Of each of the surveys that has one."""
    query = select(Release).where(
        col(Release.organization_id) == organization_id,
        col(Release.survey_id).in_([survey.id for survey in surveys]),
    )
    return {one.survey_id: one for one in await session.scalars(query.order_by(col(Release.number)))}


async def open_surveys(session: TenantSession) -> Sequence[Survey]:
    """The first to close first, and without an end last."""
    query = select(Survey).where(
        col(Survey.organization_id) == session.organization_id, col(Survey.status) == "open"
    )
    first = query.order_by(col(Survey.closes_at).asc().nulls_last(), col(Survey.opened_at), col(Survey.id))
    return (await session.scalars(first)).all()


async def waves_before(session: AsyncSession, survey: Survey, most: int) -> Sequence[Survey]:
    """The released surveys of its series that closed before it and are not archived, newest first."""
    query = _newest_first(survey).where(_closing < _moment_of(survey))
    return (await session.scalars(query.limit(most))).all()


async def waves_until(session: AsyncSession, survey: Survey, most: int) -> list[tuple[Survey, Release]]:
    """The newest released surveys of its series, that one last, each with its newest release."""
    query = _newest_first(survey).where(_closing <= _moment_of(survey))
    waves = (await session.scalars(query.limit(most))).all()[::-1]
    newest = await newest_releases(session, survey.organization_id, waves)
    return [(wave, newest[wave.id]) for wave in waves]


async def closed_until(
    session: AsyncSession, survey: Survey, closed_at: datetime, limit: int
) -> Sequence[Survey]:
    """The series' surveys that had closed by then, newest first, released yet or not."""
    query = select(Survey).where(
        col(Survey.organization_id) == survey.organization_id,
        col(Survey.series) == survey.series,
        col(Survey.closed_at) <= closed_at,
    )
    newest_first = query.order_by(col(Survey.closed_at).desc(), col(Survey.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


async def next_wave(session: AsyncSession, survey: Survey) -> Survey | None:
    """The survey of its series that closed next."""
    query = select(Survey).where(
        col(Survey.organization_id) == survey.organization_id,
        col(Survey.series) == survey.series,
        tuple_(col(Survey.closed_at), col(Survey.id)) > (survey.closed_at, survey.id),
    )
    return (await session.scalars(query.order_by(col(Survey.closed_at), col(Survey.id)).limit(1))).first()


async def waits_for_another(session: AsyncSession, survey: Survey) -> bool:
    """Whether a survey of its series that closed before it has no release yet (R9b).

    Waits for one that is being stored just now: it asks for this one's release afterwards. One that cannot be
    released holds up the others for a week: it will then be compared with nothing, as another follows.
    """
    query = select(col(Survey.id)).where(
        *_in_series(survey, "closed"),
        _closing < _moment_of(survey),
        col(Survey.closed_at) > func.now() - MOST_PATIENCE,
    )
    return (await session.scalars(query.limit(1).with_for_update(read=True))).first() is not None


async def next_to_release(session: AsyncSession, survey: Survey) -> UUID | None:
    """The survey of its series that closed next of those that have no release yet."""
    query = select(col(Survey.id)).where(*_in_series(survey, "closed"), col(Survey.id) != survey.id)
    return (await session.scalars(query.order_by(col(Survey.closed_at), col(Survey.id)).limit(1))).first()


async def archived(session: TenantSession) -> set[UUID]:
    """What is left out wherever no id names it."""
    query = select(col(Survey.id)).where(
        col(Survey.organization_id) == session.organization_id, col(Survey.archived).is_(True)
    )
    return set((await session.scalars(query)).all())


async def is_followed(session: AsyncSession, survey: Survey) -> bool:
    """Whether a release is compared with it already."""
    query = select(Release).where(
        col(Release.organization_id) == survey.organization_id, col(Release.follows) == survey.id
    )
    return (await session.scalars(query.limit(1))).first() is not None


_closing = tuple_(col(Survey.closed_at), col(Survey.id))


def _moment_of(survey: Survey) -> Any:
    return tuple_(survey.closed_at or func.now(), survey.id)


def _newest_first(survey: Survey) -> SelectOfScalar[Survey]:
    """The released surveys of its series, without others that are archived."""
    is_shown = or_(col(Survey.archived).is_(False), col(Survey.id) == survey.id)
    query = select(Survey).where(*_in_series(survey, "released"), is_shown)
    return query.order_by(col(Survey.closed_at).desc(), col(Survey.id).desc())


def _in_series(survey: Survey, status: str) -> list[ColumnElement[bool]]:
    """The surveys without a series are one, too."""
    return [
        col(Survey.organization_id) == survey.organization_id,
        col(Survey.status) == status,
        col(Survey.series).is_not_distinct_from(survey.series),
    ]


async def results_over_waves(
    session: TenantSession,
    waves: Sequence[tuple[Survey, Release]],
    metric: str,
    groups: Sequence[tuple[str, str, str]],
) -> Sequence[Row[Any]]:
    """What each wave's release says of each of the groups, given as kind, segment and identifier."""
    parameters = {
        "surveys": [survey.id for survey, _ in waves],
        "numbers": [release.number for _, release in waves],
        "kinds": [kind for kind, _, _ in groups],
        "segments": [segment for _, segment, _ in groups],
        "keys": [key for _, _, key in groups],
        "metric": metric,
    }
    return (await session.execute(OVER_WAVES, parameters)).all()


async def newest_release(session: TenantSession, survey_id: UUID) -> Release | None:
    query = select(Release).where(
        col(Release.organization_id) == session.organization_id, col(Release.survey_id) == survey_id
    )
    return (await session.scalars(query.order_by(col(Release.number).desc()).limit(1))).first()


async def groups_of(session: TenantSession, release: Release) -> Sequence[SurveyGroup]:
    return await audience_queries.groups_of(session, release.survey_id)


async def bodies(
    session: AsyncSession, release: Release, metric: Metric[Numbers], ordinals: Sequence[int]
) -> dict[int, Numbers]:
    """What the release says of each of these groups, by ordinal."""
    rows = await results(session, release, metric, ordinals)
    return dict(zip(rows, await in_turns(lambda row: metric.parsed(*row), [*rows.values()]), strict=True))


async def results(
    session: AsyncSession, release: Release, metric: Metric[Numbers], ordinals: Sequence[int]
) -> dict[int, tuple[str, int]]:
    """The same as they are kept, each with its version."""
    parameters = {
        "survey_id": release.survey_id,
        "number": release.number,
        "metric": metric.name,
        "ordinals": list(ordinals),
    }
    rows = await session.execute(BODIES, parameters)
    return {ordinal: (body, version) for ordinal, body, version in rows}


async def over_releases(session: TenantSession, survey_id: UUID, metric: Metric[Numbers]) -> list[Numbers]:
    """What each release of a survey says of the whole organisation, the first one first."""
    parameters = {"survey_id": survey_id, "metric": metric.name}
    rows = await session.execute(OF_ORGANIZATION, parameters)
    return [metric.read(row.body, row.body_version) for row in rows]


async def comments_within(
    session: AsyncSession, release: Release, groups: Sequence[str | None], question: str | None, most: int
) -> dict[str | None, list[str]]:
    """Up to `most` comments of each group and all below it, by external id (None for the organisation)."""
    parameters = {
        "survey_id": release.survey_id,
        "tops": [group or "" for group in groups],
        "question": question,
        "most": most,
    }
    texts: dict[str | None, list[str]] = {group: [] for group in groups}
    for top, words in await session.execute(COMMENTS_WITHIN, parameters):
        texts[top or None].append(words)
    return texts


COMMENTS_BY_GROUP = text("""
SELECT question, group_ordinal, count(*) FROM comments
WHERE organization_id = :organization_id AND survey_id = :survey_id GROUP BY question, group_ordinal
""")


async def comments_by_group(
    session: TenantSession, survey_id: UUID, nodes: int
) -> defaultdict[str | None, NDArray[np.int64]]:
    """How many the direct members of every node gave, by the question; None has what was said besides."""
    counts: defaultdict[str | None, NDArray[np.int64]] = defaultdict(lambda: np.zeros(nodes, dtype=np.int64))
    for question, ordinal, count in await session.execute(COMMENTS_BY_GROUP, {"survey_id": survey_id}):
        counts[question][ordinal] = count
    return counts
