"""What is kept for a while only, as each organisation has set it; and what was asked for and did not come."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core import audit
from app.core.audit import SYSTEM, person_mark
from app.core.database import Database, transaction_time
from app.core.jobs import for_each
from app.organizations import queries as organizations
from app.organizations.jobs import in_every_organization
from app.people.addresses import service as addresses
from app.privacy.erasure import service as erasing
from app.privacy.export import links
from app.privacy.retention import queries

AT_ONCE = 1000
"""Leavers a round and organisation; the rest have their turn in the next."""


async def retain(database: Database) -> None:
    await in_every_organization(database, "retain", retain_in)


async def retain_in(database: Database, organization_id: UUID) -> None:
    async with database.tenant_session(organization_id) as session:
        now = await transaction_time(session)
        await queries.forget_old_mails(session, now)
        await queries.forget_of_nobody(session)
        await addresses.ask_again(session)
        await links.ask_again_for_links(session, database.settings)
        await erasing.ask_again_for_samples(session)
        settings = await organizations.organization(session)
        today = now.astimezone(ZoneInfo(settings.time_zone)).date()
        leavers: Sequence[str] = ()
        surveys: Sequence[UUID] = ()
        if settings.leavers_months is not None:
            leavers = await queries.left_longer_ago(session, today, settings.leavers_months, AT_ONCE)
        if settings.answers_months is not None:
            surveys = await queries.answered_longer_ago(session, now, settings.answers_months)
    await for_each(leavers, "retain", partial(erase_leaver, database, organization_id))
    await for_each(surveys, "retain", partial(delete_answers, database, organization_id))


async def erase_leaver(database: Database, organization_id: UUID, external_id: str) -> None:
    keyring = database.keyring
    async with database.tenant_session(organization_id) as session:
        await erasing.erase_person(session, external_id, keyring)
        mark = person_mark(keyring, organization_id, external_id)
        await audit.record(session, SYSTEM, "erase_person", person=mark)


async def delete_answers(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """With the comments; the released numbers stay."""
    async with database.tenant_session(organization_id) as session:
        await queries.delete_answers(session, survey_id)
        await erasing.sample_after(session, await transaction_time(session))
        await audit.record(session, SYSTEM, "delete_answers", str(survey_id))
