"""What the calendar does by itself, in every organisation, safe to do twice and by several workers."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from app.calendar.cards import service as cards
from app.calendar.delivery import Clock, Kind, Round
from app.calendar.due import tell_of_due
from app.calendar.reminders import service as reminders
from app.core import logging as app_logging
from app.core import telemetry
from app.core.database import Database
from app.core.secrets import Keyring, load_secret
from app.organizations import queries as organizations

log = logging.getLogger("betrokken.calendar")


def utc_now() -> datetime:
    return datetime.now(UTC)


async def plan_celebrations(database: Database) -> None:
    """Often enough that a consent given this morning has its card today."""

    async def plan(organization_id: UUID) -> None:
        async with database.tenant_session(organization_id) as session:
            await cards.plan_cards(session, utc_now())
        async with database.tenant_session(organization_id) as session:
            await reminders.plan_digests(session, utc_now())
        async with database.tenant_session(organization_id) as session:
            await tell_of_due(session, utc_now())

    await in_every_organization(database, plan)


async def send_celebrations(database: Database, clock: Clock = utc_now) -> None:
    due = Counter({Kind.CARDS: 0, Kind.DIGESTS: 0})

    async def send(organization_id: UUID) -> None:
        due.update(await send_due(database, organization_id, clock))

    await in_every_organization(database, send)
    for kind, number in due.items():
        telemetry.CALENDAR_MAILS_DUE.labels(kind).set(number)


async def send_due(database: Database, organization_id: UUID, clock: Clock) -> dict[Kind, int]:
    """Sends what is due in the organisation; how many that were."""
    compose_digest = reminders.composer(Keyring(load_secret(database.settings)), database.settings.public_url)
    composers = {Kind.CARDS: cards.compose, Kind.DIGESTS: compose_digest}
    return {
        kind: await Round(database, organization_id, kind, compose, clock).run()
        for kind, compose in composers.items()
    }


async def in_every_organization(database: Database, work: Callable[[UUID], Awaitable[None]]) -> None:
    """What fails in one organisation holds up no other."""
    async with database.system_session(reason="list the organisations") as session:
        everyone = await organizations.organization_ids(session)
    for organization_id in everyone:
        try:
            await work(organization_id)
        except Exception as error:
            log.error("celebrations_failed", extra=app_logging.describe(error))
