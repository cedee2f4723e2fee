from uuid import UUID

from app.core.database import Database
from app.mail.dispatcher import Round
from app.mail.transport import can_send
from app.people.addresses import queries
from app.people.addresses.service import Notices


async def tell_old_addresses(database: Database, organization_id: UUID, _: UUID) -> None:
    """Where no mail goes out nobody can be told, and no address of before is kept."""
    if can_send(database.settings):
        await Round(database, organization_id, Notices()).run_as_job()
        return
    async with database.tenant_session(organization_id) as session:
        await queries.forget_all(session)
