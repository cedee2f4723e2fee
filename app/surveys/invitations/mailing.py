"""The invitations of a survey that are to be mailed.

A mail is forgotten once the server has it: cut off between, it is sent again, with the same token.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core import telemetry
from app.core.database import Database, Row, TenantSession, once_committed, transaction_time
from app.core.secrets import Keyring, token_hash
from app.mail.dispatcher import AGAIN, OUTCOMES, Lease, Round, Undeliverable, Verdict
from app.mail.failures import Unavailable
from app.mail.letters import Letter, html_of, text_of
from app.mail.message import Mail
from app.mail.windows import local_day
from app.surveys import queries
from app.surveys.invitations import letters
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.letters import OwnWords
from app.surveys.invitations.preview import language_for, occasion_of
from app.surveys.invitations.service import has_had_one, may_be_mailed_again
from app.surveys.invitations.tokens import opened_person, padded_person, token_of
from app.surveys.responses.service import respondent_key
from app.tables import Survey


async def send_invitations(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    mails = Invitations(database.keyring, survey_id, database.settings.mailed_page)
    await Round(database, organization_id, mails).run_as_job()


@dataclass(frozen=True)
class Invitations:
    keyring: Keyring
    survey_id: UUID
    page: str | None
    kind: str = "invitations"

    async def due(self, session: TenantSession, now: datetime) -> int:
        waiting = await invitation_queries.waiting_mails(session, self.survey_id, now)
        return leading_somewhere(waiting, self.page)

    async def claim(self, session: TenantSession, lease: Lease) -> Row[Any] | None:
        return await invitation_queries.claim_mail(session, self.survey_id, lease.started, lease.held_until)

    async def compose(self, session: TenantSession, item: Row[Any]) -> Mail:
        survey = await survey_still_open(session, self.survey_id)
        about = await occasion_of(session, survey)
        now = await transaction_time(session)
        today = local_day(now, about.organization.time_zone)
        reader = await invitation_queries.reader(session, self.person_of(session, item), today)
        if reader is None or reader.email is None:
            raise Undeliverable("no_address", "no_address")
        if has_had_one(item) and not may_be_mailed_again(survey, reader.email_since, now):
            raise Undeliverable("cancelled", "address_changed")
        subject, text, *_ = await invitation_queries.own_words(session, self.survey_id, item.mailing_id)
        own = OwnWords(subject, text)
        link = f"{self.page}#{self.token_of(session, item)}"
        addressee = letters.Reader(
            reader.name, language_for(own, reader.locale, about.organization), reader.time_zone
        )
        letter = letters.invitation(about, own, link, addressee)
        return mail_of(letter, invitation_key(self.keyring, session, item), reader.email)

    async def settle(self, session: TenantSession, item: Row[Any], verdict: Verdict, now: datetime) -> None:
        if outcome := OUTCOMES.get(verdict.failure or verdict.status):
            once_committed(session, telemetry.SURVEY_MAILS.labels("invitation", outcome).inc)
        if verdict.status == "sent":
            await self.put_token_in_place(session, item)
            await invitation_queries.mark_mailed(session, self.survey_id, item, now)
        elif verdict.status == AGAIN:
            await invitation_queries.put_back(session, self.survey_id, item, now)
        elif verdict.status == "bounced":
            await self.take_token_back(session, item)
            failure = "bounced" if verdict.came_back else "refused"
            await invitation_queries.mark_failed(session, self.survey_id, item, failure, now)
        else:
            await self.take_token_back(session, item)
            await invitation_queries.take_back(session, self.survey_id, item)

    async def put_token_in_place(self, session: TenantSession, item: Row[Any]) -> None:
        """Now that it is in their mailbox: until then the one that they have is the one that works."""
        token = token_hash(self.token_of(session, item))
        if await invitation_queries.is_unused(session, self.survey_id, token):
            return
        survey = await queries.survey(session, self.survey_id, lock="write")
        if survey is None or survey.mode == "anonymous":
            return
        person = self.person_of(session, item)
        key = respondent_key(self.keyring, survey, person)
        await invitation_queries.put_in_place(session, self.survey_id, item, token, person, key)

    async def take_token_back(self, session: TenantSession, item: Row[Any]) -> None:
        """Its mail reached nobody, and the person can be asked again."""
        await queries.survey(session, self.survey_id, lock="write")
        await invitation_queries.use(session, self.survey_id, [token_hash(self.token_of(session, item))])

    def token_of(self, session: TenantSession, item: Row[Any]) -> str:
        return token_of(self.keyring, session.organization_id, self.survey_id, item.nonce)

    def person_of(self, session: TenantSession, item: Row[Any]) -> UUID:
        if item.person_seal is None:
            return padded_person(self.keyring, session.organization_id, item.nonce, item.sealed_person)
        return opened_person(self.keyring, session.organization_id, item.person_seal)


def leading_somewhere(waiting: int, page: str | None) -> int:
    """Those that wait. An address may be taken out of the settings after they were asked for."""
    if waiting and page is None:
        raise Unavailable("mail is to be sent and its links lead nowhere: set BETROKKEN_PUBLIC_URL")
    return waiting


async def survey_still_open(session: TenantSession, survey_id: UUID) -> Survey:
    survey = await queries.survey(session, survey_id)
    if survey is None or survey.status != "open":
        raise Undeliverable("cancelled", "survey_not_open")
    return survey


def mail_of(letter: Letter, key: str, to: str, follows: str | None = None) -> Mail:
    return Mail(
        key=key,
        to=to,
        subject=letter.subject,
        text=text_of(letter),
        language=letter.language,
        html=html_of(letter),
        follows=follows,
    )


def invitation_key(keyring: Keyring, session: TenantSession, delivery: Row[Any]) -> str:
    """It has nothing of the token, so that it can be told when that is forgotten."""
    if delivery.mailing_id is None:
        parts: tuple[bytes, ...] = (delivery.nonce,)
    else:
        parts = (delivery.mailing_id.bytes, delivery.recipient_key.bytes)
    return str(keyring.uuid(session.organization_id, "invitation-mail", *parts))
