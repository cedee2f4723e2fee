import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import col, select

from app.core.database import TenantSession
from app.surveys.responses.rules import NOT_ANSWERED
from app.tables import Comment, Response


class ResponseRow(NamedTuple):
    key: UUID
    cell_ordinal: int
    locale: str | None
    answers: Sequence[int]
    """As many in each row of one survey."""


INSERT = """
INSERT INTO responses
(organization_id, survey_id, respondent_key, submitted_at, cell_ordinal, locale, answers)
SELECT :organization_id, :survey_id, r.key, CAST(:submitted_at AS timestamptz), r.cell_ordinal, r.locale,
    (CAST(CAST(:answers AS text) AS smallint[]))[(r.place - 1) * :width + 1 : r.place * :width]
FROM unnest(CAST(:keys AS uuid[]), CAST(:cells AS int[]), CAST(:locales AS text[])) WITH ORDINALITY
    AS r (key, cell_ordinal, locale, place)
ORDER BY r.key
  ON CONFLICT (organization_id, survey_id, respondent_key)
"""
INSERT_RESPONSES = text(f"""{INSERT} DO NOTHING RETURNING respondent_key""")
CHANGE_RESPONSES = text(f"""
{INSERT} DO UPDATE SET answers = (
    SELECT array_agg(CASE WHEN fresh = {NOT_ANSWERED} THEN old ELSE fresh END ORDER BY place)
    FROM unnest(excluded.answers, responses.answers) WITH ORDINALITY AS slots (fresh, old, place)
), locale = coalesce(excluded.locale, responses.locale), submitted_at = excluded.submitted_at
RETURNING respondent_key
""")  # noqa: S608


async def store_responses(
    session: TenantSession,
    survey_id: UUID,
    rows: Sequence[ResponseRow],
    submitted_at: datetime | None,
    *,
    are_changed: bool,
) -> set[UUID]:
    """Stores the responses whose key is new, in the order of their keys; returns those keys.

    Where they are changed, also those whose key is known: what they answer takes the place of what it was.
    """
    if not rows:
        return set()
    keys, cells, locales, answers = zip(*rows, strict=True)
    parameters = {
        "survey_id": survey_id,
        "submitted_at": submitted_at,
        "keys": keys,
        "cells": cells,
        "locales": locales,
        "answers": f"{{{','.join(map(str, chain.from_iterable(answers)))}}}",  # in text: the driver is slow
        "width": len(answers[0]),
    }
    statement = CHANGE_RESPONSES if are_changed else INSERT_RESPONSES
    return set((await session.scalars(statement, parameters)).all())


async def answers_by_key(
    session: TenantSession, survey_id: UUID, keys: Sequence[UUID]
) -> dict[UUID, tuple[int, list[int]]]:
    """Key -> (cell ordinal, answers)."""
    rows = await session.execute(
        select(col(Response.respondent_key), col(Response.cell_ordinal), col(Response.answers)).where(
            col(Response.organization_id) == session.organization_id,
            col(Response.survey_id) == survey_id,
            col(Response.respondent_key).in_(keys),
        )
    )
    return {key: (ordinal, answers) for key, ordinal, answers in rows}


SHUFFLE_RESPONSES = text("""
WITH taken AS (DELETE FROM responses
WHERE organization_id = :organization_id AND survey_id = :survey_id RETURNING *)
INSERT INTO responses (organization_id, survey_id, respondent_key, cell_ordinal, answers)
SELECT organization_id, survey_id, gen_random_uuid(), cell_ordinal, answers FROM taken
ORDER BY random()
""")


async def shuffle_responses(session: TenantSession, survey_id: UUID) -> None:
    """Rewrites every response under a new random key, in random order, in this one transaction."""
    await session.execute(SHUFFLE_RESPONSES, {"survey_id": survey_id})


INSERT_COMMENTS = text("""
INSERT INTO comments (organization_id, survey_id, id, group_ordinal, text, question)
SELECT :organization_id, :survey_id, r.id, c.group_ordinal, r.text, r.question
FROM json_to_recordset(CAST(:rows AS json)) AS r (id uuid, cell_ordinal int, text text, question text)
JOIN survey_cells c ON c.organization_id = :organization_id AND c.survey_id = :survey_id
  AND c.ordinal = r.cell_ordinal
ORDER BY r.id
  ON CONFLICT (organization_id, survey_id, id) DO UPDATE SET text = excluded.text
""")


async def store_comments(
    session: TenantSession, survey_id: UUID, rows: Sequence[Mapping[str, object]]
) -> None:
    """In the order of their keys; what somebody may change takes the place of what they wrote before."""
    if rows:
        parameters = {"survey_id": survey_id}
        await session.execute(INSERT_COMMENTS, {**parameters, "rows": json.dumps(rows, default=str)})


DELETE_COMMENTS = text("""
DELETE FROM comments WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND id = ANY(CAST(:ids AS uuid[]))
""")


async def delete_comments(session: TenantSession, survey_id: UUID, ids: Sequence[UUID]) -> None:
    if ids:
        await session.execute(DELETE_COMMENTS, {"survey_id": survey_id, "ids": list(ids)})


async def comments_by_key(session: TenantSession, survey_id: UUID, keys: Sequence[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(col(Comment.id), col(Comment.text)).where(
            col(Comment.organization_id) == session.organization_id,
            col(Comment.survey_id) == survey_id,
            col(Comment.id).in_(keys),
        )
    )
    return {key: comment for key, comment in rows}


SHUFFLE_COMMENTS = text("""
WITH taken AS (DELETE FROM comments
WHERE organization_id = :organization_id AND survey_id = :survey_id RETURNING *)
INSERT INTO comments (organization_id, survey_id, id, group_ordinal, text, question)
SELECT organization_id, survey_id, gen_random_uuid(), group_ordinal, text, question FROM taken
ORDER BY random()
""")


async def shuffle_comments(session: TenantSession, survey_id: UUID) -> None:
    """As the responses: afterwards no order and no transaction tells whose a comment was."""
    await session.execute(SHUFFLE_COMMENTS, {"survey_id": survey_id})


READABLE_RESPONSES = text("""
SELECT r.respondent_key, p.external_id AS respondent, nullif(g.external_id, '') AS team,
r.answers, r.locale, r.submitted_at
FROM responses r
JOIN people p ON p.organization_id = r.organization_id AND p.id = r.respondent_key
JOIN survey_cells c ON c.organization_id = r.organization_id AND c.survey_id = r.survey_id
  AND c.ordinal = r.cell_ordinal
JOIN survey_groups g ON g.organization_id = c.organization_id AND g.survey_id = c.survey_id
  AND g.ordinal = c.group_ordinal
WHERE r.organization_id = :organization_id AND r.survey_id = :survey_id
  AND (CAST(:after AS text) IS NULL OR r.respondent_key > (
SELECT id FROM people WHERE organization_id = :organization_id AND external_id = :after))
ORDER BY r.respondent_key LIMIT :limit
""")


async def readable_responses(
    session: TenantSession, survey_id: UUID, after: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Responses of an attributed survey with their persons, by internal id; `after` is a respondent."""
    parameters = {"survey_id": survey_id, "after": after, "limit": limit}
    return (await session.execute(READABLE_RESPONSES, parameters)).all()


COUNT_RESPONSES = text("""
SELECT count(*) FROM responses
WHERE organization_id = :organization_id AND survey_id = :survey_id
""")


async def count_responses(session: TenantSession, survey_id: UUID) -> int:
    return int(await session.scalar(COUNT_RESPONSES, {"survey_id": survey_id}) or 0)
