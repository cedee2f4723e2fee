import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.database import TenantSession
from app.surveys.questionnaires.built_in import KEY, built_in, versions
from app.tables import Questionnaire


async def questionnaire_version(
    session: TenantSession, key: str, version: int | None = None
) -> Questionnaire | None:
    """The version asked for, or the newest; of the built-in one without a row too."""
    own = versions().get(version or built_in().version) if key == KEY else None
    if own is not None:
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


NEWEST_QUESTIONNAIRES = text("""
SELECT DISTINCT ON (key) key, version, content -> 'title' AS title, created_at,
  (SELECT coalesce(jsonb_agg(DISTINCT question -> 'scale'), '[]')
   FROM jsonb_array_elements(content -> 'questions') AS question
   WHERE jsonb_typeof(question -> 'scale') = 'object') AS scales
FROM questionnaires
WHERE organization_id = :organization_id AND key > :after AND key <> :built_in
ORDER BY key, version DESC LIMIT :limit
""")


async def newest_questionnaires(session: TenantSession, after: str, limit: int) -> Sequence[Row[Any]]:
    """Key, version, title and created_at of what the organisation made itself, by key."""
    parameters = {
        "after": after,
        "built_in": KEY,
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
