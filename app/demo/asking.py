"""Asks people of the demo for their answers: some by mail, and whoever looks on by a link."""

from datetime import datetime
from random import SystemRandom
from uuid import UUID

from app.core.database import Database, TenantSession
from app.core.secrets import Keyring
from app.core.settings import Settings
from app.mail.dispatcher import Round
from app.mail.transport import has_server
from app.surveys.invitations import queries
from app.surveys.invitations.mailing import Invitations
from app.surveys.invitations.reminders.service import can_mail
from app.surveys.invitations.schemas import InvitationsWrite
from app.surveys.invitations.service import issue
from app.surveys.responses.queries import answers_by_key
from app.surveys.responses.service import respondent_key
from app.surveys.service import found, is_open

MAILED = 12


async def mail_some(
    session: TenantSession, survey_id: UUID, keyring: Keyring, settings: Settings, now: datetime
) -> None:
    """Where there is a page for them to lead to."""
    if not can_mail(settings):
        return
    people = (await silent(session, survey_id, keyring))[:MAILED]
    await issue(session, survey_id, InvitationsWrite(people=people, send=True), keyring, settings, now)


async def write_mails(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """Those that are files lie there when the demo says so."""
    if not has_server(database.settings):
        mails = Invitations(database.keyring, survey_id, database.settings.respond_page)
        await Round(database, organization_id, mails).run()


async def link_of_another(
    session: TenantSession, survey_id: UUID, keyring: Keyring, settings: Settings, now: datetime
) -> str | None:
    """The way in of somebody who was not mailed and has not answered, while there is one."""
    survey = await found(session, survey_id)
    people = (await silent(session, survey_id, keyring))[MAILED:] if is_open(survey, now) else []
    if not people or settings.respond_page is None:
        return None
    wanted = InvitationsWrite(people=[SystemRandom().choice(people)], send=False)
    issued = await issue(session, survey_id, wanted, keyring, settings, now)
    return next((f"{settings.respond_page}#{one.token}" for one in issued.invitations), None)


async def silent(session: TenantSession, survey_id: UUID, keyring: Keyring) -> list[str]:
    """Who has not answered, in order: those who were mailed stay among the first."""
    survey = await found(session, survey_id)
    members = await queries.members(session, survey_id)
    keys = {respondent_key(keyring, survey, member.person_id): member.external_id for member in members}
    answered = await answers_by_key(session, survey_id, list(keys))
    return sorted(name for key, name in keys.items() if key not in answered)
