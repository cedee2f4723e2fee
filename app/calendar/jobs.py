"""What the calendar does by itself, in every organisation, safe to do twice and by several workers."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from app.calendar.cards import service as cards
from app.calendar.cards.queries import MAILS as CARDS
from app.calendar.due import tell_of_due
from app.calendar.reminders import service as reminders
from app.calendar.reminders.queries import MAILS as DIGESTS
from app.core import telemetry
from app.core.database import Clock, Database, TenantSession, transaction_time
from app.core.jobs import for_each
from app.mail.dispatcher import Round
from app.mail.planned import Planned
from app.organizations.jobs import in_every_organization

Planner = Callable[[TenantSession, datetime], Awaitable[object]]


async def plan_celebrations(database: Database) -> None:
    """Often enough that a consent given this morning has its card today."""
    await in_every_organization(database, "plan_celebrations", plan_in)


async def plan_in(database: Database, organization_id: UUID) -> None:
    async def carry_out(plan: Planner) -> None:
        async with database.tenant_session(organization_id) as session:
            await plan(session, await transaction_time(session))

    await for_each((cards.plan_cards, reminders.plan_digests, tell_of_due), "plan_celebrations", carry_out)


async def send_celebrations(database: Database, clock: Clock = transaction_time) -> None:
    due = Counter({CARDS.kind: 0, DIGESTS.kind: 0})

    async def send(database: Database, organization_id: UUID) -> None:
        due.update(await send_due(database, organization_id, clock))

    await in_every_organization(database, "send_celebrations", send)
    for kind, number in due.items():
        telemetry.CALENDAR_MAILS_DUE.labels(kind).set(number)


async def send_due(database: Database, organization_id: UUID, clock: Clock) -> dict[str, int]:
    """Sends what is due in the organisation; how many that were."""
    compose_digest = reminders.composer(database.keyring, database.settings.public_url)
    kinds = (Planned(CARDS, cards.compose, cards.tell_of_sent), Planned(DIGESTS, compose_digest))
    return {mails.kind: await Round(database, organization_id, mails, clock).run() for mails in kinds}
