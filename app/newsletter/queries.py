from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.core.database import TenantSession, transaction_time
from app.mail.queries import planned_mails
from app.tables import Organization

MAILS = planned_mails("newsletters")
SUBSCRIPTIONS = """
SELECT s.id, p.external_id AS person, s.email, s.language, s.status, s.created_at, s.confirmed_at, m.last_mail
FROM newsletter_subscriptions s
LEFT JOIN people p ON p.organization_id = s.organization_id AND p.id = s.person_id
LEFT JOIN LATERAL (
    SELECT jsonb_build_object(
        'issue', n.issue, 'status', n.status, 'sent_at', n.sent_at, 'failure', n.failure
    ) AS last_mail
    FROM newsletters n
    WHERE n.organization_id = :organization_id AND n.subscription_id = s.id
    ORDER BY n.send_at DESC LIMIT 1
) m ON true
WHERE s.organization_id = :organization_id
"""
SUBSCRIPTIONS_BEFORE = text(
    SUBSCRIPTIONS
    + """
    AND (CAST(:after_at AS timestamptz) IS NULL
        OR (s.created_at, s.id) < (:after_at, CAST(:after_id AS uuid)))
ORDER BY s.created_at DESC, s.id DESC LIMIT :limit
"""
)
SUBSCRIPTION = text(SUBSCRIPTIONS + " AND s.id = :id")
ADD = text("""
INSERT INTO newsletter_subscriptions (organization_id, id, person_id, email, language, status)
VALUES (:organization_id, :id, :person_id, :email, :language, 'pending')
ON CONFLICT DO NOTHING RETURNING id
""")
STATUS_OF = text("""
SELECT status FROM newsletter_subscriptions
WHERE organization_id = :organization_id
    AND (person_id = CAST(:person_id AS uuid) OR email = CAST(:email AS text))
""")
IS_ADDRESS_OF_PERSON = text("""
SELECT EXISTS (
    SELECT FROM people WHERE organization_id = :organization_id AND is_active AND lower(email) = :email
)
""")
DELETE = text("""
DELETE FROM newsletter_subscriptions WHERE organization_id = :organization_id AND id = :id RETURNING id
""")
CONFIRM = text("""
UPDATE newsletter_subscriptions SET status = 'confirmed', confirmed_at = coalesce(confirmed_at, :now)
WHERE organization_id = :organization_id AND id = :id
    AND (status = 'confirmed' OR (status = 'pending' AND created_at > :since))
RETURNING id
""")
UNSUBSCRIBE = text("""
UPDATE newsletter_subscriptions SET status = 'unsubscribed'
WHERE organization_id = :organization_id AND id = :id
""")
FORGET_UNCONFIRMED = text("""
DELETE FROM newsletter_subscriptions
WHERE organization_id = :organization_id AND status = 'pending' AND created_at <= :until
""")
READERS = """
SELECT s.id, s.person_id, s.status, s.created_at, p.email_since, coalesce(p.email, s.email) AS email,
    p.name, p.external_id, p.team_id,
    coalesce(s.language, p.locale) AS locale, coalesce(p.time_zone, :time_zone) AS time_zone,
    s.person_id IS NULL
        OR (p.is_active AND CAST(:day AS date)
            BETWEEN coalesce(p.starts_on, '-infinity') AND coalesce(p.ends_on, 'infinity')) AS is_here
FROM newsletter_subscriptions s
LEFT JOIN people p ON p.organization_id = s.organization_id AND p.id = s.person_id
WHERE s.organization_id = :organization_id
"""
CONFIRMED = text(READERS + " AND s.status = 'confirmed'")
READER = text(READERS + " AND s.id = :id")
PLAN = text("""
INSERT INTO newsletters
    (organization_id, id, subscription_id, issue, send_at, expires_at, status, attempts)
SELECT :organization_id, gen_random_uuid(), subscription_id, issue, send_at, expires_at, 'planned', 0
FROM unnest(CAST(:subscription_id AS uuid[]), CAST(:issue AS text[]), CAST(:send_at AS timestamptz[]),
            CAST(:expires_at AS timestamptz[])) AS w (subscription_id, issue, send_at, expires_at)
ON CONFLICT (organization_id, subscription_id, issue) DO NOTHING
""")
REPORTING_TO = text("""
SELECT id FROM people WHERE organization_id = :organization_id AND manager = :person AND is_active
  AND manager_since <= :stands
""")


async def subscriptions_before(
    session: TenantSession, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """Newest first, from the subscription after `after` on."""
    after_at, after_id = after or (None, None)
    where = {"after_at": after_at, "after_id": after_id, "limit": limit}
    found = await session.execute(SUBSCRIPTIONS_BEFORE, {**where})
    return found.all()


async def subscription(session: TenantSession, subscription_id: UUID) -> Row[Any]:
    where = {"id": subscription_id}
    return (await session.execute(SUBSCRIPTION, where)).one()


async def add(session: TenantSession, values: Mapping[str, object]) -> bool:
    """Whether there was none of this person or address."""
    return (await session.execute(ADD, values)).first() is not None


async def status_of(session: TenantSession, person_id: UUID | None, email: str | None) -> str | None:
    where = {"person_id": person_id, "email": email}
    found: str | None = await session.scalar(STATUS_OF, where)
    return found


async def is_address_of_person(session: TenantSession, email: str) -> bool:
    where = {"email": email}
    return bool(await session.scalar(IS_ADDRESS_OF_PERSON, where))


async def delete(session: TenantSession, subscription_id: UUID) -> bool:
    """Whether there was such a subscription."""
    where = {"id": subscription_id}
    return (await session.execute(DELETE, where)).first() is not None


async def confirm(session: TenantSession, subscription_id: UUID, since: datetime) -> bool:
    """Whether it is confirmed now; one that was made before `since`, or has ended, is not."""
    where = {"id": subscription_id, "since": since, "now": await transaction_time(session)}
    return (await session.execute(CONFIRM, where)).first() is not None


async def unsubscribe(session: TenantSession, subscription_id: UUID) -> None:
    """Nothing happens where it is gone, or has ended before."""
    await session.execute(UNSUBSCRIBE, {"id": subscription_id})


async def forget_unconfirmed(session: TenantSession, until: datetime) -> None:
    await session.execute(FORGET_UNCONFIRMED, {"until": until})


async def confirmed(session: TenantSession, organization: Organization, day: date) -> Sequence[Row[Any]]:
    where = {"organization_id": organization.id, "time_zone": organization.time_zone, "day": day}
    return (await session.execute(CONFIRMED, where)).all()


async def reader(
    session: TenantSession, organization: Organization, subscription_id: UUID, day: date
) -> Row[Any]:
    """Who it is now; `is_here` unless it is a person who does not work here on that day."""
    where = {"organization_id": organization.id, "time_zone": organization.time_zone, "day": day}
    return (await session.execute(READER, {**where, "id": subscription_id})).one()


async def plan(session: TenantSession, wanted: Mapping[str, Sequence[Any]]) -> None:
    """One mail a subscription and issue, however often it is planned."""
    await session.execute(PLAN, {**wanted})


async def reporting_to(session: TenantSession, person: str, stands: datetime) -> Sequence[UUID]:
    """Those whose manager was no later than that written."""
    where = {"person": person, "stands": stands}
    return (await session.scalars(REPORTING_TO, where)).all()
