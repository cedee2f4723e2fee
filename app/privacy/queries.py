"""What is kept of one person, in every table; and how each of them forgets it.

In one place, across the slices, so that whoever reviews it sees the whole; tests/privacy/test_everything.py
holds it against the tables there are.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import TenantSession

Parameters = Mapping[str, Any]
OWN_SURVEYS = """
s.organization_id = :organization_id AND s.id IN (
    SELECT survey_id FROM survey_members
    WHERE organization_id = :organization_id AND person_id = :person_id
)
"""

# -------------------------------------------------------------------------------------------- reading

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
        WHERE w.organization_id = c.organization_id AND w.card_id = c.id
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
        WHERE n.organization_id = s.organization_id AND n.subscription_id = s.id
    ) AS mails
FROM newsletter_subscriptions s
WHERE s.organization_id = :organization_id AND (s.person_id = :person_id OR s.email = lower(:email))
ORDER BY s.created_at, s.id
""").columns(mails=JSONB)
UNSUBSCRIBED_AT = text("""
SELECT created_at FROM unsubscriptions
WHERE organization_id = :organization_id AND person_id = :person_id
""")
REMINDERS = text("""
SELECT id, recipient, person, team, days_before, kinds, created_at FROM reminders
WHERE organization_id = :organization_id AND person = :external_id ORDER BY created_at, id
""")
FEEDS = text("""
SELECT id, scope, team, manager, language, alarm_days, created_at FROM calendar_feeds
WHERE organization_id = :organization_id AND manager = :external_id ORDER BY created_at, id
""")
CHAT_IDENTITIES = text("""
SELECT product, chat_id, email, created_at, updated_at FROM chat_identities
WHERE organization_id = :organization_id AND lower(email) = lower(:email) ORDER BY product, chat_id
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
IS_ISSUED = text("""
SELECT EXISTS (SELECT FROM invitation_deliveries WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND recipient_key = :recipient_key)
""")
RESPONSES = text(
    f"""
SELECT s.id AS survey_id, s.name, s.mode, s.status, s.release_policy, s.questionnaire,
    s.questionnaire_version, r.respondent_key, r.cell_ordinal, r.answers, r.locale, r.submitted_at,
    r.included_in
FROM surveys s
JOIN responses r ON r.organization_id = s.organization_id AND r.survey_id = s.id
    AND r.respondent_key = CASE s.mode WHEN 'attributed' THEN CAST(:person_id AS uuid) ELSE :pseudonym END
WHERE {OWN_SURVEYS} AND s.mode = ANY(CAST(:modes AS text[]))
ORDER BY s.opened_at, s.id
"""  # noqa: S608 the text is ours
)
TOLD_OF = text("""
SELECT recorded_at, id, actor, action, target, encode(person, 'hex') AS person, details
FROM audit_entries
WHERE organization_id = :organization_id
  AND (person = :mark OR action = 'list_responses' AND target = ANY(CAST(:surveys AS text[])))
ORDER BY recorded_at, id
""")


async def rows(session: AsyncSession, query: Executable, parameters: Parameters) -> Sequence[Row[Any]]:
    return (await session.execute(query, parameters)).all()


async def names(session: AsyncSession, query: Executable, parameters: Parameters) -> Sequence[str]:
    return (await session.scalars(query, parameters)).all()


async def is_issued(session: TenantSession, survey_id: UUID, recipient_key: UUID) -> bool:
    """Whether a token was issued to the person; it says nothing of its use."""
    where = {"survey_id": survey_id, "recipient_key": recipient_key}
    return bool(await session.scalar(IS_ISSUED, where))


async def unsubscribed_at(session: AsyncSession, parameters: Parameters) -> datetime | None:
    moment: datetime | None = await session.scalar(UNSUBSCRIBED_AT, parameters)
    return moment


# ------------------------------------------------------------------------------------------- erasing

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
HOLD_PEOPLE = text("""
SELECT id, external_id FROM people WHERE organization_id = :organization_id
  AND (external_id = :external_id OR manager = :external_id OR id IN (
SELECT person_id FROM person_history
WHERE organization_id = :organization_id AND manager = :external_id
)) ORDER BY external_id FOR UPDATE
""")
HOLD_SURVEYS = text(
    f"SELECT s.id, s.mode FROM surveys s WHERE {OWN_SURVEYS} ORDER BY s.id FOR NO KEY UPDATE OF s"  # noqa: S608
)
DELETE_RESPONSE = text("""
DELETE FROM responses WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND respondent_key = :respondent_key
""")
UNLINK_RESPONSE = text("""
UPDATE responses SET respondent_key = gen_random_uuid(), submitted_at = NULL, locale = NULL
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND respondent_key = :respondent_key
""")
COUNT_ERASED = text("""
UPDATE survey_cells SET erased = erased + 1 WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND ordinal = :ordinal
""")
FORGET_DELIVERY = text("""
DELETE FROM invitation_deliveries WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key RETURNING nonce
""")
FORGET_INVITATION = text("""
DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND (respondent_key = :respondent_key OR token_hash = :token_hash)
""")
REPLACE_NAMES = {
    "recognitions": text("""
UPDATE recognitions SET message = regexp_replace(message, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND message ~* :pattern
"""),
    "card_wishes": text("""
UPDATE card_wishes SET text = regexp_replace(text, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND text ~* :pattern
"""),
}
"""Whoever wrote them, whoever they are about."""
REPLACE_NAME_PARTS = text("""
UPDATE recognitions r SET message = regexp_replace(r.message, :pattern, :blank, 'gi')
WHERE r.organization_id = :organization_id AND r.message ~* :pattern AND (
    r.id IN (
        SELECT recognition_id FROM recognition_receivers
        WHERE organization_id = :organization_id AND person_id = :person_id
    ) OR r.reply_to_id IN (
        SELECT id FROM recognitions WHERE organization_id = :organization_id AND giver_id = :person_id
    )
)
""")
FORGET = {
    "survey_members": text(
        "DELETE FROM survey_members WHERE organization_id = :organization_id AND person_id = :person_id"
    ),
    "reminders": text(
        "DELETE FROM reminders WHERE organization_id = :organization_id AND person = :external_id"
    ),
    "calendar_feeds": text(
        "DELETE FROM calendar_feeds WHERE organization_id = :organization_id AND manager = :external_id"
    ),
    "teams": text("""
UPDATE teams SET lead = NULL, updated_at = now()
WHERE organization_id = :organization_id AND lead = :external_id
"""),
    "people": text("""
UPDATE people SET manager = NULL, updated_at = now()
WHERE organization_id = :organization_id AND manager = :external_id
"""),
    "person_history": text("""
UPDATE person_history SET manager = NULL
WHERE organization_id = :organization_id AND manager = :external_id
"""),
    "api_keys": text(
        "DELETE FROM api_keys WHERE organization_id = :organization_id AND person = :external_id"
    ),
    "newsletter_subscriptions": text("""
DELETE FROM newsletter_subscriptions
WHERE organization_id = :organization_id AND email = lower(:email)
"""),
    "import_report_lines": text("""
DELETE FROM import_report_lines l USING imports i
WHERE l.organization_id = :organization_id AND l.external_id = :external_id
  AND i.organization_id = :organization_id AND i.id = l.import_id AND i.kind = 'people'
"""),
    "webhook_deliveries": text("""
DELETE FROM webhook_deliveries WHERE organization_id = :organization_id
  AND (event LIKE 'person.%' AND data ->> 'external_id' = :external_id
  OR data ->> 'person' = :external_id)
"""),
    "chat_identities": text("""
DELETE FROM chat_identities
WHERE organization_id = :organization_id AND lower(email) = lower(:email)
"""),
    "tombstones": text("""
DELETE FROM tombstones WHERE organization_id = :organization_id AND kind = 'person'
  AND external_id = :external_id
"""),
    "idempotency_records": text("""
DELETE FROM idempotency_records r WHERE organization_id = :organization_id AND EXISTS (
SELECT FROM unnest(CAST(:quoted AS bytea[])) AS q (needle)
WHERE position(q.needle IN r.answer) > 0)
"""),
}
"""What does not go with the person's own row. Of a manager's feed or key and of kept answers all goes."""
MARK = text(
    "INSERT INTO erased_people (organization_id, mark) VALUES (:organization_id, :mark) RETURNING erased_at"
)
ERASED_AT = text(
    "SELECT erased_at FROM erased_people WHERE organization_id = :organization_id AND mark = :mark"
)
UNMARK = text(
    "DELETE FROM erased_people WHERE organization_id = :organization_id AND mark = :mark RETURNING mark"
)


async def hold_person(session: TenantSession, external_id: str) -> UUID | None:
    """Locks the person, if there is one, and whom he manages or did, in the order others lock people in.

    Erasures of an organisation wait for one another: they change the same texts.
    """
    await session.execute(ONE_AT_A_TIME, {"name": f"erasure {session.organization_id}"})
    parameters = {"external_id": external_id}
    held = await session.execute(HOLD_PEOPLE, parameters)
    return next((row.id for row in held if row.external_id == external_id), None)


async def hold_surveys_of(session: AsyncSession, parameters: Parameters) -> Sequence[Row[Any]]:
    """Every survey the person was asked in, with its mode: nothing is submitted or released meanwhile."""
    return (await session.execute(HOLD_SURVEYS, parameters)).all()


async def forget_invitation(
    session: AsyncSession, parameters: Parameters, respondent_key: UUID | None, token_hash: bytes | None
) -> None:
    await session.execute(
        FORGET_INVITATION, {**parameters, "respondent_key": respondent_key, "token_hash": token_hash}
    )


async def forget_delivery(session: AsyncSession, parameters: Parameters, recipient_key: UUID) -> bytes | None:
    """The nonce of a mail that had not gone out yet."""
    nonce: bytes | None = await session.scalar(
        FORGET_DELIVERY, {**parameters, "recipient_key": recipient_key}
    )
    return nonce


def key_of(organization_id: UUID, response: Row[Any]) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "survey_id": response.survey_id,
        "respondent_key": response.respondent_key,
    }


async def delete_response(session: TenantSession, response: Row[Any]) -> None:
    await session.execute(DELETE_RESPONSE, key_of(session.organization_id, response))


async def unlink_response(session: TenantSession, response: Row[Any]) -> None:
    """It stays, without anything that leads to a person."""
    await session.execute(UNLINK_RESPONSE, key_of(session.organization_id, response))


async def count_erased(session: TenantSession, response: Row[Any]) -> None:
    where = {"survey_id": response.survey_id, "ordinal": response.cell_ordinal}
    await session.execute(COUNT_ERASED, {**where})


async def replace_names(session: AsyncSession, parameters: Parameters, pattern: str, blank: str) -> None:
    for query in REPLACE_NAMES.values():
        await session.execute(query, {**parameters, "pattern": pattern, "blank": blank})


async def replace_name_parts(session: AsyncSession, parameters: Parameters, pattern: str, blank: str) -> None:
    """In what the person received, and in replies to what he gave."""
    await session.execute(REPLACE_NAME_PARTS, {**parameters, "pattern": pattern, "blank": blank})


async def forget(session: AsyncSession, parameters: Parameters) -> None:
    for query in FORGET.values():
        await session.execute(query, parameters)


async def mark(session: TenantSession, person_mark: bytes) -> datetime:
    moment: datetime = await session.scalar(MARK, {"mark": person_mark})
    return moment


async def erased_at(session: TenantSession, person_mark: bytes) -> datetime | None:
    moment: datetime | None = await session.scalar(ERASED_AT, {"mark": person_mark})
    return moment


async def unmark(session: TenantSession, person_mark: bytes) -> bool:
    """Whether there was such a mark."""
    gone = await session.execute(UNMARK, {"mark": person_mark})
    return gone.first() is not None


# ----------------------------------------------------------------------------------------- retention

LEFT_LONGER_AGO = text("""
SELECT external_id FROM people WHERE organization_id = :organization_id
  AND ends_on < CAST(:today AS date) - make_interval(months => :months)
ORDER BY ends_on, external_id LIMIT :limit
""")
ANSWERED_LONGER_AGO = text("""
SELECT s.id FROM surveys s WHERE s.organization_id = :organization_id AND s.status = 'released'
  AND s.closed_at < CAST(:now AS timestamptz) - make_interval(months => :months)
  AND (EXISTS (SELECT FROM responses r
WHERE r.organization_id = s.organization_id AND r.survey_id = s.id)
  OR EXISTS (SELECT FROM comments c WHERE c.organization_id = s.organization_id AND c.survey_id = s.id))
ORDER BY s.closed_at, s.id
""")
DELETE_ANSWERS = [
    text(f"DELETE FROM {table} WHERE organization_id = :organization_id AND survey_id = :survey_id")  # noqa: S608
    for table in ("responses", "comments")
]


async def left_longer_ago(session: TenantSession, today: date, months: int, limit: int) -> Sequence[str]:
    """External ids of people whose last day was longer ago, the longest gone first."""
    parameters = {"today": today, "months": months, "limit": limit}
    return (await session.scalars(LEFT_LONGER_AGO, parameters)).all()


async def answered_longer_ago(session: TenantSession, now: datetime, months: int) -> Sequence[UUID]:
    """Released surveys that closed longer ago and still have their answers or comments."""
    parameters = {"now": now, "months": months}
    return (await session.scalars(ANSWERED_LONGER_AGO, parameters)).all()


async def delete_answers(session: TenantSession, survey_id: UUID) -> None:
    for query in DELETE_ANSWERS:
        await session.execute(query, {"survey_id": survey_id})


# ------------------------------------------------------------------------------------- one-time links

ASK_FOR_LINK = text("""
INSERT INTO answers_links (organization_id, person_id) VALUES (:organization_id, :person_id)
  ON CONFLICT (organization_id, person_id) DO UPDATE SET token_hash = NULL, expires_at = NULL
""")
ADDRESSEE = text("""
SELECT p.email, p.locale FROM answers_links l
JOIN people p ON p.organization_id = l.organization_id AND p.id = l.person_id
WHERE l.organization_id = :organization_id AND l.person_id = :person_id
""")
MAKE_LINK = text("""
UPDATE answers_links SET token_hash = :token_hash, expires_at = :expires_at
WHERE organization_id = :organization_id AND person_id = :person_id
""")
FORGET_LINK = text(
    "DELETE FROM answers_links WHERE organization_id = :organization_id AND person_id = :person_id"
)
IS_LINK = text("""
SELECT EXISTS (SELECT FROM answers_links WHERE organization_id = :organization_id
  AND token_hash = :token_hash AND expires_at > :now)
""")
USE_LINK = text("""
DELETE FROM answers_links l USING people p WHERE l.organization_id = :organization_id
  AND l.token_hash = :token_hash AND l.expires_at > :now
  AND p.organization_id = :organization_id AND p.id = l.person_id
RETURNING p.id, p.external_id, p.locale
""")
FORGET_OLD_LINKS = text(
    "DELETE FROM answers_links WHERE organization_id = :organization_id AND expires_at < :now"
)


async def ask_for_link(session: TenantSession, person_id: UUID) -> None:
    """One a person: an earlier one stops working."""
    await session.execute(ASK_FOR_LINK, {"person_id": person_id})


async def addressee(session: TenantSession, person_id: UUID) -> Row[Any] | None:
    """Address and locale of somebody who is still to be sent a link."""
    parameters = {"person_id": person_id}
    return (await session.execute(ADDRESSEE, parameters)).first()


async def make_link(session: TenantSession, person_id: UUID, token_hash: bytes, expires_at: datetime) -> None:
    parameters = {"token_hash": token_hash, "expires_at": expires_at}
    await session.execute(MAKE_LINK, {"person_id": person_id, **parameters})


async def forget_link(session: TenantSession, person_id: UUID) -> None:
    await session.execute(FORGET_LINK, {"person_id": person_id})


async def is_link(session: TenantSession, token_hash: bytes, now: datetime) -> bool:
    parameters = {"token_hash": token_hash, "now": now}
    return bool(await session.scalar(IS_LINK, parameters))


async def use_link(session: TenantSession, token_hash: bytes, now: datetime) -> Row[Any] | None:
    """Whose it was; it opens nothing any more."""
    parameters = {"token_hash": token_hash, "now": now}
    return (await session.execute(USE_LINK, parameters)).first()


async def forget_old_links(session: TenantSession, now: datetime) -> None:
    await session.execute(FORGET_OLD_LINKS, {"now": now})


def quoted(identifiers: Collection[str]) -> list[bytes]:
    """As they stand in a JSON answer that is kept."""
    return [f'"{identifier}"'.encode() for identifier in identifiers]
