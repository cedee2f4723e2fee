"""What is kept of one person, in every table; and the one-time links.

In one place, across the slices, so that whoever reviews it sees the whole; tests/privacy/test_everything.py
holds it against the tables there are.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import TenantSession
from app.privacy.queries import OWN_SURVEYS, Parameters

VALID = timedelta(days=3)
"""How long a link opens."""
MANAGES = text("""
SELECT external_id FROM people WHERE organization_id = :organization_id AND manager = :external_id
ORDER BY external_id
""")
LEADS = text("""
SELECT external_id FROM teams WHERE organization_id = :organization_id AND lead = :external_id
ORDER BY external_id
""")
HISTORY = text("""
SELECT ends_on AS until, team, manager, segments FROM person_history
WHERE organization_id = :organization_id AND person_id = :person_id ORDER BY ends_on
""").columns(segments=JSONB)
SCIM_USERS = text("""
SELECT user_name, attributes, hidden_at, created_at, updated_at FROM scim_users
WHERE organization_id = :organization_id AND person_id = :person_id
""").columns(attributes=JSONB)
SCIM_GROUPS = text("""
SELECT coalesce(t.name, g.name) AS name, m.added_at AS since
FROM scim_members m
JOIN scim_groups g ON g.organization_id = m.organization_id AND g.id = m.group_id
LEFT JOIN teams t ON t.organization_id = g.organization_id AND t.id = g.team_id
WHERE m.organization_id = :organization_id AND m.person_id = :person_id ORDER BY m.added_at
""")
API_KEYS = text("""
SELECT id, name, scopes, created_at FROM api_keys
WHERE organization_id = :organization_id AND person = :external_id ORDER BY created_at, id
""")
IMPORT_LINES = text("""
SELECT i.id AS import_id, i.created_at AS sent_at, l.line, l.pointer, l.column_name AS column, l.code,
    l.detail
FROM import_report_lines l
JOIN imports i ON i.organization_id = l.organization_id AND i.id = l.import_id AND i.kind = 'people'
WHERE l.organization_id = :organization_id AND l.external_id = :external_id
ORDER BY i.created_at, i.id, l.ordinal
""")
CARDS = text("""
SELECT c.kind, c.label, c.kept_on, c.status, c.sent_at,
    (
        SELECT coalesce(jsonb_agg(
            jsonb_build_object('author', p.external_id, 'text', w.text, 'created_at', w.created_at)
            ORDER BY w.created_at, w.id
        ), '[]')
        FROM card_wishes w
        JOIN people p ON p.organization_id = w.organization_id AND p.id = w.author_id
        WHERE w.organization_id = :organization_id AND w.card_id = c.id
    ) AS wishes
FROM cards c
WHERE c.organization_id = :organization_id AND c.person_id = :person_id
ORDER BY c.send_at, c.id
""").columns(wishes=JSONB)
WISHES = text("""
SELECT p.external_id AS person, w.text, w.created_at
FROM card_wishes w
JOIN cards c ON c.organization_id = w.organization_id AND c.id = w.card_id
JOIN people p ON p.organization_id = c.organization_id AND p.id = c.person_id
WHERE w.organization_id = :organization_id AND w.author_id = :person_id
ORDER BY w.created_at, w.id
""")
DIGESTS = text("""
SELECT day, status, sent_at FROM digests
WHERE organization_id = :organization_id AND person_id = :person_id ORDER BY day
""")
NEWSLETTERS = text("""
SELECT s.email, s.language, s.status, s.created_at, s.confirmed_at,
    (
        SELECT coalesce(jsonb_agg(
            jsonb_build_object(
                'issue', n.issue, 'status', n.status, 'sent_at', n.sent_at, 'failure', n.failure
            ) ORDER BY n.send_at, n.id
        ), '[]')
        FROM newsletters n
        WHERE n.organization_id = :organization_id AND n.subscription_id = s.id
    ) AS mails
FROM newsletter_subscriptions s
WHERE s.organization_id = :organization_id AND (s.person_id = :person_id OR s.email = lower(:email))
ORDER BY s.created_at, s.id
""").columns(mails=JSONB)
REMINDERS = text("""
SELECT id, recipient, person, team, days_before, kinds, created_at FROM reminders
WHERE organization_id = :organization_id AND person = :external_id ORDER BY created_at, id
""")
FEEDS = text("""
SELECT id, scope, team, manager, language, alarm_days, created_at FROM calendar_feeds
WHERE organization_id = :organization_id AND manager = :external_id ORDER BY created_at, id
""")
REACTIONS = text("""
SELECT recognition_id AS recognition, kind, created_at FROM recognition_reactions
WHERE organization_id = :organization_id AND person_id = :person_id ORDER BY created_at, recognition_id
""")
SURVEYS = text(
    f"""
SELECT s.id, s.name, s.mode, s.opened_at, s.closed_at, nullif(g.external_id, '') AS team, c.segments
FROM surveys s
JOIN survey_members m ON m.organization_id = s.organization_id AND m.survey_id = s.id
    AND m.person_id = :person_id
JOIN survey_cells c ON c.organization_id = m.organization_id AND c.survey_id = m.survey_id
    AND c.ordinal = m.cell_ordinal
JOIN survey_groups g ON g.organization_id = c.organization_id AND g.survey_id = c.survey_id
    AND g.ordinal = c.group_ordinal
WHERE {OWN_SURVEYS}
ORDER BY s.opened_at, s.id
"""  # noqa: S608 the text is ours
).columns(segments=JSONB)
TOLD_OF = text("""
SELECT recorded_at, id, actor, action, target, encode(person, 'hex') AS person, details
FROM audit_entries
WHERE organization_id = :organization_id
  AND (person = :mark OR action = 'list_responses' AND target = ANY(CAST(:surveys AS text[])))
ORDER BY recorded_at, id
""")


async def names(session: AsyncSession, query: Executable, parameters: Parameters) -> Sequence[str]:
    return (await session.scalars(query, parameters)).all()


IS_ISSUED = text("""
SELECT EXISTS (SELECT FROM invitation_deliveries WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND recipient_key = :recipient_key AND failure IS NULL)
""")


async def is_issued(session: TenantSession, survey_id: UUID, recipient_key: UUID) -> bool:
    """Whether a token was issued to the person; it says nothing of its use."""
    where = {"survey_id": survey_id, "recipient_key": recipient_key}
    return bool(await session.scalar(IS_ISSUED, where))


WORDS_OF = text("""
SELECT id, text FROM comments WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND id = ANY(CAST(:ids AS uuid[]))
""")


async def words_of(session: TenantSession, survey_id: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    found = await session.execute(WORDS_OF, {"survey_id": survey_id, "ids": list(ids)})
    return {row.id: row.text for row in found}


UNSUBSCRIBED_AT = text("""
SELECT created_at FROM unsubscriptions
WHERE organization_id = :organization_id AND person_id = :person_id
""")


async def unsubscribed_at(session: AsyncSession, parameters: Parameters) -> datetime | None:
    moment: datetime | None = await session.scalar(UNSUBSCRIBED_AT, parameters)
    return moment


ASK_FOR_LINK = text("""
INSERT INTO answers_links (organization_id, person_id) VALUES (:organization_id, :person_id)
  ON CONFLICT (organization_id, person_id)
  DO UPDATE SET token_hash = NULL, expires_at = NULL, held_until = NULL
""")


async def ask_for_link(session: TenantSession, person_id: UUID) -> None:
    """One a person: an earlier one stops working."""
    await session.execute(ASK_FOR_LINK, {"person_id": person_id})


LINKS_DUE = """
organization_id = :organization_id
  AND (token_hash IS NULL OR held_until IS NOT NULL) AND coalesce(held_until < :now, true)
"""
LINK_DUE = f"{LINKS_DUE} AND person_id = :person_id"
WAITING_FOR_LINKS = text(f"""SELECT person_id FROM answers_links WHERE {LINKS_DUE}""")  # noqa: S608
IS_LINK_DUE = text(f"""SELECT EXISTS (SELECT FROM answers_links WHERE {LINK_DUE})""")  # noqa: S608
CLAIM_LINK = text(f"""
UPDATE answers_links SET held_until = :held_until WHERE {LINK_DUE} RETURNING person_id
""")  # noqa: S608
HELD_UNTIL = text("""
SELECT held_until FROM answers_links WHERE organization_id = :organization_id AND person_id = :person_id
""")
END_LEASE = text("""
UPDATE answers_links SET held_until = NULL
WHERE organization_id = :organization_id AND person_id = :person_id AND token_hash = :token_hash
""")
PUT_BACK = text("""
UPDATE answers_links SET token_hash = NULL, expires_at = NULL, held_until = :now
WHERE organization_id = :organization_id AND person_id = :person_id
""")


async def waiting_for_links(session: TenantSession, now: datetime) -> Sequence[UUID]:
    """Whom a link is to be mailed that nobody is about to mail."""
    return (await session.scalars(WAITING_FOR_LINKS, {"now": now})).all()


async def is_link_due(session: TenantSession, person_id: UUID, now: datetime) -> bool:
    """One is to be mailed, and nobody is about to."""
    return bool(await session.scalar(IS_LINK_DUE, {"person_id": person_id, "now": now}))


async def claim_link(session: TenantSession, person_id: UUID, now: datetime, held_until: datetime) -> bool:
    parameters = {"person_id": person_id, "now": now, "held_until": held_until}
    return (await session.execute(CLAIM_LINK, parameters)).first() is not None


async def held_until(session: TenantSession, person_id: UUID) -> datetime | None:
    moment: datetime | None = await session.scalar(HELD_UNTIL, {"person_id": person_id})
    return moment


async def end_lease_of_link(session: TenantSession, person_id: UUID, token_hash: bytes) -> None:
    await session.execute(END_LEASE, {"person_id": person_id, "token_hash": token_hash})


async def put_link_back(session: TenantSession, person_id: UUID, now: datetime) -> None:
    """A link that was not mailed opens nothing."""
    await session.execute(PUT_BACK, {"person_id": person_id, "now": now})


ADDRESSEE = text("""
SELECT p.name, p.email, p.locale FROM answers_links l
JOIN people p ON p.organization_id = l.organization_id AND p.id = l.person_id
WHERE l.organization_id = :organization_id AND l.person_id = :person_id
""")


async def addressee(session: TenantSession, person_id: UUID) -> Row[Any] | None:
    """Name, address and locale of somebody who is still to be sent a link."""
    parameters = {"person_id": person_id}
    return (await session.execute(ADDRESSEE, parameters)).first()


MAKE_LINK = text("""
UPDATE answers_links SET token_hash = :token_hash, expires_at = :expires_at
WHERE organization_id = :organization_id AND person_id = :person_id
""")


async def make_link(session: TenantSession, person_id: UUID, token_hash: bytes, expires_at: datetime) -> None:
    parameters = {"token_hash": token_hash, "expires_at": expires_at}
    await session.execute(MAKE_LINK, {"person_id": person_id, **parameters})


FORGET_LINK = text("""
DELETE FROM answers_links WHERE organization_id = :organization_id AND person_id = :person_id
""")


async def forget_link(session: TenantSession, person_id: UUID) -> None:
    await session.execute(FORGET_LINK, {"person_id": person_id})


IS_LINK = text("""
SELECT EXISTS (
    SELECT FROM answers_links l
    JOIN people p ON p.organization_id = l.organization_id AND p.id = l.person_id
    WHERE l.organization_id = :organization_id AND l.token_hash = :token_hash AND l.expires_at > :now
      AND p.email_since <= l.expires_at - CAST(:valid AS interval)
)
""")


async def is_link(session: TenantSession, token_hash: bytes, now: datetime) -> bool:
    parameters = {"token_hash": token_hash, "now": now, "valid": VALID}
    return bool(await session.scalar(IS_LINK, parameters))


USE_LINK = text("""
DELETE FROM answers_links l USING people p WHERE l.organization_id = :organization_id
  AND l.token_hash = :token_hash AND l.expires_at > :now
  AND p.organization_id = :organization_id AND p.id = l.person_id
  AND p.email_since <= l.expires_at - CAST(:valid AS interval)
RETURNING p.id, p.external_id, p.locale, p.email_since
""")


async def use_link(session: TenantSession, token_hash: bytes, now: datetime) -> Row[Any] | None:
    """Whose it was; it opens nothing any more. One mailed to an address of before opens nothing either."""
    parameters = {"token_hash": token_hash, "now": now, "valid": VALID}
    return (await session.execute(USE_LINK, parameters)).first()
