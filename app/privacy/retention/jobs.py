"""What is kept for a while only, as each organisation has set it."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core import audit
from app.core import logging as app_logging
from app.core.audit import SYSTEM, person_mark
from app.core.database import Database
from app.core.secrets import Keyring, load_secret
from app.organizations import queries as organizations
from app.privacy import queries
from app.privacy.erasure import service as erasing

log = logging.getLogger("betrokken.privacy")

AT_ONCE = 1000
"""Leavers a round and organisation; the rest have their turn in the next."""


async def retain(database: Database) -> None:
    """What fails in one organisation holds up no other."""
    now = datetime.now(UTC)
    async with database.system_session(reason="list the organisations") as session:
        everyone = await organizations.organization_ids(session)
    for organization_id in everyone:
        try:
            await retain_in(database, organization_id, now)
        except Exception as error:
            log.error("retention_failed", extra=app_logging.describe(error))


async def retain_in(database: Database, organization_id: UUID, now: datetime) -> None:
    async with database.tenant_session(organization_id) as session:
        await queries.forget_old_links(session, now)
        settings = await organizations.organization(session)
        today = now.astimezone(ZoneInfo(settings.time_zone)).date()
        leavers: Sequence[str] = ()
        surveys: Sequence[UUID] = ()
        if settings.leavers_months is not None:
            leavers = await queries.left_longer_ago(session, today, settings.leavers_months, AT_ONCE)
        if settings.answers_months is not None:
            surveys = await queries.answered_longer_ago(session, now, settings.answers_months)
    for external_id in leavers:
        await erase_leaver(database, organization_id, external_id)
    for survey_id in surveys:
        await delete_answers(database, organization_id, survey_id)


async def erase_leaver(database: Database, organization_id: UUID, external_id: str) -> None:
    keyring = Keyring(load_secret(database.settings))
    async with database.tenant_session(organization_id) as session:
        await erasing.erase_person(session, external_id, keyring)
        mark = person_mark(keyring, organization_id, external_id)
        await audit.record(session, SYSTEM, "erase_person", person=mark)


async def delete_answers(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """With the comments; the released numbers stay."""
    async with database.tenant_session(organization_id) as session:
        await queries.delete_answers(session, survey_id)
        await audit.record(session, SYSTEM, "delete_answers", str(survey_id))
