"""What SCIM asks of teams: by their own ids, without what a client has deleted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.database import TenantSession
from app.scim.filters import Demand
from app.scim.queries import found_ids

IS_SEEN = """
t.organization_id = :organization_id AND t.id <> ALL (ARRAY(
    SELECT team_id FROM scim_groups WHERE organization_id = :organization_id AND hidden_at IS NOT NULL
))
"""
COUNT_GROUPS = text(f"SELECT count(*) FROM teams t WHERE {IS_SEEN}")  # noqa: S608 the text is ours


async def count_groups(session: TenantSession) -> int:
    """Every team SCIM may see."""
    count: int = await session.scalar(COUNT_GROUPS)
    return count


GROUP_IDS = text(f"""
SELECT t.id FROM teams t WHERE {IS_SEEN} ORDER BY t.created_at, t.id LIMIT :limit OFFSET :skipped
""")  # noqa: S608 the text is ours


async def group_ids(session: TenantSession, skipped: int, limit: int) -> Sequence[UUID]:
    """In the order of arrival."""
    return (await session.scalars(GROUP_IDS, {"skipped": skipped, "limit": limit})).all()


OF_IDS = """
SELECT t.id FROM teams t
WHERE t.organization_id = :organization_id AND t.id IN ({ids})
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
}


async def found_group_ids(session: TenantSession, demand: Demand | None, limit: int) -> Sequence[UUID] | None:
    """What a filter may let through; None where every group has to be tried."""
    return await found_ids(session, OF_IDS, WAYS, demand, limit)


GROUPS = text("""
SELECT t.id, t.external_id, t.name, coalesce(s.attributes, '{}') AS attributes, t.created_at,
    greatest(t.updated_at, s.updated_at) AS updated_at,
    ARRAY(
        SELECT p.id FROM people p
        LEFT JOIN scim_users u ON u.organization_id = p.organization_id AND u.person_id = p.id
        WHERE p.organization_id = t.organization_id AND p.team_id = t.id AND u.hidden_at IS NULL
        ORDER BY p.created_at, p.id
    ) AS members
FROM teams t
LEFT JOIN scim_groups s ON s.organization_id = t.organization_id AND s.team_id = t.id
WHERE t.organization_id = :organization_id AND t.id = ANY(CAST(:ids AS uuid[]))
  AND (s.hidden_at IS NULL OR :with_hidden)
""").columns(attributes=JSONB)


async def groups(
    session: TenantSession, ids: Sequence[UUID], *, with_hidden: bool = False
) -> Sequence[RowMapping]:
    found = await session.execute(GROUPS, {"ids": ids, "with_hidden": with_hidden})
    return found.mappings().all()


TEAM_ID = text("""
SELECT id FROM teams WHERE organization_id = :organization_id AND external_id = :external_id
""")


async def team_id(session: TenantSession, external_id: str) -> UUID | None:
    found: UUID | None = await session.scalar(TEAM_ID, {"external_id": external_id})
    return found


PUT_GROUP = text("""
INSERT INTO scim_groups AS s (organization_id, team_id, attributes)
VALUES (:organization_id, :team_id, CAST(:attributes AS jsonb))
ON CONFLICT (organization_id, team_id) DO UPDATE SET
    attributes = excluded.attributes, hidden_at = NULL, updated_at = now()
WHERE s.attributes IS DISTINCT FROM excluded.attributes OR s.hidden_at IS NOT NULL OR :is_touched
""")


async def put_group(
    session: TenantSession,
    id_: UUID,
    attributes: Mapping[str, Any],
    *,
    is_touched: bool = False,
) -> None:
    """Also brings back what a client had deleted."""
    row = {"team_id": id_, "attributes": json.dumps(attributes), "is_touched": is_touched}
    await session.execute(PUT_GROUP, {**row})


HIDE_GROUP = text("""
INSERT INTO scim_groups (organization_id, team_id, attributes, hidden_at)
VALUES (:organization_id, :id, '{}', now())
ON CONFLICT (organization_id, team_id) DO UPDATE SET hidden_at = now(), updated_at = now()
""")


async def hide_group(session: TenantSession, id_: UUID) -> None:
    await session.execute(HIDE_GROUP, {"id": id_})
