"""What SCIM asks of people: by their own ids, without what a client has deleted."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.database import TenantSession
from app.scim.filters import Demand
from app.scim.queries import Sorting, arrivals, found_ids

IS_SEEN = """
p.organization_id = :organization_id AND p.id <> ALL (ARRAY(
    SELECT person_id FROM scim_users WHERE organization_id = :organization_id AND hidden_at IS NOT NULL
))
"""
"""The hidden are read once; a join would be one look for everybody that a page skips."""
ARRIVALS = arrivals("people p", IS_SEEN)
"""Of everybody SCIM may see."""


OF_IDS = """
SELECT p.id FROM people p
WHERE p.organization_id = :organization_id AND p.id IN ({})
ORDER BY p.created_at, p.id LIMIT :limit
"""
SORTED = f"""
SELECT p.id FROM people p
LEFT JOIN scim_users s ON s.organization_id = p.organization_id AND s.person_id = p.id
WHERE {IS_SEEN}
ORDER BY {{}}, p.created_at, p.id LIMIT :limit OFFSET :skipped
"""  # noqa: S608 the text is ours
KEYS = {
    "userName": """
        coalesce(s.name_key, CASE WHEN p.email_key NOT IN (
            SELECT email_key FROM people
            WHERE organization_id = :organization_id AND email_key IS NOT NULL
            GROUP BY email_key HAVING count(*) > 1
            UNION ALL
            SELECT name_key FROM scim_users
            WHERE organization_id = :organization_id AND hidden_at IS NULL
        ) THEN p.email_key END, p.external_id_key) COLLATE "C"
    """,
    "displayName": 'p.name_key COLLATE "C"',
    "externalId": """
        CASE WHEN jsonb_exists(s.attributes, 'externalId') THEN s.attributes ->> 'externalId'
            ELSE p.external_id END COLLATE "C"
    """,
    "id": "CAST(p.id AS text)",
    "meta.created": "p.created_at",
    "meta.lastModified": "greatest(p.updated_at, s.updated_at)",
    "name.familyName": "search_key(s.attributes #>> '{name,familyName}') COLLATE \"C\"",
    "name.givenName": "search_key(s.attributes #>> '{name,givenName}') COLLATE \"C\"",
}
SORTING = Sorting(SORTED, KEYS)
"""Of user names as `USERS` makes them."""
WAYS = {
    "id": "SELECT id FROM people WHERE organization_id = :organization_id AND id = CAST(:value AS uuid)",
    "user_name": """
        SELECT person_id FROM scim_users
        WHERE organization_id = :organization_id AND name_key = search_key(CAST(:value AS text))
        UNION ALL
        SELECT id FROM people
        WHERE organization_id = :organization_id AND email_key = search_key(CAST(:value AS text))
        UNION ALL
        SELECT id FROM people
        WHERE organization_id = :organization_id
          AND external_id_key = search_key(CAST(:value AS text))
    """,
    "external_id": """
        SELECT id FROM people
        WHERE organization_id = :organization_id AND external_id = CAST(:value AS text)
        UNION ALL
        SELECT person_id FROM scim_users
        WHERE organization_id = :organization_id
          AND external_id_key = search_key(CAST(:value AS text))
    """,
    "name": """
        SELECT id FROM people
        WHERE organization_id = :organization_id AND name_key = search_key(CAST(:value AS text))
    """,
    "email": """
        SELECT id FROM people
        WHERE organization_id = :organization_id AND email_key = search_key(CAST(:value AS text))
        UNION ALL
        SELECT person_id FROM scim_emails
        WHERE organization_id = :organization_id AND key = search_key(CAST(:value AS text))
    """,
    "group": """
        SELECT person_id FROM scim_members
        WHERE organization_id = :organization_id AND group_id = CAST(:value AS uuid)
        UNION ALL
        SELECT id FROM people WHERE organization_id = :organization_id AND team_id = CAST(:value AS uuid)
    """,
}
"""Each finds all that an equality lets through, and perhaps more."""


async def found_user_ids(session: TenantSession, demand: Demand | None, limit: int) -> Sequence[UUID] | None:
    """Whom a filter may let through; None where everybody has to be tried."""
    return await found_ids(session, OF_IDS, WAYS, demand, limit)


USERS = text("""
SELECT p.id, p.external_id, p.name, p.email, p.locale, p.time_zone, p.is_active, p.starts_on, p.ends_on,
    p.manager, CASE WHEN h.hidden_at IS NULL THEN m.id END AS manager_id,
    coalesce(s.attributes, '{}') AS attributes, o.month, o.day, o.consent, p.created_at,
    greatest(p.updated_at, s.updated_at) AS updated_at,
    coalesce(
        s.user_name,
        CASE WHEN NOT EXISTS (
                SELECT FROM people d
                WHERE d.organization_id = :organization_id
                  AND d.email_key = p.email_key AND d.id <> p.id
            ) AND NOT EXISTS (
                SELECT FROM scim_users d
                WHERE d.organization_id = :organization_id AND d.name_key = p.email_key
                  AND d.hidden_at IS NULL AND d.person_id <> p.id
            ) THEN p.email END,
        p.external_id
    ) AS user_name,
    (
        SELECT coalesce(
            jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name) ORDER BY g.since NULLS FIRST), '[]'
        )
        FROM (
            SELECT t.id, t.name, CAST(NULL AS timestamptz) AS since
            FROM teams t
            LEFT JOIN scim_groups k ON k.organization_id = t.organization_id AND k.team_id = t.id
            WHERE t.organization_id = :organization_id AND t.id = p.team_id AND k.hidden_at IS NULL
            UNION ALL
            SELECT k.id, coalesce(t.name, k.name), m.added_at
            FROM scim_members m
            JOIN scim_groups k ON k.organization_id = m.organization_id AND k.id = m.group_id
            LEFT JOIN teams t ON t.organization_id = k.organization_id AND t.id = k.team_id
            WHERE m.organization_id = :organization_id AND m.person_id = p.id AND k.hidden_at IS NULL
              AND k.id IS DISTINCT FROM p.team_id
        ) AS g
    ) AS groups
FROM people p
LEFT JOIN scim_users s ON s.organization_id = p.organization_id AND s.person_id = p.id
LEFT JOIN people m ON m.organization_id = p.organization_id AND m.external_id = p.manager
LEFT JOIN scim_users h ON h.organization_id = p.organization_id AND h.person_id = m.id
LEFT JOIN occasions o ON o.organization_id = p.organization_id AND o.person_id = p.id
    AND o.key = 'birthday' AND o.kind = 'birthday'
WHERE p.organization_id = :organization_id AND p.id = ANY(CAST(:ids AS uuid[]))
  AND (s.hidden_at IS NULL OR :with_hidden)
""").columns(attributes=JSONB, groups=JSONB)


async def users(
    session: TenantSession, ids: Sequence[UUID], *, with_hidden: bool = False
) -> Sequence[RowMapping]:
    """Without a user name of its own, a person has the address for one if nobody else has it."""
    found = await session.execute(USERS, {"ids": ids, "with_hidden": with_hidden})
    return found.mappings().all()


HOLD_USER = text("""SELECT FROM people WHERE organization_id = :organization_id AND id = :id FOR UPDATE""")


async def hold_user(session: TenantSession, id_: UUID) -> None:
    """Locks the person, if there is one, until this transaction ends."""
    await session.execute(HOLD_USER, {"id": id_})


HIDDEN_USER = text("""
WITH hidden AS (
    SELECT p.id, s.user_name_key, s.hidden_at,
        CASE WHEN jsonb_exists(s.attributes, 'externalId') THEN s.attributes ->> 'externalId'
            ELSE p.external_id END AS external_id
    FROM scim_users s JOIN people p ON p.organization_id = s.organization_id AND p.id = s.person_id
    WHERE s.organization_id = :organization_id AND s.hidden_at IS NOT NULL
)
SELECT id FROM hidden
WHERE external_id = CAST(:external_id AS text)
    OR user_name_key = :user_name_key AND (external_id IS NULL OR CAST(:external_id AS text) IS NULL)
ORDER BY external_id = CAST(:external_id AS text) DESC NULLS LAST, hidden_at DESC
LIMIT 1
""")


async def hidden_user(session: TenantSession, user_name_key: str, external_id: str | None) -> UUID | None:
    """The person a client has deleted and now brings back.

    User names are given to other people in time: with two different ids of the client it is somebody else.
    """
    asked = {"user_name_key": user_name_key, "external_id": external_id}
    hidden: UUID | None = await session.scalar(HIDDEN_USER, {**asked})
    return hidden


PUT_USER = text("""
INSERT INTO scim_users AS s (organization_id, person_id, user_name, user_name_key, attributes)
VALUES (:organization_id, :person_id, :user_name, :user_name_key, CAST(:attributes AS jsonb))
ON CONFLICT (organization_id, person_id) DO UPDATE SET
    user_name = excluded.user_name, user_name_key = excluded.user_name_key,
    attributes = excluded.attributes, hidden_at = NULL, updated_at = excluded.updated_at
WHERE (s.user_name, s.attributes) IS DISTINCT FROM (excluded.user_name, excluded.attributes)
    OR s.hidden_at IS NOT NULL OR :is_touched
""")


KEEP_EMAILS = text("""
WITH wanted AS (SELECT DISTINCT search_key(email) AS key FROM unnest(CAST(:emails AS text[])) AS email),
gone AS (
    DELETE FROM scim_emails
    WHERE organization_id = :organization_id AND person_id = :person_id
      AND key NOT IN (SELECT key FROM wanted)
)
INSERT INTO scim_emails (organization_id, person_id, key)
SELECT CAST(:organization_id AS uuid), CAST(:person_id AS uuid), key FROM wanted
ON CONFLICT DO NOTHING
""")


def emails_in(attributes: Mapping[str, Any]) -> list[str]:
    return [email["value"] for email in attributes.get("emails") or () if email.get("value")]


async def put_user(
    session: TenantSession,
    person_id: UUID,
    user_name: str,
    user_name_key: str,
    attributes: Mapping[str, Any],
    *,
    is_touched: bool = False,
) -> None:
    """Also brings back whom a client had deleted."""
    row = {"person_id": person_id, "user_name": user_name, "user_name_key": user_name_key}
    document = {"attributes": json.dumps(attributes), "is_touched": is_touched}
    await session.execute(PUT_USER, {**row, **document})
    await session.execute(KEEP_EMAILS, {"person_id": person_id, "emails": emails_in(attributes)})


HIDE_USER = text("""
UPDATE scim_users SET hidden_at = now(), updated_at = now()
WHERE organization_id = :organization_id AND person_id = :id
""")


async def hide_user(session: TenantSession, person_id: UUID) -> None:
    await session.execute(HIDE_USER, {"id": person_id})


EXTERNAL_IDS = text("""
SELECT p.id, p.external_id
FROM people p
LEFT JOIN scim_users s ON s.organization_id = p.organization_id AND s.person_id = p.id
WHERE p.organization_id = :organization_id AND s.hidden_at IS NULL
  AND p.id = ANY(CAST(:ids AS uuid[]))
""")


async def external_ids(session: TenantSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Of those of the people whom SCIM may see."""
    found = await session.execute(EXTERNAL_IDS, {"ids": list(ids)})
    return {row.id: row.external_id for row in found}


TEAM_NAMED = text("""
SELECT external_id FROM teams
WHERE organization_id = :organization_id
  AND (external_id = CAST(:name AS text) OR name_key = search_key(CAST(:name AS text)))
ORDER BY external_id = CAST(:name AS text) DESC, created_at, id LIMIT 1
""")


async def team_named(session: TenantSession, name: str) -> str | None:
    """The identifier of the team with that identifier, or else with that name."""
    found: str | None = await session.scalar(TEAM_NAMED, {"name": name})
    return found
