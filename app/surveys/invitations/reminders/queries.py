import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.core.database import TenantSession
from app.surveys.invitations.queries import Wording

ADD = text("""
INSERT INTO invitation_reminders
    (organization_id, survey_id, id, mailing_id, days_before_close, days_after_invitation, due_at,
    subject, text)
VALUES (:organization_id, :survey_id, :id, :mailing_id, :days_before_close, :days_after_invitation, :due_at,
    CAST(:subject AS jsonb), CAST(:text AS jsonb))
RETURNING id, mailing_id, days_before_close, days_after_invitation, due_at, started_at
""")


async def add_reminder(
    session: TenantSession,
    survey_id: UUID,
    reminder_id: UUID,
    mailing_id: UUID | None,
    rule: tuple[int | None, int | None],
    due_at: datetime,
    own: tuple[Wording, Wording] = (None, None),
) -> Row[Any]:
    """`rule`: days before closing, and days after the invitation; `own`: subject and text."""
    subject, words = (None if one is None else json.dumps(dict(one)) for one in own)
    values = {
        "survey_id": survey_id,
        "id": reminder_id,
        "mailing_id": mailing_id,
        "days_before_close": rule[0],
        "days_after_invitation": rule[1],
        "due_at": due_at,
        "subject": subject,
        "text": words,
    }
    return (await session.execute(ADD, values)).one()


ALL = text("""
SELECT id, mailing_id, days_before_close, days_after_invitation, due_at, started_at FROM invitation_reminders
WHERE organization_id = :organization_id AND survey_id = :survey_id ORDER BY due_at, id
""")


async def reminders(session: TenantSession, survey_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(ALL, {"survey_id": survey_id})).all()


OWN_WORDS = text("""
SELECT subject, text FROM invitation_reminders
WHERE organization_id = :organization_id AND survey_id = :survey_id AND id = :id
""")


async def own_words(session: TenantSession, survey_id: UUID, reminder_id: UUID) -> tuple[Wording, Wording]:
    row = (await session.execute(OWN_WORDS, {"survey_id": survey_id, "id": reminder_id})).one()
    return row.subject, row.text


BY_CLOSING = text("""
SELECT id, days_before_close FROM invitation_reminders
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND days_before_close IS NOT NULL AND started_at IS NULL
FOR UPDATE
""")
MOVE = text("""
UPDATE invitation_reminders SET due_at = :due_at
WHERE organization_id = :organization_id AND survey_id = :survey_id AND id = :id
""")


async def reminders_by_closing(session: TenantSession, survey_id: UUID) -> Sequence[Row[Any]]:
    """Those that have not begun."""
    return (await session.execute(BY_CLOSING, {"survey_id": survey_id})).all()


async def move_reminder(session: TenantSession, survey_id: UUID, reminder_id: UUID, due_at: datetime) -> None:
    await session.execute(MOVE, {"survey_id": survey_id, "id": reminder_id, "due_at": due_at})


LAST_STARTED = text("""
SELECT max(coalesce(started_at, due_at)) FROM invitation_reminders
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND (started_at IS NOT NULL OR mailing_id IS NULL OR due_at <= :now)
""")
"""One by hand counts from when it was asked for, also by who asked at the same moment and waited for it."""


async def last_reminded_at(session: TenantSession, survey_id: UUID, now: datetime) -> datetime | None:
    moment: datetime | None = await session.scalar(LAST_STARTED, {"survey_id": survey_id, "now": now})
    return moment


IS_ANYBODY_MAILED = text("""
SELECT EXISTS (SELECT FROM invitation_deliveries
WHERE organization_id = :organization_id AND survey_id = :survey_id AND is_mailed
  AND settled_at IS NOT NULL)
""")
"""Of one that was mailed before there were reminders, nobody knows when, or with which link."""


async def is_anybody_mailed(session: TenantSession, survey_id: UUID) -> bool:
    return bool(await session.scalar(IS_ANYBODY_MAILED, {"survey_id": survey_id}))


# ------------------------------------------------------------------ sending

START_NEXT = text("""
UPDATE invitation_reminders SET started_at = :now
WHERE organization_id = :organization_id AND survey_id = :survey_id AND id = (
    SELECT r.id FROM invitation_reminders r
    WHERE r.organization_id = :organization_id AND r.survey_id = :survey_id
      AND r.started_at IS NULL AND r.due_at <= :now
      AND EXISTS (SELECT FROM surveys s
    WHERE s.organization_id = :organization_id AND s.id = :survey_id AND s.status = 'open')
    ORDER BY r.due_at, r.id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, mailing_id
""")
TO_REMIND = text("""
SELECT d.recipient_key FROM invitation_deliveries d
WHERE d.organization_id = :organization_id AND d.survey_id = :survey_id AND d.is_mailed
  AND d.nonce IS NULL AND d.failure IS NULL AND d.settled_at IS NOT NULL
  AND (CAST(:mailing_id AS uuid) IS NULL OR d.mailing_id = CAST(:mailing_id AS uuid))
  AND NOT EXISTS (SELECT FROM invitation_reminder_mails m JOIN invitation_reminders r
ON r.organization_id = m.organization_id AND r.survey_id = m.survey_id AND r.id = m.reminder_id
WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id
  AND m.recipient_key = d.recipient_key AND r.started_at > :quiet_since)
""")
ADD_MAILS = text("""
INSERT INTO invitation_reminder_mails (organization_id, survey_id, reminder_id, recipient_key, person_seal)
SELECT :organization_id, :survey_id, :reminder_id, m.* FROM unnest(CAST(:recipient_keys AS uuid[]),
CAST(:seals AS bytea[])) AS m (recipient_key, person_seal)
ORDER BY m.recipient_key
  ON CONFLICT (organization_id, survey_id, reminder_id, recipient_key) DO NOTHING
""")


async def start_next(session: TenantSession, survey_id: UUID, now: datetime) -> Row[Any] | None:
    """The next that is due and that nobody has begun; none once the survey is not open any more."""
    return (await session.execute(START_NEXT, {"survey_id": survey_id, "now": now})).first()


async def to_remind(
    session: TenantSession, survey_id: UUID, mailing_id: UUID | None, quiet_since: datetime
) -> set[UUID]:
    """Recipient keys of who was mailed an invitation, and is in no reminder that began since."""
    where = {"survey_id": survey_id, "mailing_id": mailing_id, "quiet_since": quiet_since}
    return set((await session.scalars(TO_REMIND, where)).all())


async def add_mails(
    session: TenantSession, survey_id: UUID, reminder_id: UUID, mails: Sequence[tuple[UUID, bytes]]
) -> None:
    """(recipient key, sealed person): one a person and reminder, however often it is planned."""
    values = {
        "survey_id": survey_id,
        "reminder_id": reminder_id,
        "recipient_keys": [key for key, _ in mails],
        "seals": [seal for _, seal in mails],
    }
    await session.execute(ADD_MAILS, values)


WAITING = """
m.organization_id = :organization_id AND m.survey_id = :survey_id AND m.person_seal IS NOT NULL
  AND coalesce(m.held_until < :now, true)
  AND EXISTS (SELECT FROM surveys s
WHERE s.organization_id = :organization_id AND s.id = :survey_id AND s.status = 'open')
"""
COUNT_WAITING = text(f"""SELECT count(*) FROM invitation_reminder_mails m WHERE {WAITING}""")  # noqa: S608
CLAIM = text(f"""
UPDATE invitation_reminder_mails SET held_until = :held_until
WHERE organization_id = :organization_id AND survey_id = :survey_id AND (reminder_id, recipient_key) = (
    SELECT m.reminder_id, m.recipient_key FROM invitation_reminder_mails m WHERE {WAITING}
    ORDER BY m.held_until NULLS FIRST, m.reminder_id, m.recipient_key LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING reminder_id, recipient_key, person_seal
""")  # noqa: S608
SETTLE = text("""
UPDATE invitation_reminder_mails SET person_seal = NULL, held_until = NULL
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND reminder_id = :reminder_id AND recipient_key = :recipient_key
""")
PUT_BACK = text("""
UPDATE invitation_reminder_mails SET held_until = :now
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND reminder_id = :reminder_id AND recipient_key = :recipient_key
""")


async def waiting_mails(session: TenantSession, survey_id: UUID, now: datetime) -> int:
    return int(await session.scalar(COUNT_WAITING, {"survey_id": survey_id, "now": now}) or 0)


async def claim_mail(
    session: TenantSession, survey_id: UUID, now: datetime, held_until: datetime
) -> Row[Any] | None:
    """The next to be sent; last those that were put back, and none that was after `now`."""
    parameters = {"survey_id": survey_id, "now": now, "held_until": held_until}
    return (await session.execute(CLAIM, parameters)).first()


async def settle(session: TenantSession, survey_id: UUID, mail: Row[Any]) -> None:
    """Whatever became of it: nothing is left that tells one that was sent from one that was not needed."""
    await session.execute(SETTLE, key_of(survey_id, mail))


async def put_back(session: TenantSession, survey_id: UUID, mail: Row[Any], now: datetime) -> None:
    await session.execute(PUT_BACK, {**key_of(survey_id, mail), "now": now})


def key_of(survey_id: UUID, mail: Row[Any]) -> dict[str, object]:
    return {"survey_id": survey_id, "reminder_id": mail.reminder_id, "recipient_key": mail.recipient_key}


DELIVERY = text("""
SELECT mailing_id, recipient_key, kept_nonce, settled_at FROM invitation_deliveries
WHERE organization_id = :organization_id AND survey_id = :survey_id AND recipient_key = :recipient_key
""")
HAS_ANSWERED = text("""
SELECT EXISTS (SELECT FROM responses WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND respondent_key = :respondent_key)
""")


async def delivery(session: TenantSession, survey_id: UUID, recipient_key: UUID) -> Row[Any] | None:
    where = {"survey_id": survey_id, "recipient_key": recipient_key}
    return (await session.execute(DELIVERY, where)).first()


async def has_answered(session: TenantSession, survey_id: UUID, respondent_key: UUID) -> bool:
    """Never asked in anonymous mode, where nobody has a key."""
    where = {"survey_id": survey_id, "respondent_key": respondent_key}
    return bool(await session.scalar(HAS_ANSWERED, where))


SURVEYS_TO_REMIND = text("""
SELECT DISTINCT r.survey_id FROM invitation_reminders r JOIN surveys s
ON s.organization_id = r.organization_id AND s.id = r.survey_id AND s.status = 'open'
WHERE r.organization_id = :organization_id AND r.due_at <= now() AND (r.started_at IS NULL
  OR EXISTS (SELECT FROM invitation_reminder_mails m WHERE m.organization_id = :organization_id
AND m.survey_id = r.survey_id AND m.reminder_id = r.id AND m.person_seal IS NOT NULL))
""")


async def surveys_to_remind(session: TenantSession) -> Sequence[UUID]:
    return (await session.scalars(SURVEYS_TO_REMIND)).all()


PEOPLE_TO_RESEAL = text("""
SELECT survey_id, reminder_id, recipient_key, person_seal AS sealed FROM invitation_reminder_mails
WHERE organization_id = :organization_id AND substr(person_seal, 1, 5) <> CAST(:mark AS bytea)
  AND (CAST(:survey_id AS uuid) IS NULL OR (survey_id, reminder_id, recipient_key)
> (CAST(:survey_id AS uuid), CAST(:reminder_id AS uuid), CAST(:recipient_key AS uuid)))
ORDER BY survey_id, reminder_id, recipient_key LIMIT :limit FOR NO KEY UPDATE
""")
RESEAL_PERSON = text("""
UPDATE invitation_reminder_mails SET person_seal = :sealed
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND reminder_id = :reminder_id AND recipient_key = :recipient_key
""")
