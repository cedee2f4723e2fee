"""Reminders, mailed: each of who needs one, and a note alike of who does not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.auth.rules import stands
from app.core import telemetry
from app.core.database import Database, Row, TenantSession, once_committed, transaction_time
from app.core.secrets import Keyring, token_hash
from app.mail.dispatcher import AGAIN, OUTCOMES, Lease, NotNeeded, Round, Verdict
from app.mail.letters import Letter
from app.mail.message import Mail
from app.mail.windows import local_day
from app.surveys.invitations import letters
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.letters import Occasion, OwnWords
from app.surveys.invitations.mailing import (
    invitation_key,
    leading_somewhere,
    mail_of,
    survey_still_open,
)
from app.surveys.invitations.preview import language_for, occasion_of
from app.surveys.invitations.reminders import queries
from app.surveys.invitations.tokens import opened_person, token_of
from app.surveys.responses.service import respondent_key
from app.tables import Survey


async def send_reminders(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    mails = Reminders(database.keyring, survey_id, database.settings.mailed_page)
    await Round(database, organization_id, mails).run_as_job()


@dataclass(frozen=True)
class Reminders:
    keyring: Keyring
    survey_id: UUID
    page: str | None
    kind: str = "survey_reminders"

    async def due(self, session: TenantSession, now: datetime) -> int:
        waiting = await queries.waiting_mails(session, self.survey_id, now)
        return leading_somewhere(waiting, self.page)

    async def claim(self, session: TenantSession, lease: Lease) -> Row[Any] | None:
        return await queries.claim_mail(session, self.survey_id, lease.started, lease.held_until)

    async def compose(self, session: TenantSession, item: Row[Any]) -> Mail:
        survey = await survey_still_open(session, self.survey_id)
        person = opened_person(self.keyring, session.organization_id, item.person_seal)
        about = await occasion_of(session, survey)
        now = await transaction_time(session)
        today = local_day(now, about.organization.time_zone)
        reader = await invitation_queries.reader(session, person, today)
        delivery = await queries.delivery(session, self.survey_id, item.recipient_key)
        if reader is None or reader.email is None or not reader.is_here:
            raise NotNeeded
        if delivery is None or delivery.settled_at is None:
            raise NotNeeded
        own = await self.own_words(session, item, delivery)
        language = language_for(own, reader.locale, about.organization)
        addressee = letters.Reader(reader.name, language, reader.time_zone)
        if survey.mode == "anonymous":
            letter = letters.reminder_of_everybody(about, own, delivery.settled_at, addressee)
        else:
            letter = await self.with_link(session, about, own, person, reader, delivery, addressee, now)
        follows = invitation_key(self.keyring, session, delivery) if delivery.mailing_id else None
        return mail_of(letter, self.key_of(session, item), reader.email, follows)

    async def own_words(self, session: TenantSession, item: Row[Any], delivery: Row[Any]) -> OwnWords:
        """Of this reminder, where it has any; else of the invitation it follows."""
        subject, text = await queries.own_words(session, self.survey_id, item.reminder_id)
        if subject is None and text is None:
            *_, subject, text = await invitation_queries.own_words(
                session, self.survey_id, delivery.mailing_id
            )
        return OwnWords(subject, text)

    async def with_link(
        self,
        session: TenantSession,
        about: Occasion,
        own: OwnWords,
        person: UUID,
        reader: Row[Any],
        delivery: Row[Any],
        addressee: letters.Reader,
        now: datetime,
    ) -> Letter:
        """For an address that stood when they were invited: a later one would tell its writer who is silent,
        and give them the link (R14)."""
        if delivery.kept_nonce is None or not stands(reader.email_since, delivery.settled_at, now):
            raise NotNeeded
        token = token_of(self.keyring, session.organization_id, self.survey_id, delivery.kept_nonce)
        if not await self.is_wanted(session, about.survey, person, token):
            raise NotNeeded
        return letters.reminder(about, own, f"{self.page}#{token}", addressee)

    async def is_wanted(self, session: TenantSession, survey: Survey, person: UUID, token: str) -> bool:
        if not await invitation_queries.is_unused(session, self.survey_id, token_hash(token)):
            return False
        key = respondent_key(self.keyring, survey, person)
        return not await queries.has_answered(session, self.survey_id, key)

    async def settle(self, session: TenantSession, item: Row[Any], verdict: Verdict, now: datetime) -> None:
        if outcome := OUTCOMES.get(verdict.failure or verdict.status):
            once_committed(session, telemetry.SURVEY_MAILS.labels("reminder", outcome).inc)
        if verdict.status == AGAIN:
            await queries.put_back(session, self.survey_id, item, now)
        else:
            await queries.settle(session, self.survey_id, item)

    def key_of(self, session: TenantSession, item: Row[Any]) -> str:
        parts = (item.reminder_id.bytes, item.recipient_key.bytes)
        return str(self.keyring.uuid(session.organization_id, "reminder-mail", *parts))
