import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.tables import Release, Survey

ALL_ANSWERS = text(
    "SELECT count(*), string_agg(array_send(answers), ''::bytea ORDER BY respondent_key),"
    " string_agg(int4send(cell_ordinal), ''::bytea ORDER BY respondent_key)"
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
ARRAY_HEADER = 20
"""Bytes before the elements of a one-dimensional array in PostgreSQL's binary format."""


async def answers_of(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, questions: int
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Every response of the survey: answers (persons x questions) and the cell ordinal of each person."""
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
