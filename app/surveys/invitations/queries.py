import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.core.database import TenantSession

MEMBERS = text("""
SELECT p.external_id, m.person_id, m.cell_ordinal, p.has_address, p.email_since FROM survey_members m
CROSS JOIN LATERAL (SELECT external_id, email IS NOT NULL AS has_address, email_since FROM people
WHERE organization_id = :organization_id AND id = m.person_id LIMIT 1) p
WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id
""")
"""The limits keep it at an index look-up a row: before statistics exist the planner would rather compare
every row with every other (measured with 100,000: over a minute)."""


async def members(session: TenantSession, survey_id: UUID) -> Sequence[Row[Any]]:
    """External id, person, cell, has_address and email_since of everybody invited when the survey opened."""
    scope = {"survey_id": survey_id}
    return (await session.execute(MEMBERS, scope)).all()


MEMBERS_NAMED = text("""
SELECT wanted.external_id, p.id AS person_id, m.cell_ordinal, p.email IS NOT NULL AS has_address,
  p.email_since
FROM unnest(CAST(:external_ids AS text[])) AS wanted (external_id)
CROSS JOIN LATERAL (SELECT id, email, email_since FROM people
WHERE organization_id = :organization_id AND external_id = wanted.external_id LIMIT 1) p
CROSS JOIN LATERAL (SELECT cell_ordinal FROM survey_members
WHERE organization_id = :organization_id AND survey_id = :survey_id AND person_id = p.id LIMIT 1) m
""")


async def members_named(
    session: TenantSession, survey_id: UUID, external_ids: Sequence[str]
) -> Sequence[Row[Any]]:
    """The same of those named, as far as they were invited."""
    parameters = {
        "survey_id": survey_id,
        "external_ids": list(external_ids),
    }
    return (await session.execute(MEMBERS_NAMED, parameters)).all()


RECIPIENTS = text("""
SELECT recipient_key, is_mailed, failure IS NULL AS is_issued,
  failure IS NULL AND nonce IS NULL AND NOT is_mailed AS is_in_hand, was_in_hand FROM invitation_deliveries
WHERE organization_id = :organization_id AND survey_id = :survey_id
""")


async def recipients(session: TenantSession, survey_id: UUID) -> dict[UUID, Row[Any]]:
    """Of those who were issued a token: is_issued, unless no server took its mail, is_mailed, whether a
    mail server has taken one, is_in_hand, whether it was shown to be handed out, and was_in_hand, whether
    one ever was."""
    rows = await session.execute(RECIPIENTS, {"survey_id": survey_id})
    return {row.recipient_key: row for row in rows}


REMEMBER = text("""
WITH older AS (DELETE FROM invitations
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND cell_ordinal = ANY(CAST(:mixed_cells AS int[]))
RETURNING token_hash, cell_ordinal, respondent_key),
replaced AS (INSERT INTO replaced_invitations (organization_id, survey_id, token_hash)
SELECT organization_id, survey_id, token_hash FROM invitations
WHERE organization_id = :organization_id AND survey_id = :survey_id AND NOT :is_mailed
  AND respondent_key = ANY(CAST(:respondent_keys AS uuid[])))
INSERT INTO invitations (organization_id, survey_id, token_hash, cell_ordinal, respondent_key)
SELECT :organization_id, :survey_id, i.* FROM (
SELECT * FROM older UNION ALL SELECT * FROM unnest(CAST(:token_hashes AS bytea[]),
CAST(:cell_ordinals AS int[]), CAST(:respondent_keys AS uuid[]))) AS i
ORDER BY random()
  ON CONFLICT (organization_id, survey_id, respondent_key) DO UPDATE SET token_hash = excluded.token_hash
WHERE NOT :is_mailed
""")
PUT_IN_PLACE = text("""
WITH theirs AS (SELECT m.cell_ordinal FROM survey_members m
WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id AND m.person_id = :person
  AND EXISTS (SELECT FROM invitation_deliveries d WHERE d.organization_id = :organization_id
AND d.survey_id = :survey_id AND d.recipient_key = :recipient_key AND d.nonce = :nonce)),
replaced AS (INSERT INTO replaced_invitations (organization_id, survey_id, token_hash)
SELECT i.organization_id, i.survey_id, i.token_hash FROM invitations i, theirs
WHERE i.organization_id = :organization_id AND i.survey_id = :survey_id
  AND i.respondent_key = :respondent_key)
INSERT INTO invitations (organization_id, survey_id, token_hash, cell_ordinal, respondent_key)
SELECT :organization_id, :survey_id, :token_hash, cell_ordinal, :respondent_key FROM theirs
  ON CONFLICT (organization_id, survey_id, respondent_key) DO UPDATE SET token_hash = excluded.token_hash
""")


async def remember(
    session: TenantSession,
    survey_id: UUID,
    invitations: Sequence[tuple[bytes, int, UUID | None]],
    mixed_cells: Sequence[int],
    *,
    is_mailed: bool = False,
) -> None:
    """Stores (token hash, cell, respondent key) in random order; a respondent's newer token takes the place
    of the older: at once, or where it is mailed, once it was. The unused invitations of `mixed_cells` are
    written anew among them, so that no row tells by its transaction when it was issued."""
    token_hashes, cell_ordinals, respondent_keys = zip(*invitations, strict=True)
    parameters = {
        "survey_id": survey_id,
        "token_hashes": list(token_hashes),
        "cell_ordinals": list(cell_ordinals),
        "respondent_keys": list(respondent_keys),
        "mixed_cells": list(mixed_cells),
        "is_mailed": is_mailed,
    }
    await session.execute(REMEMBER, parameters)


async def put_in_place(
    session: TenantSession, survey_id: UUID, mail: Row[Any], token_hash: bytes, person: UUID, key: UUID
) -> None:
    """The token of a mail, in the place of their older one; unless another is to be theirs since."""
    where = {**key_of(survey_id, mail), "person": person}
    await session.execute(PUT_IN_PLACE, {**where, "token_hash": token_hash, "respondent_key": key})


Found = dict[bytes, tuple[int, UUID | None]]
"""Of invitations by the hash of their token: cell and respondent key."""
USE = text("""
DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND token_hash = ANY(CAST(:token_hashes AS bytea[]))
RETURNING token_hash, cell_ordinal, respondent_key
""")


async def use(session: TenantSession, survey_id: UUID, token_hashes: Sequence[bytes]) -> Found:
    """Deletes the invitations that are there. A second user waits.

    By the index of the hashes, so in their order: two who use some of the same wait for each other in turn.
    """
    parameters = {"survey_id": survey_id, "token_hashes": list(token_hashes)}
    rows = await session.execute(USE, parameters)
    return {token_hash: (cell, key) for token_hash, cell, key in rows}


LOOK_UP = text("""
SELECT token_hash, cell_ordinal, respondent_key FROM invitations
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND token_hash = ANY(CAST(:token_hashes AS bytea[]))
""")


async def look_up(session: TenantSession, survey_id: UUID, token_hashes: Sequence[bytes]) -> Found:
    """As `use`, and leaves them. The survey holds them, as whoever replaces or forgets them holds that."""
    parameters = {"survey_id": survey_id, "token_hashes": list(token_hashes)}
    rows = await session.execute(LOOK_UP, parameters)
    return {token_hash: (cell, key) for token_hash, cell, key in rows}


IS_UNUSED = text("""
SELECT EXISTS (SELECT FROM invitations WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND token_hash = :token_hash)
""")


async def is_unused(session: TenantSession, survey_id: UUID, token_hash: bytes) -> bool:
    parameters = {"survey_id": survey_id, "token_hash": token_hash}
    return bool(await session.scalar(IS_UNUSED, parameters))


IS_REPLACED = text("""
SELECT EXISTS (SELECT FROM replaced_invitations WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND token_hash = :token_hash)
""")


async def is_replaced(session: TenantSession, survey_id: UUID, token_hash: bytes) -> bool:
    """Whether a newer one took its place before it was used."""
    parameters = {"survey_id": survey_id, "token_hash": token_hash}
    return bool(await session.scalar(IS_REPLACED, parameters))


FORGET_REPLACED = text("""
DELETE
FROM replaced_invitations
WHERE organization_id = :organization_id
AND survey_id = :survey_id
""")
FORGET_REMINDERS = text("""
DELETE
FROM invitation_reminders
WHERE organization_id = :organization_id
AND survey_id = :survey_id
""")
FORGET_MAILINGS = text("""
DELETE
FROM invitation_mailings
WHERE organization_id = :organization_id
AND survey_id = :survey_id
""")
FORGET_DELIVERIES = text("""
DELETE
FROM invitation_deliveries
WHERE organization_id = :organization_id
AND survey_id = :survey_id
""")
FORGET_INVITATIONS = text("""
DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id
""")


async def forget_all(session: TenantSession, survey_id: UUID) -> None:
    """Of a survey that has closed nothing of its invitations is needed any more."""
    scope = {"survey_id": survey_id}
    await session.execute(FORGET_INVITATIONS, scope)
    await session.execute(FORGET_REPLACED, scope)
    await session.execute(FORGET_REMINDERS, scope)
    await session.execute(FORGET_DELIVERIES, scope)
    await session.execute(FORGET_MAILINGS, scope)


CELLS_WITHIN = text("""
WITH RECURSIVE below AS (
SELECT ordinal FROM survey_groups WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND kind = 'team' AND external_id = :team
UNION ALL
SELECT g.ordinal FROM below b JOIN survey_groups g ON g.organization_id = :organization_id
  AND g.survey_id = :survey_id AND g.kind = 'team' AND g.parent = b.ordinal)
SELECT b.ordinal AS team, c.ordinal FROM below b
LEFT JOIN survey_cells c ON c.organization_id = :organization_id
  AND c.survey_id = :survey_id AND c.group_ordinal = b.ordinal
""")


async def cells_within(session: TenantSession, survey_id: UUID, team: str) -> set[int] | None:
    """Of a team as frozen, with those below it; None where there is no such team."""
    rows = (await session.execute(CELLS_WITHIN, {"survey_id": survey_id, "team": team})).all()
    return {row.ordinal for row in rows if row.ordinal is not None} if rows else None


CELLS = text("""
SELECT c.ordinal, nullif(g.external_id, '') AS team, c.segments FROM survey_cells c
JOIN survey_groups g ON g.organization_id = c.organization_id AND g.survey_id = c.survey_id
  AND g.ordinal = c.group_ordinal
WHERE c.organization_id = :organization_id AND c.survey_id = :survey_id
  AND c.ordinal = ANY(CAST(:ordinals AS int[]))
""")


async def cells(
    session: TenantSession, survey_id: UUID, ordinals: Sequence[int]
) -> dict[int, tuple[str | None, Mapping[str, str]]]:
    """Ordinal -> (team, segments)."""
    parameters = {"survey_id": survey_id, "ordinals": list(ordinals)}
    return {row.ordinal: (row.team, row.segments) for row in await session.execute(CELLS, parameters)}


NAMES_OF_TEAMS = text("""
SELECT external_id, name FROM survey_groups
WHERE organization_id = :organization_id AND survey_id = :survey_id AND kind = 'team'
""")


async def names_of_teams(session: TenantSession, survey_id: UUID) -> dict[str, str]:
    """As frozen when the survey opened."""
    rows = await session.execute(NAMES_OF_TEAMS, {"survey_id": survey_id})
    return {row.external_id: row.name for row in rows}


HOLDERS = text("""
SELECT p.external_id, p.name, p.locale, t.name AS team FROM people p
LEFT JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
WHERE p.organization_id = :organization_id AND p.external_id = ANY(CAST(:external_ids AS text[]))
""")


async def holders(session: TenantSession, external_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Whom slips are for: external_id, name, locale and the name of their team."""
    return (await session.execute(HOLDERS, {"external_ids": list(external_ids)})).all()


Wording = Mapping[str, str] | None
"""By language."""
OWN_WORDS = ("subject", "text", "reminder_subject", "reminder_text")
REMEMBER_MAILING = text("""
INSERT INTO invitation_mailings
    (organization_id, survey_id, id, subject, text, reminder_subject, reminder_text, send_at)
VALUES (:organization_id, :survey_id, :id, CAST(:subject AS jsonb), CAST(:text AS jsonb),
    CAST(:reminder_subject AS jsonb), CAST(:reminder_text AS jsonb), :send_at)
""")
MAILING = text("""
SELECT subject, text, reminder_subject, reminder_text FROM invitation_mailings
WHERE organization_id = :organization_id AND survey_id = :survey_id AND id = :id
""")


async def remember_mailing(
    session: TenantSession,
    survey_id: UUID,
    mailing_id: UUID,
    own: Sequence[Wording],
    send_at: datetime,
) -> None:
    """`own`: subject and text, of the invitation and of its reminders."""
    written = (None if one is None else json.dumps(dict(one)) for one in own)
    values = dict(zip(OWN_WORDS, written, strict=True))
    await session.execute(
        REMEMBER_MAILING, {"survey_id": survey_id, "id": mailing_id, "send_at": send_at, **values}
    )


async def own_words(
    session: TenantSession, survey_id: UUID, mailing_id: UUID | None
) -> tuple[Wording, Wording, Wording, Wording]:
    """As they were remembered; of before there were mailings there are none."""
    row = (await session.execute(MAILING, {"survey_id": survey_id, "id": mailing_id})).first()
    if row is None:
        return None, None, None, None
    return row.subject, row.text, row.reminder_subject, row.reminder_text


REMEMBER_DELIVERIES = text("""
INSERT INTO invitation_deliveries
    (organization_id, survey_id, mailing_id, recipient_key, nonce, person_seal, was_in_hand)
SELECT :organization_id, :survey_id, :mailing_id, d.*, d.nonce IS NULL
FROM unnest(CAST(:recipient_keys AS uuid[]),
CAST(:nonces AS bytea[]), CAST(:seals AS bytea[])) AS d (recipient_key, nonce, person_seal)
ORDER BY d.recipient_key
  ON CONFLICT (organization_id, survey_id, recipient_key) DO UPDATE
SET mailing_id = excluded.mailing_id, nonce = excluded.nonce, person_seal = excluded.person_seal,
    sealed_person = NULL, held_until = NULL, failure = NULL,
    was_in_hand = invitation_deliveries.was_in_hand OR excluded.was_in_hand,
    kept_nonce = CASE WHEN excluded.nonce IS NOT NULL THEN invitation_deliveries.kept_nonce END,
    settled_at = CASE WHEN excluded.nonce IS NOT NULL THEN invitation_deliveries.settled_at END
""")
"""Until another is mailed, the link that they have is the one to be reminded with."""


async def remember_deliveries(
    session: TenantSession,
    survey_id: UUID,
    mailing_id: UUID | None,
    deliveries: Sequence[tuple[UUID, bytes | None, bytes | None]],
) -> None:
    """Stores (recipient key, nonce, sealed person), the last two null where nothing is to be mailed. What was
    to be mailed to the same before is not any more."""
    recipient_keys, nonces, seals = zip(*deliveries, strict=True)
    parameters = {
        "survey_id": survey_id,
        "mailing_id": mailing_id,
        "recipient_keys": list(recipient_keys),
        "nonces": list(nonces),
        "seals": list(seals),
    }
    await session.execute(REMEMBER_DELIVERIES, parameters)


WAITING = """
d.organization_id = :organization_id AND d.survey_id = :survey_id AND d.nonce IS NOT NULL
  AND coalesce(d.held_until < :now, true)
  AND EXISTS (SELECT FROM surveys s
WHERE s.organization_id = :organization_id AND s.id = :survey_id AND s.status = 'open')
  AND NOT EXISTS (SELECT FROM invitation_mailings m
WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id AND m.id = d.mailing_id
  AND m.send_at > :now)
"""
COUNT_WAITING = text(f"""SELECT count(*) FROM invitation_deliveries d WHERE {WAITING}""")  # noqa: S608
CLAIM_MAIL = text(f"""
UPDATE invitation_deliveries SET held_until = :held_until
WHERE organization_id = :organization_id AND survey_id = :survey_id AND recipient_key = (
    SELECT d.recipient_key FROM invitation_deliveries d WHERE {WAITING}
    ORDER BY d.held_until NULLS FIRST, d.recipient_key LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING recipient_key, mailing_id, nonce, person_seal, sealed_person, is_mailed, was_in_hand
""")  # noqa: S608


async def waiting_mails(session: TenantSession, survey_id: UUID, now: datetime) -> int:
    """Whose time has come; none once the survey is not open any more."""
    return int(await session.scalar(COUNT_WAITING, {"survey_id": survey_id, "now": now}) or 0)


async def claim_mail(
    session: TenantSession, survey_id: UUID, now: datetime, held_until: datetime
) -> Row[Any] | None:
    """The next to be sent; last those that were put back, and none that was after `now`."""
    parameters = {"survey_id": survey_id, "now": now, "held_until": held_until}
    return (await session.execute(CLAIM_MAIL, parameters)).first()


READER = text("""
SELECT external_id, name, email, email_since, locale, time_zone,
  is_active AND CAST(:today AS date)
    BETWEEN coalesce(starts_on, '-infinity') AND coalesce(ends_on, 'infinity') AS is_here
FROM people WHERE organization_id = :organization_id AND id = :person
""")


async def reader(session: TenantSession, person: UUID, today: date) -> Row[Any] | None:
    """Name, address with its age, locale, time zone, and whether they work here today."""
    return (await session.execute(READER, {"person": person, "today": today})).first()


MAILED = text("""
UPDATE invitation_deliveries
SET nonce = NULL, person_seal = NULL, sealed_person = NULL, held_until = NULL, is_mailed = true,
    settled_at = :now, kept_nonce = (SELECT :nonce FROM surveys s
WHERE s.organization_id = :organization_id AND s.id = :survey_id AND s.mode <> 'anonymous')
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key AND nonce = :nonce
""")
PUT_BACK = text("""
UPDATE invitation_deliveries SET held_until = :now
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key AND nonce = :nonce
""")
TAKE_BACK = text("""
DELETE FROM invitation_deliveries WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key AND nonce = :nonce AND NOT is_mailed AND NOT was_in_hand
""")
TAKE_BACK_REPEATED = text("""
UPDATE invitation_deliveries SET nonce = NULL, person_seal = NULL, sealed_person = NULL, held_until = NULL
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key AND nonce = :nonce AND (is_mailed OR was_in_hand)
""")


async def mark_mailed(session: TenantSession, survey_id: UUID, mail: Row[Any], now: datetime) -> None:
    """Unless another token has to be mailed to them since."""
    await session.execute(MAILED, {**key_of(survey_id, mail), "now": now})


FAILED = text("""
UPDATE invitation_deliveries SET nonce = NULL, held_until = NULL, failure = :failure, settled_at = :now
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key AND nonce = :nonce
""")


async def mark_failed(
    session: TenantSession, survey_id: UUID, mail: Row[Any], failure: str, now: datetime
) -> None:
    """Whom it was for stays, sealed, to be told of; they count as issued nothing."""
    await session.execute(FAILED, {**key_of(survey_id, mail), "failure": failure, "now": now})


async def put_back(session: TenantSession, survey_id: UUID, mail: Row[Any], now: datetime) -> None:
    await session.execute(PUT_BACK, {**key_of(survey_id, mail), "now": now})


async def take_back(session: TenantSession, survey_id: UUID, mail: Row[Any]) -> None:
    """Nothing was issued to them, unless another token was since. Whoever was mailed or handed
    one stays known as that: they may have answered."""
    await session.execute(TAKE_BACK, key_of(survey_id, mail))
    await session.execute(TAKE_BACK_REPEATED, key_of(survey_id, mail))


def key_of(survey_id: UUID, mail: Row[Any]) -> dict[str, object]:
    return {"survey_id": survey_id, "recipient_key": mail.recipient_key, "nonce": mail.nonce}


PEOPLE_TO_RESEAL = text("""
SELECT survey_id, recipient_key, person_seal AS sealed FROM invitation_deliveries
WHERE organization_id = :organization_id AND substr(person_seal, 1, 5) <> CAST(:mark AS bytea)
  AND (CAST(:survey_id AS uuid) IS NULL
    OR (survey_id, recipient_key) > (CAST(:survey_id AS uuid), CAST(:recipient_key AS uuid)))
ORDER BY survey_id, recipient_key LIMIT :limit FOR NO KEY UPDATE
""")
RESEAL_PERSON = text("""
UPDATE invitation_deliveries SET person_seal = :sealed
WHERE organization_id = :organization_id AND survey_id = :survey_id AND recipient_key = :recipient_key
""")


SURVEYS_WITH_MAILS = text("""
SELECT DISTINCT survey_id FROM invitation_deliveries
WHERE organization_id = :organization_id AND nonce IS NOT NULL
""")


async def surveys_with_mails(session: TenantSession) -> Sequence[UUID]:
    return (await session.scalars(SURVEYS_WITH_MAILS)).all()


COUNT_BY_STATE = text("""
SELECT count(*) FILTER (WHERE failure IS NULL AND nonce IS NOT NULL) AS planned,
  count(*) FILTER (WHERE failure IS NULL AND nonce IS NULL AND is_mailed) AS mailed,
  count(*) FILTER (WHERE failure = 'refused') AS refused,
  count(*) FILTER (WHERE failure = 'bounced') AS bounced
FROM invitation_deliveries WHERE organization_id = :organization_id AND survey_id = :survey_id
""")
FAILURES = text("""
SELECT person_seal, failure, settled_at FROM invitation_deliveries
WHERE organization_id = :organization_id AND survey_id = :survey_id AND failure IS NOT NULL
  AND person_seal IS NOT NULL
ORDER BY settled_at DESC, recipient_key LIMIT :limit
""")


async def count_by_state(session: TenantSession, survey_id: UUID) -> Row[Any]:
    """Of mails alone: what anybody did with the link in one is not asked."""
    return (await session.execute(COUNT_BY_STATE, {"survey_id": survey_id})).one()


async def failures(session: TenantSession, survey_id: UUID, limit: int) -> Sequence[Row[Any]]:
    """The newest first: for whom, sealed; which failure; when."""
    return (await session.execute(FAILURES, {"survey_id": survey_id, "limit": limit})).all()


PEOPLE = text("""
SELECT id, external_id, email, email_since FROM people
WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
""")


async def people(session: TenantSession, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    return {row.id: row for row in await session.execute(PEOPLE, {"ids": list(ids)})}


NEXT_MAILING = text("""
SELECT min(m.send_at) FROM invitation_mailings m
WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id AND m.send_at > now()
  AND EXISTS (SELECT FROM invitation_deliveries d
WHERE d.organization_id = :organization_id AND d.survey_id = :survey_id AND d.mailing_id = m.id
  AND d.nonce IS NOT NULL)
""")


async def next_mailing_at(session: TenantSession, survey_id: UUID) -> datetime | None:
    moment: datetime | None = await session.scalar(NEXT_MAILING, {"survey_id": survey_id})
    return moment
