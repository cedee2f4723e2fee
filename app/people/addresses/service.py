"""A change of an address is told to the old one: only its reader can say that it is wrong (R14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.auth.rules import PROVEN
from app.core.database import Row, TenantSession, transaction_time
from app.core.jobs import enqueue
from app.core.languages import language_of
from app.mail.dispatcher import AGAIN, Lease, Verdict
from app.mail.message import Mail
from app.organizations.queries import organization as find_organization
from app.people.addresses import queries
from app.people.addresses.words import letter

JOB = "tell_old_addresses"


async def tell(session: TenantSession, addresses: Mapping[UUID, str]) -> None:
    """Once this transaction has committed; by person, the address that was theirs."""
    if addresses:
        await queries.add(session, addresses)
        await enqueue(session, JOB, session.organization_id, session.organization_id)


async def ask_again(session: TenantSession) -> None:
    """For notices whose job was given up: mail was out of reach for longer than a job is tried."""
    if await queries.count_waiting(session, await transaction_time(session)):
        await enqueue(session, JOB, session.organization_id, session.organization_id, is_single=True)


@dataclass(frozen=True)
class Notices:
    """Of one organisation."""

    kind: str = "address_notices"

    async def due(self, session: TenantSession, now: datetime) -> int:
        return await queries.count_waiting(session, now)

    async def claim(self, session: TenantSession, lease: Lease) -> Row[Any] | None:
        return await queries.claim(session, lease.started, lease.held_until)

    async def compose(self, session: TenantSession, item: Row[Any]) -> Mail:
        organization = await find_organization(session)
        language = language_of(await queries.locale_of(session, item.person_id), organization.locale)
        subject, text = letter(organization.name, PROVEN.days, language)
        return Mail(str(item.id), item.email, subject, text, language)

    async def settle(self, session: TenantSession, item: Row[Any], verdict: Verdict, now: datetime) -> None:
        """Whatever is not to be tried again is forgotten, with the address."""
        if verdict.status == AGAIN:
            await queries.put_back(session, item.id, now)
        else:
            await queries.forget(session, item.id)
