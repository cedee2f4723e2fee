from uuid import UUID

from app.core.database import Database, transaction_time
from app.surveys.invitations.reminders.mailing import send_reminders
from app.surveys.invitations.reminders.service import start_next


async def remind_invited(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """Begins the reminders that are due, each once, and mails what waits."""
    is_more = True
    while is_more:
        async with database.tenant_session(organization_id) as session:
            now = await transaction_time(session)
            is_more = await start_next(session, survey_id, database.keyring, now)
    await send_reminders(database, organization_id, survey_id)
