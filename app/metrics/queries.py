import json
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, tuple_

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
RESPONDENT_KEYS = text(
    "SELECT respondent_key FROM responses"
    " WHERE organization_id = :organization_id AND survey_id = :survey_id ORDER BY respondent_key"
)
EMPLOYED_UNTIL = text(
    "SELECT m.person_id, m.group_ordinal, ("
    "  SELECT max(coalesce(e.ends_on, 'infinity')) FROM ("
    "   SELECT p.starts_on, p.ends_on FROM people p"
    "   WHERE p.organization_id = m.organization_id AND p.id = m.person_id"
    "   UNION ALL"
    "   SELECT h.starts_on, h.ends_on FROM employments h"
    "   WHERE h.organization_id = m.organization_id AND h.person_id = m.person_id) AS e"
    "  WHERE CAST(:on AS date) BETWEEN coalesce(e.starts_on, '-infinity') AND coalesce(e.ends_on, 'infinity')"
    " ) AS last_day"
    " FROM survey_members m WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id"
    " ORDER BY m.person_id"
)
ADD_RESULTS = text(
    "INSERT INTO release_results (organization_id, survey_id, number, metric, group_ordinal, body)"
    " SELECT :organization_id, :survey_id, :number, r.*"
    " FROM json_to_recordset(CAST(:results AS json)) AS r (metric text, group_ordinal int, body jsonb)"
    " ON CONFLICT DO NOTHING"
)
RESULTS_OF_WAVES = text(
    "SELECT r.survey_id, g.ordinal, g.kind, g.external_id, g.name, g.parent, r.body"
    " FROM releases l JOIN release_results r ON r.organization_id = l.organization_id"
    "  AND r.survey_id = l.survey_id AND r.number = l.number AND r.metric = :metric"
    " JOIN survey_groups g ON g.organization_id = r.organization_id"
    "  AND g.survey_id = r.survey_id AND g.ordinal = r.group_ordinal"
    " WHERE l.organization_id = :organization_id AND l.survey_id = ANY(CAST(:survey_ids AS uuid[]))"
    "  AND l.is_final ORDER BY r.survey_id, g.ordinal"
)
KPIS = text(
    "SELECT k.key, k.title, k.unit, k.better,"
    " ARRAY(SELECT DISTINCT v.period FROM kpi_values v"
    "  WHERE v.organization_id = k.organization_id AND v.kpi = k.key AND v.team_id IS NOT NULL) AS periods"
    ' FROM kpis k WHERE k.organization_id = :organization_id ORDER BY k.key COLLATE "C"'
)
KPI_VALUES = text(
    "SELECT v.kpi, v.period, t.external_id AS team, v.value"
    " FROM unnest(CAST(:kpis AS text[]), CAST(:periods AS text[])) AS w (kpi, period)"
    " JOIN kpi_values v ON v.organization_id = :organization_id AND v.kpi = w.kpi AND v.period = w.period"
    " JOIN teams t ON t.organization_id = v.organization_id AND t.id = v.team_id"
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


async def newest_release(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> Release:
    query = select(Release).where(
        col(Release.organization_id) == organization_id, col(Release.survey_id) == survey_id
    )
    return (await session.scalars(query.order_by(col(Release.number).desc()).limit(1))).one()


async def respondent_keys(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> list[bytes]:
    """In the order of `answers_of`."""
    parameters = {"organization_id": organization_id, "survey_id": survey_id}
    return [key.bytes for key in await session.scalars(RESPONDENT_KEYS, parameters)]


async def employed_until(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, on: date
) -> Sequence[Row[Any]]:
    """Of each person invited: group, and the last day of the employment he had on a day.

    That day is date.max where none is known, and None where he was not employed.
    """
    parameters = {"organization_id": organization_id, "survey_id": survey_id, "on": on}
    return (await session.execute(EMPLOYED_UNTIL, parameters)).all()


async def waves_until(
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


async def add_results(session: AsyncSession, release: Release, results: Sequence[dict[str, Any]]) -> None:
    """Metrics that are known later than the release itself; what is frozen already stays."""
    parameters = release.model_dump(include={"organization_id", "survey_id", "number"})
    await session.execute(ADD_RESULTS, parameters | {"results": json.dumps(results, allow_nan=False)})


async def results_of_waves(
    session: AsyncSession, organization_id: UUID, survey_ids: Sequence[UUID], metric: str
) -> Sequence[Row[Any]]:
    """Each group of each survey's final release as frozen with its result, in tree order."""
    parameters = {"organization_id": organization_id, "survey_ids": list(survey_ids), "metric": metric}
    return (await session.execute(RESULTS_OF_WAVES, parameters)).all()


async def kpis(session: AsyncSession, organization_id: UUID) -> Sequence[Row[Any]]:
    """Every KPI with the periods in which teams have values."""
    return (await session.execute(KPIS, {"organization_id": organization_id})).all()


async def kpi_values(
    session: AsyncSession, organization_id: UUID, wanted: Collection[tuple[str, str]]
) -> Sequence[Row[Any]]:
    """Those of teams, for pairs of KPI and period."""
    pairs = sorted(wanted)
    parameters = {
        "organization_id": organization_id,
        "kpis": [kpi for kpi, _ in pairs],
        "periods": [period for _, period in pairs],
    }
    return (await session.execute(KPI_VALUES, parameters)).all()


async def results(session: AsyncSession, release: Release, metric: str) -> Sequence[Row[Any]]:
    """Each group as frozen with its result, in tree order."""
    parameters = {
        "organization_id": release.organization_id,
        "survey_id": release.survey_id,
        "number": release.number,
        "metric": metric,
    }
    return (await session.execute(RESULTS, parameters)).all()
