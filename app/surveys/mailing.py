"""Sends the invitations that are to be mailed, one survey's at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.core.database import Database
from app.core.languages import language_of
from app.core.mail import Mail, Outcome, Post, post
from app.core.secrets import Keyring, load_secret
from app.organizations import queries as organizations
from app.surveys import invitation_queries, queries, words
from app.surveys.invitations import take_back
from app.surveys.tokens import token_of
from app.tables import Organization, Survey

AT_ONCE = 100
"""Mails a connection: some servers take no more."""


class MailsDeferred(RuntimeError):
    """The server takes some mails later."""


async def send_invitations(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """A mail is forgotten after the server has it: cut off between, it is sent again with the same token."""
    mailing = Mailing(database, Keyring(load_secret(database.settings)), organization_id, survey_id)
    outcomes: set[Outcome] = set()
    after = None
    while due := await mailing.due(after):
        async with post(database.settings) as office:
            outcomes |= {await mailing.send(office, due, row) for row in due.rows}
        after = due.rows[-1].person_id
    if Outcome.DEFERRED in outcomes:
        raise MailsDeferred


@dataclass(frozen=True)
class Due:
    survey: Survey
    organization: Organization
    rows: Sequence[Row[Any]]


@dataclass(frozen=True)
class Mailing:
    database: Database
    keyring: Keyring
    organization_id: UUID
    survey_id: UUID

    @property
    def scope(self) -> tuple[UUID, UUID]:
        return self.organization_id, self.survey_id

    async def due(self, after: UUID | None) -> Due | None:
        """The next mails to be sent; none once the survey is not open any more."""
        async with self.database.tenant_session(self.organization_id) as session:
            survey = await queries.survey(session, *self.scope)
            if survey is None or survey.status != "open":
                return None
            rows = await invitation_queries.next_mails(session, *self.scope, after, AT_ONCE)
            organization = await organizations.organization(session, self.organization_id)
            return Due(survey, organization, rows) if rows else None

    async def send(self, office: Post, due: Due, row: Row[Any]) -> Outcome:
        outcome = await office.send(self.mail(due, row), datetime.now(UTC))
        if outcome is not Outcome.DEFERRED:
            await self.settle(row, outcome)
        return outcome

    def mail(self, due: Due, row: Row[Any]) -> Mail:
        language = language_of(row.locale, due.organization.locale)
        link = f"{self.database.settings.respond_url}#{self.token(row)}"
        written = words.invitation(due.survey, due.organization, link, language)
        key = self.keyring.uuid(self.organization_id, "invitation-mail", row.nonce)
        return Mail(str(key), row.email or "", written.subject, written.text, language)

    def token(self, row: Row[Any]) -> str:
        return token_of(self.keyring, *self.scope, row.nonce)

    async def settle(self, row: Row[Any], outcome: Outcome) -> None:
        async with self.database.tenant_session(self.organization_id) as session:
            survey = await queries.survey(
                session, *self.scope, lock="write" if outcome is Outcome.REFUSED else None
            )
            was_due = await invitation_queries.forget_mail(session, *self.scope, row.person_id, row.nonce)
            if survey is not None and was_due and outcome is Outcome.REFUSED:
                await take_back(session, survey, row.person_id, self.token(row))
