from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.core.database import TenantSession
from app.mail.queries import planned_mails
from app.tables import CardTemplate

MAILS = planned_mails("cards")
WANTED = """
wanted AS (
    SELECT *
    FROM unnest(CAST(:person_id AS uuid[]), CAST(:occasion AS text[]), CAST(:year AS int[]),
                CAST(:is_half_year AS bool[]), CAST(:kind AS text[]), CAST(:label AS text[]),
                CAST(:relation AS text[]), CAST(:months AS int[]), CAST(:visibility AS text[]),
                CAST(:kept_on AS date[]), CAST(:send_at AS timestamptz[]),
                CAST(:expires_at AS timestamptz[]), CAST(:status AS text[]))
        AS w (person_id, occasion, year, is_half_year, kind, label, relation, months, visibility, kept_on,
              send_at, expires_at, status)
)
"""
PLAN = text(f"""
WITH {WANTED},
withdrawn AS (
    DELETE FROM cards c
    WHERE c.organization_id = :organization_id AND c.status IN ('planned', 'held')
        AND c.expires_at > :now AND c.send_at < :settled_until
        AND (c.person_id, c.occasion, c.year, c.is_half_year)
            NOT IN (SELECT person_id, occasion, year, is_half_year FROM wanted)
)
INSERT INTO cards AS c
    (organization_id, id, person_id, occasion, year, is_half_year, kind, label, relation, months, visibility,
     kept_on, send_at, expires_at, status, attempts)
SELECT :organization_id, gen_random_uuid(), person_id, occasion, year, is_half_year, kind, label, relation,
    months, visibility, kept_on, send_at, expires_at, status, 0
FROM wanted
ON CONFLICT (organization_id, person_id, occasion, year, is_half_year) DO UPDATE SET
    (kind, label, relation, months, visibility, kept_on, send_at, expires_at)
    = (excluded.kind, excluded.label, excluded.relation, excluded.months, excluded.visibility,
       excluded.kept_on, excluded.send_at, excluded.expires_at)
WHERE c.status IN ('planned', 'held')
    AND (c.kind, c.label, c.relation, c.months, c.visibility, c.kept_on, c.send_at, c.expires_at)
    IS DISTINCT FROM
    (excluded.kind, excluded.label, excluded.relation, excluded.months, excluded.visibility,
     excluded.kept_on, excluded.send_at, excluded.expires_at)
""")  # noqa: S608 the text is ours
CARDS = """
SELECT c.*, p.external_id, p.name
FROM cards c JOIN people p ON p.organization_id = c.organization_id AND p.id = c.person_id
WHERE c.organization_id = :organization_id AND c.visibility <> 'private'
"""
CARDS_AFTER = text(
    CARDS
    + """
    AND (CAST(:status AS text) IS NULL OR c.status = :status)
    AND (CAST(:after_at AS timestamptz) IS NULL OR (c.send_at, c.id) > (:after_at, CAST(:after_id AS uuid)))
ORDER BY c.send_at, c.id LIMIT :limit
"""
)
CARD = text(CARDS + " AND c.id = :id")
LOCKED_CARD = text(CARDS + " AND c.id = :id FOR NO KEY UPDATE OF c")
WISHES = text("""
SELECT w.id, w.card_id, w.text, w.created_at, p.external_id, p.name
FROM card_wishes w JOIN people p ON p.organization_id = w.organization_id AND p.id = w.author_id
WHERE w.organization_id = :organization_id AND w.card_id = ANY(CAST(:card_ids AS uuid[]))
ORDER BY w.created_at, w.id
""")
ADD_WISH = text("""
INSERT INTO card_wishes (organization_id, id, card_id, author_id, text)
VALUES (:organization_id, :id, :card_id, :author_id, :text)
RETURNING created_at
""")
DELETE_WISH = text("""
DELETE FROM card_wishes
WHERE organization_id = :organization_id AND card_id = :card_id AND id = :id
RETURNING id
""")
CHANGE_STATUS = text("""
UPDATE cards SET status = :status WHERE organization_id = :organization_id AND id = :id
""")
PUT_TEMPLATE = text("""
INSERT INTO card_templates AS t (organization_id, key, kind, language, subject, html, text, picture)
VALUES (:organization_id, :key, :kind, :language, :subject, :html, :text, :picture)
ON CONFLICT (organization_id, key) DO UPDATE SET
    (kind, language, subject, html, text, picture, updated_at)
    = (excluded.kind, excluded.language, excluded.subject, excluded.html, excluded.text, excluded.picture,
       excluded.updated_at)
WHERE (t.kind, t.language, t.subject, t.html, t.text, t.picture)
    IS DISTINCT FROM
    (excluded.kind, excluded.language, excluded.subject, excluded.html, excluded.text, excluded.picture)
""")
DELETE_TEMPLATE = text("""
DELETE FROM card_templates WHERE organization_id = :organization_id AND key = :key
""")


async def plan(
    session: TenantSession,
    wanted: dict[str, list[Any]],
    now: datetime,
    settled_until: datetime,
) -> None:
    """Unsent cards become what is wanted: new ones are made, moved ones follow, others before that go."""
    where = {"now": now, "settled_until": settled_until}
    await session.execute(PLAN, where | wanted)


async def cards_after(
    session: TenantSession,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """By the time they go out; those of private days are nobody else's to see."""
    after_at, after_id = after or (None, None)
    values = {"status": status, "after_at": after_at, "after_id": after_id, "limit": limit}
    return (await session.execute(CARDS_AFTER, {**values})).all()


async def card(session: TenantSession, card_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    where = {"id": card_id}
    return (await session.execute(LOCKED_CARD if lock else CARD, where)).first()


async def change_status(session: TenantSession, card_id: UUID, status: str) -> None:
    await session.execute(CHANGE_STATUS, {"id": card_id, "status": status})


async def wishes(session: TenantSession, card_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    return (await session.execute(WISHES, {"card_ids": list(card_ids)})).all()


async def add_wish(session: AsyncSession, values: dict[str, object]) -> datetime:
    written_at: datetime = await session.scalar(ADD_WISH, values)
    return written_at


async def delete_wish(session: TenantSession, card_id: UUID, wish_id: UUID) -> bool:
    where = {"card_id": card_id, "id": wish_id}
    return (await session.execute(DELETE_WISH, where)).first() is not None


async def template(session: TenantSession, key: str) -> CardTemplate | None:
    return await session.get(CardTemplate, (session.organization_id, key), populate_existing=True)


async def template_for(session: TenantSession, kind: str, language: str) -> CardTemplate | None:
    own = select(CardTemplate).where(
        col(CardTemplate.organization_id) == session.organization_id,
        col(CardTemplate.kind) == kind,
        col(CardTemplate.language) == language,
    )
    return (await session.scalars(own.execution_options(populate_existing=True))).first()


async def templates_after(session: TenantSession, after: str, limit: int) -> Sequence[CardTemplate]:
    key = col(CardTemplate.key).collate("C")
    own = select(CardTemplate).where(
        col(CardTemplate.organization_id) == session.organization_id, key > after
    )
    return (await session.scalars(own.order_by(key).limit(limit))).all()


async def put_template(session: AsyncSession, values: dict[str, object]) -> None:
    """What is there already and the same stays as it is, updated_at too."""
    await session.execute(PUT_TEMPLATE, values)


async def delete_template(session: TenantSession, key: str) -> None:
    await session.execute(DELETE_TEMPLATE, {"key": key})
