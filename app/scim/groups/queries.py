"""What SCIM asks of teams: by their own ids, without what a client has deleted."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.database import TenantSession
from app.scim.filters import Demand
from app.scim.queries import arrivals, found_ids

IS_SEEN = """
t.organization_id = :organization_id AND t.id <> ALL (ARRAY(
    SELECT team_id FROM scim_groups WHERE organization_id = :organization_id AND hidden_at IS NOT NULL
))
"""
ARRIVALS = arrivals("teams t", IS_SEEN)
"""Of every team SCIM may see."""


OF_IDS = """
SELECT t.id FROM teams t
WHERE t.organization_id = :organization_id AND t.id IN ({})
ORDER BY t.created_at, t.id LIMIT :limit
"""
WAYS = {
    "id": "SELECT id FROM teams WHERE organization_id = :organization_id AND id = CAST(:value AS uuid)",
    "name": """
        SELECT id FROM teams
        WHERE organization_id = :organization_id AND name_key = search_key(CAST(:value AS text))
    """,
    "external_id": """
        SELECT id FROM teams
        WHERE organization_id = :organization_id AND external_id = CAST(:value AS text)
        UNION ALL
        SELECT team_id FROM scim_groups
        WHERE organization_id = :organization_id
          AND external_id_key = search_key(CAST(:value AS text))
    """,
    "member": """
        SELECT group_id FROM scim_members
        WHERE organization_id = :organization_id AND person_id = CAST(:value AS uuid)
        UNION ALL
        SELECT team_id FROM people
        WHERE organization_id = :organization_id AND id = CAST(:value AS uuid)
    """,
}


async def found_group_ids(session: TenantSession, demand: Demand | None, limit: int) -> Sequence[UUID] | None:
    """What a filter may let through; None where every group has to be tried."""
    return await found_ids(session, OF_IDS, WAYS, demand, limit)


IS_OTHER = "g.organization_id = :organization_id AND g.team_id IS NULL"
OTHER_ARRIVALS = arrivals("scim_groups g", IS_OTHER)
"""Of groups that are no teams."""


OTHERS_OF_IDS = """
SELECT id FROM scim_groups
WHERE organization_id = :organization_id AND team_id IS NULL AND id IN ({})
ORDER BY created_at, id LIMIT :limit
"""
WAYS_TO_OTHERS = {
    "id": "SELECT id FROM scim_groups WHERE organization_id = :organization_id AND id = CAST(:value AS uuid)",
    "name": """
        SELECT id FROM scim_groups
        WHERE organization_id = :organization_id AND name_key = search_key(CAST(:value AS text))
    """,
    "external_id": """
        SELECT id FROM scim_groups
        WHERE organization_id = :organization_id
          AND external_id_key = search_key(CAST(:value AS text))
    """,
    "member": """
        SELECT group_id FROM scim_members
        WHERE organization_id = :organization_id AND person_id = CAST(:value AS uuid)
    """,
}


async def found_other_ids(session: TenantSession, demand: Demand | None, limit: int) -> Sequence[UUID] | None:
    return await found_ids(session, OTHERS_OF_IDS, WAYS_TO_OTHERS, demand, limit)


GROUPS = text("""
SELECT t.id, t.id AS team_id, t.external_id, t.name, coalesce(s.attributes, '{}') AS attributes,
    t.created_at, greatest(t.updated_at, s.updated_at) AS updated_at
FROM teams t
LEFT JOIN scim_groups s ON s.organization_id = t.organization_id AND s.team_id = t.id
WHERE t.organization_id = :organization_id AND t.id = ANY(CAST(:ids AS uuid[]))
  AND (s.hidden_at IS NULL OR :with_hidden)
UNION ALL
SELECT g.id, NULL, NULL, g.name, g.attributes, g.created_at, g.updated_at
FROM scim_groups g
WHERE g.organization_id = :organization_id AND g.id = ANY(CAST(:ids AS uuid[])) AND g.team_id IS NULL
""").columns(attributes=JSONB)


async def groups(
    session: TenantSession, ids: Sequence[UUID], *, with_hidden: bool = False
) -> Sequence[RowMapping]:
    found = await session.execute(GROUPS, {"ids": ids, "with_hidden": with_hidden})
    return found.mappings().all()


MEMBERS = text("""
WITH members AS (
    SELECT m.group_id, m.person_id FROM scim_members m
    WHERE m.organization_id = :organization_id AND m.group_id = ANY(CAST(:ids AS uuid[]))
    UNION
    SELECT p.team_id, p.id FROM people p
    WHERE p.organization_id = :organization_id AND p.team_id = ANY(CAST(:ids AS uuid[]))
)
SELECT members.group_id, p.id, p.name
FROM members
JOIN people p ON p.organization_id = :organization_id AND p.id = members.person_id
LEFT JOIN scim_users u ON u.organization_id = p.organization_id AND u.person_id = p.id
WHERE u.hidden_at IS NULL
ORDER BY p.created_at, p.id
""")


async def members(session: TenantSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Those whom a client has named, and whoever is in the team by another way."""
    return (await session.execute(MEMBERS, {"ids": ids})).mappings().all()


KEEP_TEAMS = text("""
WITH present AS (
    SELECT p.id, p.team_id FROM people p
    WHERE p.organization_id = :organization_id AND p.id = ANY(CAST(:people AS uuid[]))
      AND p.team_id IS NOT NULL
), known AS (
    INSERT INTO scim_groups (organization_id, id, team_id, attributes)
    SELECT DISTINCT CAST(:organization_id AS uuid), team_id, team_id, CAST('{}' AS jsonb) FROM present
    ON CONFLICT DO NOTHING
)
INSERT INTO scim_members (organization_id, group_id, person_id)
SELECT CAST(:organization_id AS uuid), team_id, id FROM present
ON CONFLICT DO NOTHING
""")
ADD_MEMBERS = text("""
INSERT INTO scim_members (organization_id, group_id, person_id)
SELECT CAST(:organization_id AS uuid), CAST(:group AS uuid), id FROM unnest(CAST(:people AS uuid[])) AS id
ON CONFLICT DO NOTHING
""")


async def keep_teams(session: TenantSession, people: Collection[UUID]) -> None:
    """Whoever is in a team is a member of it from now on: what a client sees does not go by itself."""
    await session.execute(KEEP_TEAMS, {"people": list(people)})


async def add_members(session: TenantSession, group: UUID, people: Collection[UUID]) -> None:
    await session.execute(ADD_MEMBERS, {"group": group, "people": list(people)})


REMOVE_MEMBERS = text("""
DELETE FROM scim_members
WHERE organization_id = :organization_id AND group_id = :group AND person_id = ANY(CAST(:people AS uuid[]))
""")


async def remove_members(session: TenantSession, group: UUID, people: Collection[UUID]) -> None:
    await session.execute(REMOVE_MEMBERS, {"group": group, "people": list(people)})


TEAMS_BY_MEMBERSHIP = text("""
WITH RECURSIVE kept AS (
    SELECT m.person_id, g.team_id, m.added_at
    FROM scim_members m
    JOIN scim_groups g ON g.organization_id = m.organization_id AND g.id = m.group_id
    WHERE m.organization_id = :organization_id AND m.person_id = ANY(CAST(:people AS uuid[]))
      AND g.team_id IS NOT NULL AND g.hidden_at IS NULL
), above AS (
    SELECT DISTINCT team_id AS below, team_id AS id, 0 AS depth FROM kept
    UNION ALL
    SELECT above.below, t.parent_id, above.depth + 1
    FROM above JOIN teams t ON t.organization_id = :organization_id AND t.id = above.id
    WHERE t.parent_id IS NOT NULL
), depths AS (SELECT below AS team_id, max(depth) AS depth FROM above GROUP BY below)
SELECT DISTINCT ON (p.id) p.external_id AS person, now_in.external_id AS team, best.external_id AS best
FROM people p
LEFT JOIN teams now_in ON now_in.organization_id = p.organization_id AND now_in.id = p.team_id
LEFT JOIN kept ON kept.person_id = p.id
LEFT JOIN depths ON depths.team_id = kept.team_id
LEFT JOIN teams best ON best.organization_id = p.organization_id AND best.id = kept.team_id
WHERE p.organization_id = :organization_id AND p.id = ANY(CAST(:people AS uuid[]))
ORDER BY p.id, depths.depth DESC NULLS LAST, kept.team_id = p.team_id DESC, kept.added_at
""")


async def teams_by_membership(session: TenantSession, people: Collection[UUID]) -> Sequence[RowMapping]:
    """Of each person the team they are in, and that which their groups make: the deepest, else the first."""
    return (await session.execute(TEAMS_BY_MEMBERSHIP, {"people": list(people)})).mappings().all()


TEAM_ID = text("""
SELECT id FROM teams WHERE organization_id = :organization_id AND external_id = :external_id
""")


async def team_id(session: TenantSession, external_id: str) -> UUID | None:
    found: UUID | None = await session.scalar(TEAM_ID, {"external_id": external_id})
    return found


PUT_GROUP = text("""
INSERT INTO scim_groups AS s (organization_id, id, team_id, name, attributes)
VALUES (:organization_id, :id, :team_id, :name, CAST(:attributes AS jsonb))
ON CONFLICT (organization_id, id) DO UPDATE SET
    name = excluded.name, attributes = excluded.attributes, hidden_at = NULL,
    updated_at = excluded.updated_at
WHERE (s.name, s.attributes) IS DISTINCT FROM (excluded.name, excluded.attributes)
    OR s.hidden_at IS NOT NULL OR :is_touched
""")


async def put_group(
    session: TenantSession,
    id_: UUID,
    attributes: Mapping[str, Any],
    *,
    is_touched: bool = False,
    other: str | None = None,
) -> None:
    """Also brings back what a client had deleted. A group that is no team has its name here."""
    row = {"id": id_, "team_id": None if other is not None else id_, "name": other}
    document = {"attributes": json.dumps(attributes), "is_touched": is_touched}
    await session.execute(PUT_GROUP, {**row, **document})


HIDE_GROUP = text("""
INSERT INTO scim_groups (organization_id, id, team_id, attributes, hidden_at)
VALUES (:organization_id, :id, :id, '{}', now())
ON CONFLICT (organization_id, id) DO UPDATE
SET hidden_at = excluded.hidden_at, updated_at = excluded.updated_at
""")


async def hide_group(session: TenantSession, id_: UUID) -> None:
    await session.execute(HIDE_GROUP, {"id": id_})


DELETE_OTHER = text("""DELETE FROM scim_groups WHERE organization_id = :organization_id AND id = :id""")


async def delete_other(session: TenantSession, id_: UUID) -> None:
    """A group that is no team, with its memberships."""
    await session.execute(DELETE_OTHER, {"id": id_})
