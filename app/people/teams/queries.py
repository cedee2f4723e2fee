"""What is asked of teams. Rows for sets of them: a batch takes as many statements as one team."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, text

from app.core.database import TenantSession, transaction_time
from app.people.queries import CAME_OR_WENT, ListKey, ListPart, as_json, exhume


class TeamNode(NamedTuple):
    id: UUID
    external_id: str
    name: str
    parent_id: UUID | None
    lead: str | None


TEAM_TREE = text("""
SELECT id, external_id, name, parent_id, lead FROM teams
WHERE organization_id = :organization_id ORDER BY external_id
""")


async def team_tree(session: TenantSession) -> list[TeamNode]:
    rows = await session.execute(TEAM_TREE)
    return [TeamNode(*row) for row in rows]


BELOW = """
below AS (
    SELECT id, external_id FROM teams
    WHERE organization_id = :organization_id AND external_id = CAST(:team AS text)
    UNION
    SELECT t.id, t.external_id FROM teams t
    JOIN below ON t.parent_id = below.id WHERE t.organization_id = :organization_id
)
"""
"""For WITH RECURSIVE: a team and all that are below it."""
TEAM_AND_BELOW = text(f"""WITH RECURSIVE {BELOW} SELECT id FROM below""")  # noqa: S608 the text is ours


async def team_and_below(session: TenantSession, external_id: str) -> Sequence[UUID]:
    """Nothing where there is no such team."""
    return (await session.scalars(TEAM_AND_BELOW, {"team": external_id})).all()


HOLD_TEAM_TREE = text("""SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))""")


async def hold_team_tree(session: TenantSession) -> None:
    """Until this transaction ends no other changes a team: two moves could make a cycle together."""
    await session.execute(HOLD_TEAM_TREE, {"name": f"teams {session.organization_id}"})


HOLD_TEAMS = text("""
SELECT external_id, id FROM teams
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:ids AS text[]))
ORDER BY external_id FOR KEY SHARE
""")


async def hold_teams(session: TenantSession, external_ids: Collection[str]) -> dict[str, UUID]:
    """Those of the teams that are there, which until this transaction ends nobody can delete."""
    rows = await session.execute(HOLD_TEAMS, {"ids": list(external_ids)})
    return {row.external_id: row.id for row in rows}


TEAMS = text("""
SELECT t.id, t.external_id, t.name, above.external_id AS parent, t.lead, t.created_at, t.updated_at,
    t.lead IS NOT NULL AND leader.id IS NULL AS is_lead_unknown
FROM teams t
LEFT JOIN teams above ON above.organization_id = t.organization_id AND above.id = t.parent_id
LEFT JOIN people leader ON leader.organization_id = t.organization_id AND leader.external_id = t.lead
WHERE t.organization_id = :organization_id AND t.external_id = ANY(CAST(:ids AS text[]))
""")


async def teams(session: TenantSession, external_ids: Sequence[str]) -> Sequence[RowMapping]:
    found = await session.execute(TEAMS, {"ids": external_ids})
    return found.mappings().all()


CHANGED_TEAMS = """
SELECT external_id, CAST(NULL AS timestamptz) AS deleted_at FROM teams
WHERE organization_id = :organization_id
  AND (CAST(:after AS text) IS NULL OR external_id > :after)
  AND (CAST(:updated_after AS timestamptz) IS NULL OR updated_at >= :updated_after
    OR lead IN (SELECT external_id FROM came_or_went))
UNION ALL
SELECT external_id, deleted_at FROM tombstones
WHERE organization_id = :organization_id AND kind = 'team'
  AND (CAST(:after AS text) IS NULL OR external_id > :after)
  AND deleted_at >= CAST(:deleted_after AS timestamptz)
ORDER BY external_id
LIMIT :limit
"""
TEAM_KEYS = text(CAME_OR_WENT + CHANGED_TEAMS)


async def team_keys(session: TenantSession, window: ListPart) -> list[ListKey]:
    """The next teams by identifier; in a delta read deleted ones too."""
    found = await session.execute(TEAM_KEYS, {**window._asdict()})
    return [ListKey(*row) for row in found]


ADD_TEAMS = text("""
INSERT INTO teams (organization_id, id, external_id, name, parent_id, lead)
SELECT CAST(:organization_id AS uuid), r.id, r.external_id, r.name, r.parent_id, r.lead
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(id uuid, external_id text, name text, parent_id uuid, lead text)
""")


async def add_teams(session: TenantSession, rows: Sequence[TeamNode]) -> None:
    """A parent may come in the same rows, anywhere."""
    await session.execute(ADD_TEAMS, {"rows": as_json(rows)})
    await exhume(session, "team", [row.external_id for row in rows])


CHANGE_TEAMS = text("""
UPDATE teams t
SET name = r.name, parent_id = r.parent_id, lead = r.lead, updated_at = now(),
    lead_since = CASE WHEN t.lead IS DISTINCT FROM r.lead THEN :now ELSE t.lead_since END
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(id uuid, name text, parent_id uuid, lead text)
WHERE t.organization_id = :organization_id AND t.id = r.id
""")


async def change_teams(session: TenantSession, rows: Sequence[TeamNode]) -> None:
    now = await transaction_time(session)
    await session.execute(CHANGE_TEAMS, {"rows": as_json(rows), "now": now})


HOLD_TEAM = text("""
SELECT id FROM teams
WHERE organization_id = :organization_id AND external_id = :external_id FOR UPDATE
""")


async def hold_team(session: TenantSession, external_id: str) -> UUID | None:
    """Locks the team, if there is one: who puts a person into it now is waited for, or waits."""
    team_id: UUID | None = await session.scalar(HOLD_TEAM, {"external_id": external_id})
    return team_id


TEAM_IN_USE = text("""
SELECT EXISTS (SELECT FROM people WHERE organization_id = :organization_id AND team_id = :id)
    OR EXISTS (SELECT FROM teams WHERE organization_id = :organization_id AND parent_id = :id)
""")


async def is_team_in_use(session: TenantSession, team_id: UUID) -> bool:
    """Whether people or teams are in it."""
    return bool(await session.scalar(TEAM_IN_USE, {"id": team_id}))


DELETE_TEAM = text("""DELETE FROM teams WHERE organization_id = :organization_id AND id = :id""")


async def delete_team(session: TenantSession, team_id: UUID) -> None:
    await session.execute(DELETE_TEAM, {"id": team_id})
