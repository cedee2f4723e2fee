"""Who gets the newsletter: nobody who did not say so, from the address itself."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.calendar.service import find_person
from app.core import audit
from app.core.database import Database, Row, TenantSession, transaction_time
from app.core.errors import Conflict, NotFound, Unprocessable
from app.core.schema import is_email
from app.newsletter import queries, schemas
from app.people.persons.errors import UnknownPerson

INVITATION = "invitation"
CONFIRM, UNSUBSCRIBE = "newsletter confirm", "newsletter unsubscribe"
CONFIRM_WITHIN = timedelta(days=14)
INVITE_WITHIN = timedelta(days=3)
"""How long a mail server may be out of reach before an invitation is given up."""


class SubscriberNotNamed(Unprocessable):
    code = "subscriber_not_named"
    detail = "Send a person, or the e-mail address of somebody from outside: one of the two."


class BadAddress(Unprocessable):
    code = "bad_address"
    detail = "This is not an e-mail address: write it as name@example.com."


class AddressOfPerson(Unprocessable):
    code = "address_of_person"
    detail = "This is the address of a person of the organisation: send person instead of the address."


class AlreadySubscribed(Conflict):
    code = "already_subscribed"
    detail = "There is a subscription already: delete it first to invite again."


class Unsubscribed(Conflict):
    code = "unsubscribed"
    detail = "This address has unsubscribed: it cannot be invited again."


def represent(row: Row[Any]) -> schemas.NewsletterSubscription:
    return schemas.NewsletterSubscription.model_validate(row, from_attributes=True)


async def subscribe(
    session: TenantSession, wanted: schemas.NewsletterSubscriptionWrite
) -> schemas.NewsletterSubscription:
    """A subscription that waits for its confirmation, and the mail that asks for it."""
    if (wanted.person is None) == (wanted.email is None):
        raise SubscriberNotNamed.at("#/person")
    person_id = await _person(session, wanted.person)
    email = await _address(session, wanted.email)
    subscription_id = uuid4()
    row = {"id": subscription_id, "person_id": person_id}
    if not await queries.add(session, {**row, "email": email, "language": wanted.language}):
        status = await queries.status_of(session, person_id, email)
        raise Unsubscribed if status == "unsubscribed" else AlreadySubscribed
    now = await transaction_time(session)
    invitation: dict[str, list[Any]] = {"subscription_id": [subscription_id], "issue": [INVITATION]}
    times = {"send_at": [now], "expires_at": [now + INVITE_WITHIN]}
    await queries.plan(session, invitation | times)
    return represent(await queries.subscription(session, subscription_id))


async def _person(session: TenantSession, external_id: str | None) -> UUID | None:
    if external_id is None:
        return None
    try:
        return await find_person(session, external_id)
    except NotFound:
        raise UnknownPerson.at("#/person") from None


async def _address(session: TenantSession, email: str | None) -> str | None:
    if email is None:
        return None
    if not is_email(email):
        raise BadAddress.at("#/email")
    if await queries.is_address_of_person(session, email.lower()):
        raise AddressOfPerson.at("#/email")
    return email.lower()


async def confirm(session: TenantSession, subscription_id: UUID, now: datetime) -> None:
    if not await queries.confirm(session, subscription_id, now - CONFIRM_WITHIN):
        raise NotFound
    await audit.record(session, audit.OWN_LINK, "confirm_newsletter", str(subscription_id))


async def whose(database: Database, purpose: str, token: str) -> tuple[UUID, UUID]:
    """Organisation and subscription."""
    found = await database.opened(purpose, token)
    if found is None:
        raise NotFound
    return found
