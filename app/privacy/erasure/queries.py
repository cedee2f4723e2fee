"""How each table forgets one person.

In one place, across the slices, so that whoever reviews it sees the whole; tests/privacy/test_everything.py
holds it against the tables there are.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import TenantSession, raw_connection
from app.privacy.queries import OWN_SURVEYS, Parameters

HOLD_PEOPLE = text("""
SELECT id, external_id FROM people WHERE organization_id = :organization_id
  AND (external_id = :external_id OR manager = :external_id OR id IN (
SELECT person_id FROM person_history
WHERE organization_id = :organization_id AND manager = :external_id
)) ORDER BY external_id FOR UPDATE
""")
ONE_AT_A_TIME = text("""SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))""")


async def hold_person(session: TenantSession, external_id: str) -> UUID | None:
    """Locks the person, if there is one, and whom they manage or did, in the order others lock people in.

    Erasures of an organisation wait for one another: they change the same texts.
    """
    await session.execute(ONE_AT_A_TIME, {"name": f"erasure {session.organization_id}"})
    parameters = {"external_id": external_id}
    held = await session.execute(HOLD_PEOPLE, parameters)
    return next((row.id for row in held if row.external_id == external_id), None)


HOLD_SURVEYS = text(f"""
SELECT s.id, s.mode, s.status
FROM surveys s
WHERE {OWN_SURVEYS}
ORDER BY s.id
FOR NO KEY UPDATE OF s
""")  # noqa: S608


async def hold_surveys_of(session: AsyncSession, parameters: Parameters) -> Sequence[Row[Any]]:
    """Every survey the person was asked in, with its mode: nothing is submitted or released meanwhile."""
    return (await session.execute(HOLD_SURVEYS, parameters)).all()


FORGET_INVITATION = text("""
DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND (respondent_key = :respondent_key OR token_hash = :token_hash)
""")


async def forget_invitation(
    session: AsyncSession, parameters: Parameters, respondent_key: UUID | None, token_hash: bytes | None
) -> None:
    await session.execute(
        FORGET_INVITATION, {**parameters, "respondent_key": respondent_key, "token_hash": token_hash}
    )


FORGET_DELIVERY = text("""
DELETE FROM invitation_deliveries WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key RETURNING nonce
""")


async def forget_delivery(session: AsyncSession, parameters: Parameters, recipient_key: UUID) -> bytes | None:
    """The nonce of a mail that had not gone out yet."""
    nonce: bytes | None = await session.scalar(
        FORGET_DELIVERY, {**parameters, "recipient_key": recipient_key}
    )
    return nonce


def key_of(organization_id: UUID, response: Row[Any]) -> dict[str, object]:
    return {
        "organization_id": organization_id,
        "survey_id": response.survey_id,
        "respondent_key": response.respondent_key,
    }


DELETE_RESPONSE = text("""
DELETE FROM responses WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND respondent_key = :respondent_key
""")


async def delete_response(session: TenantSession, response: Row[Any]) -> None:
    await session.execute(DELETE_RESPONSE, key_of(session.organization_id, response))


DELETE_COMMENT = text("""
DELETE FROM comments WHERE organization_id = :organization_id AND survey_id = :survey_id AND id = :id
""")


async def delete_comment(session: TenantSession, response: Row[Any], key: UUID) -> None:
    """Of who might have changed it: nobody else's can be found."""
    await session.execute(DELETE_COMMENT, {"survey_id": response.survey_id, "id": key})


UNLINK_RESPONSE = text("""
WITH taken AS (
    DELETE FROM responses
    WHERE organization_id = :organization_id AND survey_id = :survey_id AND included_in = :included_in
    RETURNING *, respondent_key = :respondent_key AS is_erased
), told AS (
    SELECT *, count(*) OVER (PARTITION BY submitted_at) AS at_once,
        min(submitted_at) OVER () AS first, max(submitted_at) OVER () - min(submitted_at) OVER () AS within,
        lag(locale) OVER (ORDER BY random()) AS another_locale
    FROM taken
)
INSERT INTO responses
    (organization_id, survey_id, respondent_key, submitted_at, cell_ordinal, locale, answers, included_in)
SELECT organization_id, survey_id, CASE WHEN is_erased THEN :new_key ELSE respondent_key END,
    CASE WHEN is_erased AND at_once = 1 THEN first + random() * within ELSE submitted_at END, cell_ordinal,
    CASE WHEN is_erased THEN another_locale ELSE locale END, answers, included_in
FROM told ORDER BY random()
""")


async def unlink_response(session: TenantSession, response: Row[Any], new_key: UUID) -> None:
    """It stays, without anything that leads to a person, and nothing marks it among those of its release.

    All of them are written anew, so that no transaction tells; it gets a time among theirs, unless it came
    at once with others, and the language of another.
    """
    more = {"included_in": response.included_in, "new_key": new_key}
    await session.execute(UNLINK_RESPONSE, {**key_of(session.organization_id, response), **more})


COUNT_ERASED = text("""
UPDATE survey_cells c SET erased = erased + 1 FROM survey_members m
WHERE c.organization_id = :organization_id AND c.survey_id = :survey_id
  AND m.organization_id = c.organization_id AND m.survey_id = c.survey_id
  AND m.person_id = :person_id AND m.cell_ordinal = c.ordinal
""")


async def count_erased(session: TenantSession, survey_id: UUID, person_id: UUID) -> None:
    """In the cell they were asked in, whether they had answered or not: what is withheld tells neither."""
    await session.execute(COUNT_ERASED, {"survey_id": survey_id, "person_id": person_id})


REPLACE_NAMES = {
    "recognitions": text("""
UPDATE recognitions SET message = regexp_replace(message, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND message ~* :pattern
"""),
    "card_wishes": text("""
UPDATE card_wishes SET text = regexp_replace(text, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND text ~* :pattern
"""),
    "occasions": text("""
UPDATE occasions SET label = regexp_replace(label, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND label ~* :pattern
"""),
    "cards": text("""
UPDATE cards SET label = regexp_replace(label, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND label ~* :pattern
"""),
    "api_keys": text("""
UPDATE api_keys SET name = regexp_replace(name, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND name ~* :pattern
"""),
    "webhooks": text("""
UPDATE webhooks SET description = regexp_replace(description, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND description ~* :pattern
"""),
    "chat_connections": text("""
UPDATE chat_connections SET name = regexp_replace(name, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND name ~* :pattern
"""),
    "invitation_mailings": text("""
UPDATE invitation_mailings SET
  subject = (SELECT jsonb_object_agg(key, regexp_replace(value, :pattern_of_words, :blank, 'gi'))
    FROM jsonb_each_text(subject)),
  text = (SELECT jsonb_object_agg(key, regexp_replace(value, :pattern_of_words, :blank, 'gi'))
    FROM jsonb_each_text(text)),
  reminder_subject = (SELECT jsonb_object_agg(key, regexp_replace(value, :pattern_of_words, :blank, 'gi'))
    FROM jsonb_each_text(reminder_subject)),
  reminder_text = (SELECT jsonb_object_agg(key, regexp_replace(value, :pattern_of_words, :blank, 'gi'))
    FROM jsonb_each_text(reminder_text))
WHERE organization_id = :organization_id AND EXISTS (
  SELECT FROM unnest(ARRAY[subject, text, reminder_subject, reminder_text]) AS words,
    jsonb_each_text(coalesce(words, '{}')) WHERE value ~* :pattern_of_words
)
"""),
    "invitation_reminders": text("""
UPDATE invitation_reminders SET
  subject = (SELECT jsonb_object_agg(key, regexp_replace(value, :pattern_of_words, :blank, 'gi'))
    FROM jsonb_each_text(subject)),
  text = (SELECT jsonb_object_agg(key, regexp_replace(value, :pattern_of_words, :blank, 'gi'))
    FROM jsonb_each_text(text))
WHERE organization_id = :organization_id AND EXISTS (
  SELECT FROM unnest(ARRAY[subject, text]) AS words, jsonb_each_text(coalesce(words, '{}'))
  WHERE value ~* :pattern_of_words
)
"""),
    "import_report_lines": text("""
UPDATE import_report_lines SET detail = regexp_replace(detail, :pattern, :blank, 'gi')
WHERE organization_id = :organization_id AND detail ~* :pattern
"""),
}
"""Whoever wrote them, whoever they are about."""


async def replace_names(session: AsyncSession, parameters: Parameters, pattern: str, blank: str) -> None:
    patterns = {"pattern": pattern, "pattern_of_words": outside_placeholders(pattern)}
    for query in REPLACE_NAMES.values():
        await session.execute(query, {**parameters, **patterns, "blank": blank})


def outside_placeholders(pattern: str) -> str:
    """Somebody may be called as what a mail fills in, such as {name}."""
    return rf"(?<!\{{)(?:{pattern})|(?<=\{{)(?:{pattern})(?!\}})"


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


async def replace_name_parts(session: AsyncSession, parameters: Parameters, pattern: str, blank: str) -> None:
    """In what the person received, and in replies to what they gave."""
    await session.execute(REPLACE_NAME_PARTS, {**parameters, "pattern": pattern, "blank": blank})


FORGET = {
    "survey_members": text("""
DELETE FROM survey_members WHERE organization_id = :organization_id AND person_id = :person_id
"""),
    "reminders": text("""
DELETE FROM reminders WHERE organization_id = :organization_id AND person = :external_id
"""),
    "calendar_feeds": text("""
DELETE FROM calendar_feeds WHERE organization_id = :organization_id AND manager = :external_id
"""),
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
    "api_keys": text("""
DELETE FROM api_keys WHERE organization_id = :organization_id AND person = :external_id
"""),
    "newsletter_subscriptions": text("""
DELETE FROM newsletter_subscriptions
WHERE organization_id = :organization_id AND email = lower(:email)
"""),
    "import_report_lines": text("""
DELETE FROM import_report_lines l
WHERE l.organization_id = :organization_id
  AND (l.external_id = :external_id OR l.detail ~ CAST(:identifier AS text))
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
SELECT FROM unnest(CAST(:needles AS bytea[])) AS q (needle)
WHERE position(q.needle IN r.answer) > 0)
"""),
}
"""What does not go with the person's own row. Of a manager's feed or key and of kept answers all goes."""


async def forget(session: AsyncSession, parameters: Parameters) -> None:
    for query in FORGET.values():
        await session.execute(query, parameters)


SAMPLED_BEFORE = text("""
SELECT quote_ident(s.schemaname) || '.' || quote_ident(s.relname)
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.schemaname = current_schema() AND pg_has_role(session_user, c.relowner, 'USAGE')
  AND s.relid IN (SELECT attrelid FROM pg_attribute WHERE attname = 'organization_id')
  AND coalesce(greatest(s.last_analyze, s.last_autoanalyze) < :moment AND s.n_mod_since_analyze > 0, true)
ORDER BY s.relname
""")


async def tables_sampled_before(session: AsyncSession, moment: datetime) -> Sequence[str]:
    """Names, as they stand in a statement, of tables whose samples may tell of what was destroyed since.

    Of our own tables, as only an owner can take new samples; of one never sampled nothing is known.
    """
    return (await session.scalars(SAMPLED_BEFORE, {"moment": moment})).all()


async def sample_anew(session: AsyncSession, table: str) -> None:
    """The planner's samples of the table, of who is left. Nobody is kept from reading or writing it."""
    connection = await raw_connection(session)
    await connection.execute(f"ANALYZE {table}")


NEWEST_LOSS = text("""
SELECT greatest(
    (SELECT max(erased_at) FROM erased_people WHERE organization_id = :organization_id),
    (SELECT max(cancelled_at) FROM surveys WHERE organization_id = :organization_id)
)
""")


async def newest_loss(session: TenantSession) -> datetime | None:
    """When somebody was erased last, or a survey cancelled with its answers."""
    moment: datetime | None = await session.scalar(NEWEST_LOSS)
    return moment


MARK = text("""
INSERT INTO erased_people (organization_id, mark)
VALUES (:organization_id, :mark)
RETURNING erased_at
""")


async def mark(session: TenantSession, person_mark: bytes) -> datetime:
    moment: datetime = await session.scalar(MARK, {"mark": person_mark})
    return moment


ERASED_AT = text("""
SELECT erased_at FROM erased_people WHERE organization_id = :organization_id AND mark = :mark
""")


async def erased_at(session: TenantSession, person_mark: bytes) -> datetime | None:
    moment: datetime | None = await session.scalar(ERASED_AT, {"mark": person_mark})
    return moment


UNMARK = text("""
DELETE
FROM erased_people
WHERE organization_id = :organization_id
AND mark = :mark
RETURNING mark
""")


async def unmark(session: TenantSession, person_mark: bytes) -> bool:
    """Whether there was such a mark."""
    gone = await session.execute(UNMARK, {"mark": person_mark})
    return gone.first() is not None


def needles(identifiers: Collection[str], names: Collection[str]) -> list[bytes]:
    """As they stand in a JSON answer that is kept: identifiers as a value of their own, names in any text."""
    inside = [json.dumps(name, ensure_ascii=False)[1:-1] for name in names]
    return [f'"{identifier}"'.encode() for identifier in identifiers] + [name.encode() for name in inside]
