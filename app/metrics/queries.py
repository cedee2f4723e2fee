import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, tuple_
from sqlmodel.sql.expression import SelectOfScalar

from app.tables import Release, Survey

ALL_ANSWERS = text(
    "SELECT count(*), string_agg(array_send(answers), ''::bytea ORDER BY respondent_key),"
    " string_agg(int4send(group_ordinal), ''::bytea ORDER BY respondent_key)"
    " FROM responses WHERE organization_id = :organization_id AND survey_id = :survey_id"
)
INSERT_RELEASE = text(
    "INSERT INTO releases (organization_id, survey_id, number, is_final, formula_version, released_at)"
    " VALUES (:organization_id, :survey_id, :number, true, :formula_version, :released_at)"
    " ON CONFLICT DO NOTHING RETURNING number"
)
INSERT_RESULTS = text(
    "INSERT INTO release_results (organization_id, survey_id, number, metric, group_ordinal, body)"
    " SELECT :organization_id, :survey_id, :number, r.*"
    " FROM json_to_recordset(CAST(:results AS json)) AS r (metric text, group_ordinal int, body jsonb)"
)
RESULTS = text(
    "SELECT g.ordinal, g.kind, g.external_id, g.name, g.parent, g.depth, r.body"
    " FROM release_results r JOIN survey_groups g ON g.organization_id = r.organization_id"
    "  AND g.survey_id = r.survey_id AND g.ordinal = r.group_ordinal"
    " WHERE r.organization_id = :organization_id AND r.survey_id = :survey_id AND r.number = :number"
    "  AND r.metric = :metric ORDER BY g.ordinal"
)
OVER_WAVES = text(
    "SELECT r.survey_id, k.kind, k.key, r.body"
    " FROM unnest(CAST(:surveys AS uuid[]), CAST(:numbers AS int[])) AS w (survey_id, number)"
    " CROSS JOIN unnest(CAST(:kinds AS text[]), CAST(:keys AS text[])) AS k (kind, key)"
    " JOIN survey_groups g ON g.organization_id = :organization_id AND g.survey_id = w.survey_id"
    "  AND g.kind = k.kind AND (g.kind = 'organization' OR g.external_id = k.key)"
    " JOIN release_results r ON r.organization_id = g.organization_id AND r.survey_id = g.survey_id"
    "  AND r.number = w.number AND r.metric = :metric AND r.group_ordinal = g.ordinal"
)
ARRAY_HEADER = 20
"""Bytes before the elements of a one-dimensional array in PostgreSQL's binary format."""


async def answers_of(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, questions: int
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Every response of the survey: answers (persons x questions) and the group ordinal of each person."""
    parameters = {"organization_id": organization_id, "survey_id": survey_id}
    count, answers, ordinals = (await session.execute(ALL_ANSWERS, parameters)).one()
    if count == 0:
        return np.empty((0, questions), dtype=np.int16), np.empty(0, dtype=np.int64)
    return decode_arrays(answers, count, questions), np.frombuffer(ordinals, dtype=">i4").astype(np.int64)


def decode_arrays(sent: bytes, count: int, length: int) -> NDArray[np.int16]:
    """`count` concatenated smallint[] values of `length` without nulls, as array_send wrote them."""
    rows = np.frombuffer(sent, dtype=np.uint8).reshape(count, ARRAY_HEADER + 6 * length)
    elements = rows[:, ARRAY_HEADER:].reshape(count, length, 6)[:, :, 4:]
    return np.ascontiguousarray(elements).view(">i2")[:, :, 0].astype(np.int16)


async def store_release(
    session: AsyncSession, release: dict[str, Any], results: Sequence[dict[str, Any]]
) -> bool:
    """False where the release is there already: a job repeated."""
    if (await session.execute(INSERT_RELEASE, release)).first() is None:
        return False
    await session.execute(INSERT_RESULTS, {**release, "results": json.dumps(results, allow_nan=False)})
    return True


async def mark_released(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, released_at: datetime
) -> None:
    await session.execute(
        text(
            "UPDATE surveys SET status = 'released', released_at = :released_at, updated_at = now()"
            " WHERE organization_id = :organization_id AND id = :survey_id"
        ),
        {"organization_id": organization_id, "survey_id": survey_id, "released_at": released_at},
    )


async def newest_released(session: AsyncSession, organization_id: UUID, series: str | None) -> Survey | None:
    """The survey released that closed last, of the series or of all."""
    query = select(Survey).where(
        col(Survey.organization_id) == organization_id, col(Survey.status) == "released"
    )
    if series is not None:
        query = query.where(col(Survey.series) == series)
    newest_first = query.order_by(col(Survey.closed_at).desc(), col(Survey.id).desc())
    return (await session.scalars(newest_first.limit(1))).first()


async def wave_before(session: AsyncSession, survey: Survey) -> Survey | None:
    """The newest released survey of its series that closed before it."""
    query = _newest_first(survey).where(_closing < (survey.closed_at, survey.id))
    return (await session.scalars(query.limit(1))).first()


async def waves_until(session: AsyncSession, survey: Survey, most: int) -> list[tuple[Survey, Release]]:
    """The newest released surveys of its series, that one last, each with its newest release."""
    query = _newest_first(survey).where(_closing <= (survey.closed_at, survey.id))
    waves = (await session.scalars(query.limit(most))).all()[::-1]
    releases = select(Release).where(
        col(Release.organization_id) == survey.organization_id,
        col(Release.survey_id).in_([wave.id for wave in waves]),
    )
    newest = {one.survey_id: one for one in await session.scalars(releases.order_by(col(Release.number)))}
    return [(wave, newest[wave.id]) for wave in waves]


_closing = tuple_(col(Survey.closed_at), col(Survey.id))


def _newest_first(survey: Survey) -> SelectOfScalar[Survey]:
    """The released surveys of its series."""
    return (
        select(Survey)
        .where(
            col(Survey.organization_id) == survey.organization_id,
            col(Survey.status) == "released",
            col(Survey.series).is_not_distinct_from(survey.series),
        )
        .order_by(col(Survey.closed_at).desc(), col(Survey.id).desc())
    )


async def results_over_waves(
    session: AsyncSession,
    waves: Sequence[tuple[Survey, Release]],
    metric: str,
    groups: Sequence[tuple[str, str]],
) -> Sequence[Row[Any]]:
    """What each wave's release says of each of the groups, given as kind and identifier of their own."""
    parameters = {
        "organization_id": waves[0][0].organization_id,
        "surveys": [survey.id for survey, _ in waves],
        "numbers": [release.number for _, release in waves],
        "kinds": [kind for kind, _ in groups],
        "keys": [key for _, key in groups],
        "metric": metric,
    }
    return (await session.execute(OVER_WAVES, parameters)).all()


async def newest_release(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> Release:
    query = select(Release).where(
        col(Release.organization_id) == organization_id, col(Release.survey_id) == survey_id
    )
    return (await session.scalars(query.order_by(col(Release.number).desc()).limit(1))).one()


async def results(session: AsyncSession, release: Release, metric: str) -> Sequence[Row[Any]]:
    """Each group as frozen with its result, in tree order."""
    parameters = {
        "organization_id": release.organization_id,
        "survey_id": release.survey_id,
        "number": release.number,
        "metric": metric,
    }
    return (await session.execute(RESULTS, parameters)).all()
