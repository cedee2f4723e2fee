"""Sends the invitations that are to be mailed, one survey's at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.core.database import Database, TenantSession
from app.core.languages import language_of
from app.core.mail import Mail, Outcome, post
from app.core.secrets import Keyring, token_hash
from app.organizations import queries as organizations
from app.surveys import queries
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.tokens import sealed, token_of
from app.surveys.questionnaires.service import frozen_questionnaire
from app.surveys.respond import words
from app.tables import Organization, Survey

AT_ONCE = 100
"""Mails a connection: some servers take no more."""


class MailsDeferred(RuntimeError):
    """The server takes some mails later."""


async def send_invitations(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """A mail is forgotten once the server has it: cut off between, it is sent again, with the same token."""
    mailing = Mailing(database, database.keyring, organization_id, survey_id)
    outcomes: set[Outcome] = set()
    after = None
    while due := await mailing.due(after):
        async with post(database.settings) as office:
            for one in due:
                outcome = await office.send(one.mail, datetime.now(UTC))
                await mailing.settle(one, outcome)
                outcomes.add(outcome)
        after = due[-1].recipient_key
    if Outcome.DEFERRED in outcomes:
        raise MailsDeferred


@dataclass(frozen=True)
class Due:
    recipient_key: UUID
    nonce: bytes
    token: str
    mail: Mail


@dataclass(frozen=True)
class Mailing:
    database: Database
    keyring: Keyring
    organization_id: UUID
    survey_id: UUID

    async def due(self, after: UUID | None) -> Sequence[Due]:
        """The next mails to be sent; none once the survey is not open any more."""
        async with self.database.tenant_session(self.organization_id) as session:
            survey = await queries.survey(session, self.survey_id)
            if survey is None or survey.status != "open":
                return []
            organization = await organizations.organization(session)
            return await self.written(session, survey, organization, after)

    async def written(
        self, session: TenantSession, survey: Survey, organization: Organization, after: UUID | None
    ) -> Sequence[Due]:
        rows = await invitation_queries.next_mails(session, self.survey_id, after, AT_ONCE)
        people = [sealed(self.keyring, self.organization_id, row.nonce, row.sealed_person) for row in rows]
        known = await invitation_queries.addresses(session, people)
        questions = len((await frozen_questionnaire(session, survey)).content["questions"])
        found = []
        for row, person in zip(rows, people, strict=True):
            address, locale, time_zone = known.get(person, (None, None, None))
            reader = words.Reader(language_of(locale, organization.locale), time_zone)
            token = token_of(self.keyring, self.organization_id, self.survey_id, row.nonce)
            link = f"{self.database.settings.respond_url}#{token}"
            text = words.invitation(survey, questions, organization, link, reader)
            key = str(self.keyring.uuid(self.organization_id, "invitation-mail", row.nonce))
            mail = Mail(key, address or "", text.subject, text.text, reader.language)
            found.append(Due(row.recipient_key, row.nonce, token, mail))
        return found

    async def settle(self, due: Due, outcome: Outcome) -> None:
        if outcome is Outcome.DEFERRED:
            return
        async with self.database.tenant_session(self.organization_id) as session:
            if outcome is Outcome.SENT:
                await invitation_queries.mark_mailed(session, self.survey_id, due.recipient_key, due.nonce)
            else:
                await self.take_back(session, due)

    async def take_back(self, session: TenantSession, due: Due) -> None:
        """No server takes the mail: its token goes, and the person can be asked again."""
        await queries.survey(session, self.survey_id, lock="write")
        await invitation_queries.use(session, self.survey_id, token_hash(due.token))
        await invitation_queries.take_back(session, self.survey_id, due.recipient_key, due.nonce)
