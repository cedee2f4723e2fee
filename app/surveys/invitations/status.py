"""What became of the mails of a survey. Nothing here knows who answered."""

from datetime import datetime
from uuid import UUID

from app.core.database import TenantSession
from app.core.secrets import Keyring
from app.core.settings import Settings
from app.surveys.invitations import queries
from app.surveys.invitations.errors import NotByInvitation
from app.surveys.invitations.reminders import queries as reminder_queries
from app.surveys.invitations.reminders.service import can_mail, represent
from app.surveys.invitations.schemas import FailedMail, InvitationsStatus, MailCounts
from app.surveys.invitations.tokens import opened_person
from app.surveys.service import found_open

MOST_FAILED = 1000


async def status(
    session: TenantSession,
    survey_id: UUID,
    keyring: Keyring,
    settings: Settings,
    now: datetime,
    *,
    with_people: bool,
) -> InvitationsStatus:
    survey = await found_open(session, survey_id, now)
    if survey.access != "invited":
        raise NotByInvitation
    counts = await queries.count_by_state(session, survey_id)
    return InvitationsStatus(
        is_mail_set_up=can_mail(settings),
        counts=MailCounts(**counts._mapping),
        next_mailing_at=await queries.next_mailing_at(session, survey_id),
        reminders=[represent(row) for row in await reminder_queries.reminders(session, survey_id)],
        failed=await failed(session, survey_id, keyring) if with_people else None,
    )


async def failed(session: TenantSession, survey_id: UUID, keyring: Keyring) -> list[FailedMail]:
    """The address only where it is still the one that failed."""
    rows = await queries.failures(session, survey_id, MOST_FAILED)
    persons = [opened_person(keyring, session.organization_id, row.person_seal) for row in rows]
    people = await queries.people(session, persons)
    found = []
    for person, row in zip(persons, rows, strict=True):
        if one := people.get(person):
            address = one.email if one.email_since <= row.settled_at else None
            found.append(
                FailedMail(
                    person=one.external_id, address=address, failure=row.failure, failed_at=row.settled_at
                )
            )
    return found
