"""Who is asked, as it was frozen: groups, cells and members."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.database import TenantSession
from app.surveys.audience.rules import ORGANIZATION, Cell, FrozenGroup, TeamNode
from app.tables import Survey, SurveyCell, SurveyGroup

INSERT_GROUPS = text("""
INSERT INTO survey_groups
(organization_id, survey_id, ordinal, kind, external_id, name, parent, depth, segment)
SELECT :organization_id, :survey_id, g.* FROM json_to_recordset(CAST(:groups AS json)) AS g
(ordinal int, kind text, external_id text, name text, parent int, depth int, segment text)
""")


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


INSERT_CELLS = text("""
INSERT INTO survey_cells (organization_id, survey_id, ordinal, group_ordinal, segments, invited)
SELECT :organization_id, :survey_id, c.* FROM json_to_recordset(CAST(:cells AS json)) AS c
(ordinal int, group_ordinal int, segments jsonb, invited int)
""")


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


FORGET_PLANS = text("""DISCARD PLANS""")
"""Foreign keys are checked by plans that a connection keeps. One made while hardly anybody was on file reads
the whole table for each of a hundred thousand members, until the server has next analysed it."""
INSERT_MEMBERS = text("""
INSERT INTO survey_members (organization_id, survey_id, person_id, cell_ordinal)
SELECT :organization_id, :survey_id, m.*
FROM unnest(CAST(:people AS uuid[]), CAST(:ordinals AS int[])) AS m
""")


async def store_members(session: AsyncSession, survey: Survey, members: Mapping[UUID, int]) -> None:
    """Person -> ordinal of the cell."""
    people = sorted(members)
    ordinals = [members[person] for person in people]
    await session.execute(FORGET_PLANS)
    await session.execute(INSERT_MEMBERS, {**_scope(survey), "people": people, "ordinals": ordinals})


def _scope(survey: Survey) -> dict[str, UUID]:
    return {"survey_id": survey.id}


SURVEYS_WITH_TEAMS = text("""
SELECT DISTINCT g.survey_id FROM survey_groups g
JOIN unnest(CAST(:surveys AS uuid[]), CAST(:teams AS text[])) AS seen (survey_id, team)
  ON g.survey_id = seen.survey_id AND g.external_id = seen.team
WHERE g.organization_id = :organization_id AND g.kind = 'team'
""")


async def surveys_with_teams(session: TenantSession, seen: Mapping[UUID, Sequence[str]]) -> set[UUID]:
    """Those of the surveys that asked people in one of the teams given with each."""
    pairs = [(survey, team) for survey, teams in seen.items() for team in teams]
    parameters = {"surveys": [survey for survey, _ in pairs], "teams": [team for _, team in pairs]}
    return set((await session.scalars(SURVEYS_WITH_TEAMS, parameters)).all()) if pairs else set()


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


async def cells_from_teams_up(
    session: TenantSession, survey_id: UUID, external_ids: Sequence[str]
) -> Sequence[Row[Any]]:
    """Those teams of the survey, what lies above them and the organisation, each with its cells, if any."""
    parameters = {"survey_id": survey_id, "teams": list(external_ids)}
    return (await session.execute(CELLS_FROM_TEAMS_UP, parameters)).all()


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


async def members_by_external_ids(
    session: TenantSession, survey_id: UUID, external_ids: Sequence[str]
) -> dict[str, tuple[UUID, int]]:
    """Of those invited: external id -> (person, cell ordinal)."""
    rows = await session.execute(
        INVITED_MEMBERS,
        {"survey_id": survey_id, "external_ids": list(external_ids)},
    )
    return {external_id: (person, ordinal) for external_id, person, ordinal in rows}


COUNT_INVITED = text("""
SELECT coalesce(sum(invited), 0)::int FROM survey_cells
WHERE organization_id = :organization_id AND survey_id = :survey_id
""")


async def count_invited(session: TenantSession, survey_id: UUID) -> int:
    """Of a survey with a frame."""
    total: int = await session.scalar(COUNT_INVITED, {"survey_id": survey_id})
    return total


SURVEY_BEFORE = text("""
SELECT id FROM surveys
WHERE organization_id = :organization_id AND access = 'invited' AND id <> :survey_id AND opened_at IS NOT NULL
  AND status <> 'cancelled'
ORDER BY opened_at DESC LIMIT 1
""")
ASKED = text("""
SELECT count(*) AS audience, count(*) FILTER (WHERE p.created_at > now() - interval '30 days') AS new
FROM survey_members m
JOIN people p ON p.organization_id = m.organization_id AND p.id = m.person_id
WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id
""")
ASKED_ONCE = text("""
SELECT count(*) FROM (
    SELECT person_id FROM survey_members
    WHERE organization_id = :organization_id AND survey_id IN (:survey_id, :before)
    GROUP BY person_id HAVING count(*) = 1
) once
""")


async def size_of_audience(session: TenantSession, survey_id: UUID) -> dict[str, Any]:
    """What shows who would find somebody out by whom they ask (R15); the last is null without one before."""
    of = {"survey_id": survey_id}
    asked = (await session.execute(ASKED, of)).one()
    before = await session.scalar(SURVEY_BEFORE, of)
    differs = None if before is None else await session.scalar(ASKED_ONCE, of | {"before": before})
    return {"audience": asked.audience, "first_seen_within_30_days": asked.new, "differs_by": differs}
