"""Who is reminded, when, and with which link.

In the modes in which an answer has a key, those who have not answered get the link of their invitation
again. Its nonce is kept until the survey closes: without the secret of the installation it is no token, and
with that secret and the database anybody's answer can be found already. In anonymous mode the nonce is
forgotten when the mail has gone out, as it would lead from a person to the response that used its token: so
everybody is reminded, without a link, and a mailbox shows the reminder beside the invitation.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.core.database import Row, TenantSession
from app.core.jobs import enqueue
from app.core.secrets import Keyring
from app.core.settings import Settings
from app.mail.transport import can_send
from app.mail.windows import local_day
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.errors import (
    AfterClosing,
    MailNotSetUp,
    NobodyMailed,
    NoClosingDate,
    NotByInvitation,
    RemindedLately,
    ReminderBeforeInvitation,
    RemindersOnOneDay,
    RuleOfReminder,
)
from app.surveys.invitations.own_words import check_words_of_reminder
from app.surveys.invitations.reminders import queries, rules
from app.surveys.invitations.schemas import Reminder, ReminderRule, ReminderWords
from app.surveys.invitations.tokens import recipient_key, sealed_person
from app.surveys.service import REMIND_JOB, found_open
from app.tables import Organization, Survey

QUIET = timedelta(hours=20)
"""Nobody is reminded twice within it: rules, and reminders by hand, may come together."""
BY_HAND = timedelta(hours=24)


def can_mail(settings: Settings) -> bool:
    return can_send(settings) and settings.mailed_page is not None


def represent(row: Row[Any]) -> Reminder:
    return Reminder(
        id=row.id,
        days_before_close=row.days_before_close,
        days_after_invitation=row.days_after_invitation,
        send_at=row.due_at,
        status="planned" if row.started_at is None else "sent",
    )


# ------------------------------------------------------------------ planning


def due_times(
    survey: Survey, wanted: Sequence[ReminderRule], invited_at: datetime, organization: Organization
) -> list[datetime]:
    """When each is due, of rules that can be kept."""
    found: list[datetime] = []
    for index, rule in enumerate(wanted):
        place = f"#/reminders/{index}"
        due_at = due_time(survey, rule, invited_at, organization, place)
        zone = organization.time_zone
        if local_day(due_at, zone) <= local_day(invited_at, zone):
            raise ReminderBeforeInvitation.at(place)
        if survey.closes_at is not None and due_at >= survey.closes_at:
            raise AfterClosing.at(place)
        if due_at in found:
            raise RemindersOnOneDay.at(place)
        found.append(due_at)
    return found


def due_time(
    survey: Survey, rule: ReminderRule, invited_at: datetime, organization: Organization, place: str
) -> datetime:
    where = (organization.cards_time, organization.time_zone)
    if rule.days_before_close is not None and rule.days_after_invitation is None:
        if survey.closes_at is None:
            raise NoClosingDate.at(place)
        return rules.due_before_close(rule.days_before_close, survey.closes_at, *where)
    if rule.days_after_invitation is not None and rule.days_before_close is None:
        return rules.due_after_invitation(rule.days_after_invitation, invited_at, *where)
    raise RuleOfReminder.at(place)


async def plan(
    session: TenantSession,
    survey: Survey,
    mailing_id: UUID,
    wanted: Sequence[ReminderRule],
    due: Sequence[datetime],
) -> None:
    for rule, due_at in zip(wanted, due, strict=True):
        days = (rule.days_before_close, rule.days_after_invitation)
        await queries.add_reminder(session, survey.id, uuid4(), mailing_id, days, due_at)
        await enqueue(session, REMIND_JOB, survey.organization_id, survey.id, at=due_at)


async def remind(
    session: TenantSession, survey_id: UUID, wanted: ReminderWords, settings: Settings, now: datetime
) -> Reminder:
    """By hand, now. How many it reaches is not told: it would be how many have not answered."""
    survey = await found_open(session, survey_id, now, lock="write")
    if survey.access != "invited":
        raise NotByInvitation
    if not can_mail(settings):
        raise MailNotSetUp
    check_words_of_reminder(survey, wanted)
    if not await queries.is_anybody_mailed(session, survey_id):
        raise NobodyMailed
    last = await queries.last_reminded_at(session, survey_id, now)
    if last is not None and last > now - BY_HAND:
        raise RemindedLately
    row = await queries.add_reminder(session, survey_id, uuid4(), None, (None, None), now, wanted.own)
    await enqueue(session, REMIND_JOB, survey.organization_id, survey_id, is_single=True)
    return represent(row)


# ------------------------------------------------------------------ starting


async def start_next(session: TenantSession, survey_id: UUID, keyring: Keyring, now: datetime) -> bool:
    """Plans the mails of the next reminder that is due; False where none is."""
    reminder = await queries.start_next(session, survey_id, now)
    if reminder is None:
        return False
    wanted = await queries.to_remind(session, survey_id, reminder.mailing_id, now - QUIET)
    own = session.organization_id
    mails = []
    for member in await invitation_queries.members(session, survey_id) if wanted else ():
        key = recipient_key(keyring, own, survey_id, member.person_id)
        if key in wanted:
            mails.append((key, sealed_person(keyring, own, member.person_id)))
    await queries.add_mails(session, survey_id, reminder.id, mails)
    return True


async def ask_again(session: TenantSession) -> None:
    """For reminders whose job was given up, lost or late."""
    for survey_id in await queries.surveys_to_remind(session):
        await enqueue(session, REMIND_JOB, session.organization_id, survey_id, is_single=True)
