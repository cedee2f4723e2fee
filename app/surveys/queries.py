import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col, select, tuple_

from app.core.database import TenantSession
from app.surveys.audience.rules import ORGANIZATION, Cell
from app.surveys.questionnaires.built_in import built_in
from app.surveys.rules import FrozenGroup, TeamNode
from app.tables import Comment, Questionnaire, Response, Survey, SurveyCell, SurveyGroup

NEWEST_QUESTIONNAIRES = text("""
SELECT DISTINCT ON (key) key, version, content -> 'title' AS title, created_at FROM questionnaires
WHERE organization_id = :organization_id AND key > :after AND key <> :built_in
ORDER BY key, version DESC LIMIT :limit
""")
INSERT_GROUPS = text("""
INSERT INTO survey_groups
(organization_id, survey_id, ordinal, kind, external_id, name, parent, depth, segment)
SELECT :organization_id, :survey_id, g.* FROM json_to_recordset(CAST(:groups AS json)) AS g
(ordinal int, kind text, external_id text, name text, parent int, depth int, segment text)
""")
INSERT_CELLS = text("""
INSERT INTO survey_cells (organization_id, survey_id, ordinal, group_ordinal, segments, invited)
SELECT :organization_id, :survey_id, c.* FROM json_to_recordset(CAST(:cells AS json)) AS c
(ordinal int, group_ordinal int, segments jsonb, invited int)
""")
INSERT_MEMBERS = text("""
INSERT INTO survey_members (organization_id, survey_id, person_id, cell_ordinal)
SELECT :organization_id, :survey_id, m.*
FROM unnest(CAST(:people AS uuid[]), CAST(:ordinals AS int[])) AS m
""")
FORGET_PLANS = text("DISCARD PLANS")
"""Foreign keys are checked by plans that a connection keeps. One made while hardly anybody was on file reads
the whole table for each of a hundred thousand members, until the server has next analysed it."""
INSERT_RESPONSES = text("""
INSERT INTO responses
(organization_id, survey_id, respondent_key, submitted_at, cell_ordinal, locale, answers)
SELECT :organization_id, :survey_id, r.* FROM json_to_recordset(CAST(:rows AS json)) AS r
(respondent_key uuid, submitted_at timestamptz, cell_ordinal int, locale text, answers smallint[])
ORDER BY r.respondent_key
  ON CONFLICT (organization_id, survey_id, respondent_key) DO NOTHING RETURNING respondent_key
""")
SHUFFLE_RESPONSES = text("""
WITH taken AS (DELETE FROM responses
WHERE organization_id = :organization_id AND survey_id = :survey_id RETURNING *)
INSERT INTO responses (organization_id, survey_id, respondent_key, cell_ordinal, answers)
SELECT organization_id, survey_id, gen_random_uuid(), cell_ordinal, answers FROM taken
ORDER BY random()
""")
INSERT_COMMENTS = text("""
INSERT INTO comments (organization_id, survey_id, id, group_ordinal, text)
SELECT :organization_id, :survey_id, r.id, c.group_ordinal, r.text
FROM json_to_recordset(CAST(:rows AS json)) AS r (id uuid, cell_ordinal int, text text)
JOIN survey_cells c ON c.organization_id = :organization_id AND c.survey_id = :survey_id
  AND c.ordinal = r.cell_ordinal
ORDER BY r.id
""")
SHUFFLE_COMMENTS = text("""
WITH taken AS (DELETE FROM comments
WHERE organization_id = :organization_id AND survey_id = :survey_id RETURNING *)
INSERT INTO comments (organization_id, survey_id, id, group_ordinal, text)
SELECT organization_id, survey_id, gen_random_uuid(), group_ordinal, text FROM taken
ORDER BY random()
""")
INVITED_MEMBERS = text("""
SELECT wanted.external_id, p.id, m.cell_ordinal
FROM unnest(CAST(:external_ids AS text[])) AS wanted (external_id)
CROSS JOIN LATERAL (SELECT id FROM people
WHERE organization_id = :organization_id AND external_id = wanted.external_id LIMIT 1) p
CROSS JOIN LATERAL (SELECT cell_ordinal FROM survey_members
WHERE organization_id = :organization_id AND survey_id = :survey_id AND person_id = p.id LIMIT 1) m
""")
"""The limits keep it at two index look-ups a name: before statistics exist the planner would rather compare
every member of the survey with every name (measured: four seconds a batch)."""
CELLS_FROM_TEAMS_UP = text("""
WITH RECURSIVE above AS (
SELECT ordinal, parent, external_id FROM survey_groups
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND (ordinal = 0 OR kind = 'team' AND external_id = ANY(:teams))
UNION
SELECT g.ordinal, g.parent, g.external_id FROM survey_groups g JOIN above a ON g.ordinal = a.parent
WHERE g.organization_id = :organization_id AND g.survey_id = :survey_id)
SELECT a.ordinal AS team, a.parent, a.external_id, c.ordinal, c.segments
FROM above a LEFT JOIN survey_cells c ON c.organization_id = :organization_id
  AND c.survey_id = :survey_id AND c.group_ordinal = a.ordinal
""")
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


async def questionnaire_version(
    session: TenantSession, key: str, version: int | None = None
) -> Questionnaire | None:
    """The version asked for, or the newest; of the built-in one without a row too."""
    own = built_in()
    if key == own.key and version in (None, own.version):
        return Questionnaire(
            organization_id=session.organization_id,
            key=own.key,
            version=own.version,
            content=own.content,
            created_at=own.made_at,
        )
    query = select(Questionnaire).where(
        col(Questionnaire.organization_id) == session.organization_id, col(Questionnaire.key) == key
    )
    if version is not None:
        query = query.where(col(Questionnaire.version) == version)
    return (await session.scalars(query.order_by(col(Questionnaire.version).desc()).limit(1))).first()


async def newest_questionnaires(session: TenantSession, after: str, limit: int) -> Sequence[Row[Any]]:
    """Key, version, title and created_at of what the organisation made itself, by key."""
    parameters = {
        "after": after,
        "built_in": built_in().key,
        "limit": limit,
    }
    return (await session.execute(NEWEST_QUESTIONNAIRES, parameters)).all()


LOCK_QUESTIONNAIRE = text("""
SELECT pg_advisory_xact_lock(hashtextextended('questionnaire/' || :organization_id || :key, 0))
""")


async def lock_questionnaire(session: TenantSession, key: str) -> None:
    """One writer of a key at a time, so that versions follow one another."""
    await session.execute(LOCK_QUESTIONNAIRE, {"organization_id": str(session.organization_id), "key": key})


KEEP_QUESTIONNAIRE = text("""
INSERT INTO questionnaires (organization_id, key, version, content, created_at)
VALUES (:organization_id, :key, :version, CAST(:content AS jsonb), :created_at)
  ON CONFLICT DO NOTHING
""")


async def keep_questionnaire(session: AsyncSession, row: Questionnaire) -> None:
    """Stores a version that may be there already (the built-in one, when a survey freezes it)."""
    await session.execute(
        KEEP_QUESTIONNAIRE,
        {
            "key": row.key,
            "version": row.version,
            "content": json.dumps(row.content),
            "created_at": row.created_at,
        },
    )


async def survey(session: TenantSession, survey_id: UUID, *, lock: str | None = None) -> Survey | None:
    """`lock` "write" holds the survey alone, "read" together with others who read it."""
    query = select(Survey).where(
        col(Survey.organization_id) == session.organization_id, col(Survey.id) == survey_id
    )
    if lock is not None:
        query = query.with_for_update(read=lock == "read", key_share=lock == "write")
    return (await session.scalars(query.execution_options(populate_existing=True))).first()


async def surveys_before(
    session: TenantSession,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Survey]:
    """Newest first, from the survey after `after` on."""
    query = select(Survey).where(col(Survey.organization_id) == session.organization_id)
    if status is not None:
        query = query.where(col(Survey.status) == status)
    if after is not None:
        query = query.where(tuple_(col(Survey.created_at), col(Survey.id)) < after)
    newest_first = query.order_by(col(Survey.created_at).desc(), col(Survey.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


async def survey_with_external_id(session: TenantSession, external_id: str) -> UUID | None:
    return await session.scalar(
        select(col(Survey.id)).where(
            col(Survey.organization_id) == session.organization_id, col(Survey.external_id) == external_id
        )
    )


DELETE_SURVEY = text("DELETE FROM surveys WHERE organization_id = :organization_id AND id = :survey_id")


async def delete_survey(session: TenantSession, survey_id: UUID) -> None:
    await session.execute(DELETE_SURVEY, {"survey_id": survey_id})


async def store_groups(
    session: AsyncSession,
    survey: Survey,
    groups: Sequence[FrozenGroup],
    teams: Mapping[Any, TeamNode],
    organization_name: str,
    categories: Sequence[tuple[str, str]],
) -> None:
    """The tree, then (dimension, category) one by one."""
    tree = [
        {
            "ordinal": group.ordinal,
            "kind": "team" if group.team else "organization",
            "external_id": teams[group.team].external_id if group.team else "",
            "name": teams[group.team].name if group.team else organization_name,
            "parent": group.parent,
            "depth": group.depth,
        }
        for group in groups
    ]
    segments = [
        {
            "ordinal": ordinal,
            "kind": "segment",
            "segment": dimension,
            "external_id": category,
            "name": category,
            "parent": ORGANIZATION,
            "depth": 0,
        }
        for ordinal, (dimension, category) in enumerate(categories, start=len(tree))
    ]
    await session.execute(INSERT_GROUPS, {**_scope(survey), "groups": json.dumps(tree + segments)})


async def store_cells(
    session: AsyncSession, survey: Survey, cells: Sequence[Cell], *, has_frame: bool
) -> None:
    """In their order; without a frame nobody counts as invited."""
    rows = [
        {
            "ordinal": ordinal,
            "group_ordinal": cell.team,
            "segments": dict(zip(survey.report_by, cell.categories, strict=True)),
            "invited": cell.invited if has_frame else None,
        }
        for ordinal, cell in enumerate(cells)
    ]
    await session.execute(INSERT_CELLS, {**_scope(survey), "cells": json.dumps(rows)})


async def store_members(session: AsyncSession, survey: Survey, members: Mapping[UUID, int]) -> None:
    """Person -> ordinal of the cell."""
    people = sorted(members)
    ordinals = [members[person] for person in people]
    await session.execute(FORGET_PLANS)
    await session.execute(INSERT_MEMBERS, {**_scope(survey), "people": people, "ordinals": ordinals})


def _scope(survey: Survey) -> dict[str, UUID]:
    return {"survey_id": survey.id}


async def groups_of(session: TenantSession, survey_id: UUID) -> Sequence[SurveyGroup]:
    """In tree order, then the categories."""
    query = select(SurveyGroup).where(
        col(SurveyGroup.organization_id) == session.organization_id, col(SurveyGroup.survey_id) == survey_id
    )
    return (await session.scalars(query.order_by(col(SurveyGroup.ordinal)))).all()


async def cells_of(session: TenantSession, survey_id: UUID) -> Sequence[SurveyCell]:
    """By ordinal."""
    query = select(SurveyCell).where(
        col(SurveyCell.organization_id) == session.organization_id, col(SurveyCell.survey_id) == survey_id
    )
    return (await session.scalars(query.order_by(col(SurveyCell.ordinal)))).all()


async def categories_of(session: TenantSession, survey_id: UUID) -> set[tuple[str, str]]:
    """(dimension, category) of everything a response may be counted under."""
    rows = await session.execute(
        select(col(SurveyGroup.segment), col(SurveyGroup.external_id)).where(
            col(SurveyGroup.organization_id) == session.organization_id,
            col(SurveyGroup.survey_id) == survey_id,
            col(SurveyGroup.kind) == "segment",
        )
    )
    return {(str(dimension), category) for dimension, category in rows}


async def cells_from_teams_up(
    session: TenantSession, survey_id: UUID, external_ids: Sequence[str]
) -> Sequence[Row[Any]]:
    """Those teams of the survey, what lies above them and the organisation, each with its cells, if any."""
    parameters = {"survey_id": survey_id, "teams": list(external_ids)}
    return (await session.execute(CELLS_FROM_TEAMS_UP, parameters)).all()


async def members_by_external_ids(
    session: TenantSession, survey_id: UUID, external_ids: Sequence[str]
) -> dict[str, tuple[UUID, int]]:
    """Of those invited: external id -> (person, cell ordinal)."""
    rows = await session.execute(
        INVITED_MEMBERS,
        {"survey_id": survey_id, "external_ids": list(external_ids)},
    )
    return {external_id: (person, ordinal) for external_id, person, ordinal in rows}


async def store_responses(
    session: TenantSession, survey_id: UUID, rows: Sequence[dict[str, Any]]
) -> set[UUID]:
    """Stores the responses whose key is new, in the order of their keys; returns those keys."""
    if not rows:
        return set()
    parameters = {
        "survey_id": survey_id,
        "rows": json.dumps(rows, default=str),
    }
    return set((await session.scalars(INSERT_RESPONSES, parameters)).all())


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


async def shuffle_responses(session: TenantSession, survey_id: UUID) -> None:
    """Rewrites every response under a new random key, in random order, in this one transaction."""
    await session.execute(SHUFFLE_RESPONSES, {"survey_id": survey_id})


async def store_comments(session: TenantSession, survey_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """In the order of their random keys."""
    if rows:
        parameters = {"survey_id": survey_id}
        await session.execute(INSERT_COMMENTS, {**parameters, "rows": json.dumps(rows, default=str)})


async def comments_by_key(session: TenantSession, survey_id: UUID, keys: Sequence[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(col(Comment.id), col(Comment.text)).where(
            col(Comment.organization_id) == session.organization_id,
            col(Comment.survey_id) == survey_id,
            col(Comment.id).in_(keys),
        )
    )
    return {key: comment for key, comment in rows}


async def shuffle_comments(session: TenantSession, survey_id: UUID) -> None:
    """As the responses: afterwards no order and no transaction tells whose a comment was."""
    await session.execute(SHUFFLE_COMMENTS, {"survey_id": survey_id})


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


COUNT_INVITED = text("""
SELECT coalesce(sum(invited), 0)::int FROM survey_cells
WHERE organization_id = :organization_id AND survey_id = :survey_id
""")


async def count_invited(session: TenantSession, survey_id: UUID) -> int:
    """Of a survey with a frame."""
    total: int = await session.scalar(COUNT_INVITED, {"survey_id": survey_id})
    return total


async def open_surveys_not_counted_since(session: TenantSession, today: date) -> Sequence[Survey]:
    query = select(Survey).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status) == "open",
        col(Survey.participation_on) < today,
    )
    return (await session.scalars(query.with_for_update(key_share=True))).all()


async def surveys_to_open(session: TenantSession) -> Sequence[UUID]:
    """Drafts whose time has come."""
    return await _surveys_due(session, "draft", col(Survey.opens_at))


async def surveys_to_close(session: TenantSession) -> Sequence[UUID]:
    return await _surveys_due(session, "open", col(Survey.closes_at))


async def _surveys_due(
    session: TenantSession, status: str, moment: Mapped[datetime | None]
) -> Sequence[UUID]:
    query = select(col(Survey.id)).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status) == status,
        moment <= func.now(),
    )
    return (await session.scalars(query.order_by(moment))).all()


async def surveys_closed_before(session: TenantSession, moment: datetime) -> Sequence[UUID]:
    """Those still waiting for their release."""
    query = select(col(Survey.id)).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status) == "closed",
        col(Survey.closed_at) < moment,
    )
    return (await session.scalars(query)).all()
