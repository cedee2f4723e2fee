import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from app.auth.principal import Principal, Scope
from app.core import audit
from app.core.conditional import Preconditions
from app.core.database import AsyncSession, TenantSession, transaction_time
from app.core.errors import Conflict, MissingScope, NotFound, Unprocessable
from app.core.jobs import enqueue
from app.core.outbound import flaw_of
from app.core.outbox import DELIVER_JOB, add_deliveries
from app.core.secrets import Keyring
from app.tables import Webhook, WebhookDelivery
from app.webhooks import queries, rules, schemas

SEAL = "webhook"
TEST_EVENT = "webhook.test"
REQUESTED = "requested"
SCOPES = {
    "survey": Scope.SURVEYS_READ,
    "person": Scope.PEOPLE_READ,
    "recognition": Scope.RECOGNITIONS_READ,
    "occasion": Scope.CALENDAR_READ,
    "card": Scope.CALENDAR_READ,
}
"""What reads the things that events tell of; the first part of an event's name says which."""
CLEAN_RECORD = {"disabled_at": None, "disabled_reason": None, "failing_since": None}


class BadUrl(Unprocessable):
    code = "bad_url"
    detail = "This address cannot be used: send https://host/path, without user, password or fragment."


class AddressNotPublic(Unprocessable):
    code = "address_not_public"
    detail = "This address is private: send one that the internet can reach."


class WebhookDisabled(Conflict):
    code = "webhook_disabled"
    detail = "This webhook is disabled: enable it first."


FLAWS = {flaw.code: flaw for flaw in (BadUrl, AddressNotPublic)}


def represent(row: Webhook) -> schemas.Webhook:
    derived = {"enabled": row.disabled_at is None, "earlier_secret_until": row.earlier_until}
    return schemas.Webhook.model_validate({**row.model_dump(), **derived})


def represent_once(row: Webhook, secret: str) -> schemas.WebhookWithSecret:
    return schemas.WebhookWithSecret(**represent(row).model_dump(), secret=secret)


def represent_delivery(row: WebhookDelivery) -> schemas.WebhookDelivery:
    waits = row.due_at if row.status == "pending" else None
    return schemas.WebhookDelivery.model_validate({**row.model_dump(), "next_attempt_at": waits})


def refuse_flawed(url: str, *, may_be_private: bool) -> None:
    """What a name leads to is looked at when something is sent there, each time."""
    flaw = flaw_of(url, may_be_private=may_be_private)
    if flaw is not None:
        raise FLAWS[flaw].at("#/url")


def require_scopes(who: Principal, events: Iterable[str]) -> None:
    """Nobody is told by a webhook what they could not read."""
    needed = {SCOPES[thing] for event in events if (thing := event.partition(".")[0]) in SCOPES}
    if beyond := needed - who.scopes:
        named = ", ".join(sorted(beyond))
        raise MissingScope(f"To subscribe to these events, your key also needs {named}.", *beyond)


async def found(session: TenantSession, webhook_id: UUID, *, lock: bool = False) -> Webhook:
    row = await queries.webhook(session, webhook_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def found_enabled(session: TenantSession, webhook_id: UUID) -> Webhook:
    row = await found(session, webhook_id, lock=True)
    if row.disabled_at is not None:
        raise WebhookDisabled
    return row


async def create_webhook(
    session: AsyncSession,
    who: Principal,
    wanted: schemas.WebhookWrite,
    keyring: Keyring,
    *,
    may_be_private: bool,
) -> schemas.WebhookWithSecret:
    require_scopes(who, wanted.events)
    refuse_flawed(wanted.url, may_be_private=may_be_private)
    secret = rules.new_secret(secrets.token_bytes(32))
    row = Webhook(
        organization_id=who.organization_id,
        id=uuid4(),
        sealed_secret=keyring.seal(who.organization_id, SEAL, secret.encode()),
        **wanted.model_dump(),
    )
    session.add(row)
    tell_where(session, row)
    await session.flush()
    await session.refresh(row)
    return represent_once(row, secret)


def tell_where(session: AsyncSession, row: Webhook) -> None:
    """What is told to whom; the rest of an address may be a secret."""
    audit.tell_more(session, host=urlsplit(row.url).hostname, events=sorted(row.events))


async def update_webhook(
    session: TenantSession,
    who: Principal,
    webhook_id: UUID,
    patch: schemas.WebhookPatch,
    conditions: Preconditions,
    *,
    may_be_private: bool,
) -> schemas.Webhook:
    row = await found(session, webhook_id, lock=True)
    conditions.check(represent(row))
    now = await transaction_time(session)
    sent = patch.model_dump(include={"url", "events", "description"}, exclude_unset=True)
    if sent.keys() & {"url", "events"}:
        require_scopes(who, sent.get("events", row.events))
    if "url" in sent:
        refuse_flawed(sent["url"], may_be_private=may_be_private)
    wanted = sent | (CLEAN_RECORD if patch.enabled else {})
    changes = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in changes.items():
        setattr(row, name, value)
    if changes:
        tell_where(session, row)
        row.updated_at = now
        await session.flush()
    if patch.enabled is False:
        await queries.disable(session, webhook_id, now, REQUESTED)
        await session.refresh(row)
    return represent(row)


async def rotate_secret(
    session: TenantSession, webhook_id: UUID, keyring: Keyring
) -> schemas.WebhookWithSecret:
    """A new secret; for a day the one before it signs too."""
    row = await found(session, webhook_id, lock=True)
    secret, now = rules.new_secret(secrets.token_bytes(32)), await transaction_time(session)
    row.earlier_secret, row.earlier_until = row.sealed_secret, now + rules.OVERLAP
    row.sealed_secret = keyring.seal(session.organization_id, SEAL, secret.encode())
    row.updated_at = now
    await session.flush()
    return represent_once(row, secret)


async def send_test(session: TenantSession, webhook_id: UUID) -> schemas.WebhookDelivery:
    """An event for this webhook alone, whatever it subscribed to."""
    await found_enabled(session, webhook_id)
    [delivery_id] = await add_deliveries(session, [webhook_id], TEST_EVENT, [{}])
    return await read_delivery(session, webhook_id, delivery_id)


def is_forgotten(row: WebhookDelivery) -> bool:
    """Who was erased is told once, and known no more."""
    return row.event == "person.erased" and not row.data


async def redeliver(session: TenantSession, webhook_id: UUID, delivery_id: UUID) -> schemas.WebhookDelivery:
    """Sends it from the first attempt on, under the same webhook-id."""
    await found_enabled(session, webhook_id)
    row = await queries.delivery(session, webhook_id, delivery_id)
    if row is None or is_forgotten(row):
        raise NotFound
    row.status, row.attempts, row.delivered_at = "pending", 0, None
    row.due_at = await transaction_time(session)
    await session.flush()
    await enqueue(session, DELIVER_JOB, session.organization_id, webhook_id)
    return represent_delivery(row)


async def read_delivery(
    session: TenantSession, webhook_id: UUID, delivery_id: UUID
) -> schemas.WebhookDelivery:
    row = await queries.delivery(session, webhook_id, delivery_id)
    if row is None:
        raise NotFound
    return represent_delivery(row)
