"""What the newsletter does by itself, in every organisation, safe to do twice and by several workers."""

from uuid import UUID

from app.calendar.delivery import Clock, Kind, Round
from app.calendar.jobs import in_every_organization, utc_now
from app.core import telemetry
from app.core.database import Database
from app.core.secrets import Keyring, load_secret
from app.newsletter import issues


async def plan_newsletters(database: Database) -> None:
    async def plan(organization_id: UUID) -> None:
        async with database.tenant_session(organization_id) as session:
            await issues.plan_issues(session, utc_now())

    await in_every_organization(database, plan)


async def send_newsletters(database: Database, clock: Clock = utc_now) -> None:
    due = 0

    async def send(organization_id: UUID) -> None:
        nonlocal due
        due += await send_due(database, organization_id, clock)

    await in_every_organization(database, send)
    telemetry.CALENDAR_MAILS_DUE.labels(Kind.NEWSLETTERS).set(due)


async def send_due(database: Database, organization_id: UUID, clock: Clock) -> int:
    """Sends what is due in the organisation; how many that were."""
    compose = issues.composer(Keyring(load_secret(database.settings)), database.settings.public_url)
    return await Round(database, organization_id, Kind.NEWSLETTERS, compose, clock).run()
