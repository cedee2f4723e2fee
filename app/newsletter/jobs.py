"""What the newsletter does by itself, in every organisation, safe to do twice and by several workers."""

from uuid import UUID

from app.core import telemetry
from app.core.database import Clock, Database, transaction_time
from app.mail.dispatcher import Round
from app.mail.planned import Planned
from app.newsletter import issues
from app.newsletter.queries import MAILS
from app.organizations.jobs import in_every_organization


async def plan_newsletters(database: Database) -> None:
    await in_every_organization(database, "plan_newsletters", plan_in)


async def plan_in(database: Database, organization_id: UUID) -> None:
    async with database.tenant_session(organization_id) as session:
        await issues.plan_issues(session, await transaction_time(session))


async def send_newsletters(database: Database, clock: Clock = transaction_time) -> None:
    due = 0

    async def send(database: Database, organization_id: UUID) -> None:
        nonlocal due
        due += await send_due(database, organization_id, clock)

    await in_every_organization(database, "send_newsletters", send)
    telemetry.CALENDAR_MAILS_DUE.labels(MAILS.kind).set(due)


async def send_due(database: Database, organization_id: UUID, clock: Clock) -> int:
    """Sends what is due in the organisation; how many that were."""
    compose = issues.composer(database.keyring, database.settings.public_url)
    return await Round(database, organization_id, Planned(MAILS, compose), clock).run()
