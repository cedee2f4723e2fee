"""The one-time link to confidential answers: asked for by the organisation, mailed to the person alone.

Its token is made when the mail is, and kept as a hash: nobody but its reader ever has it.
"""

import base64
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from app.core.database import Database, TenantSession, transaction_time
from app.core.errors import Conflict, NotFound
from app.core.jobs import enqueue
from app.core.languages import language_of
from app.core.mail import Mail, Outcome, post
from app.core.secrets import token_hash
from app.core.settings import Settings
from app.organizations import queries as organizations
from app.people.persons.queries import hold_person
from app.people.persons.service import no_person, read_person
from app.privacy.export import queries
from app.privacy.export.schemas import AnswersLinkAsked
from app.privacy.export.words import letter

MAIL_JOB = "mail_answers_link"
VALID = timedelta(days=3)
RANDOM_BYTES = 32


class NoAddress(Conflict):
    code = "no_mail_address"
    detail = "This person has no e-mail address to send the link to: add one first."


class NoMailServer(Conflict):
    code = "mail_not_set_up"
    detail = "There is no mail server to send the link with: set BETROKKEN_SMTP_URL."


class MailDeferred(RuntimeError):
    """The server takes the mail later."""


async def ask_for_link(session: TenantSession, external_id: str, settings: Settings) -> AnswersLinkAsked:
    """The answer is the same whether or not there are such answers: that there are is confidential too."""
    person_id = await hold_person(session, external_id)
    if person_id is None:
        raise no_person(external_id)
    if settings.smtp_url is None:
        raise NoMailServer
    if (await read_person(session, external_id)).email is None:
        raise NoAddress
    await queries.ask_for_link(session, person_id)
    await enqueue(session, MAIL_JOB, session.organization_id, person_id, is_single=True)
    return AnswersLinkAsked(status="queued")


async def mail_link(database: Database, organization_id: UUID, person_id: UUID) -> None:
    """Done again, it mails a new link in place of the one before."""
    token = new_token(organization_id)
    async with database.tenant_session(organization_id) as session:
        reader = await queries.addressee(session, person_id)
        if reader is None or reader.email is None:
            return
        organization, now = await organizations.organization(session), await transaction_time(session)
        await queries.make_link(session, person_id, token_hash(token), now + VALID)
    language = language_of(reader.locale, organization.locale)
    link = f"{database.settings.public_url.rstrip('/')}/v1/answers/{token}"
    written = letter(organization.name, link, VALID.days, language)
    key = token_hash(token).hex()[:32]
    async with post(database.settings) as office:
        outcome = await office.send(Mail(key, reader.email, written.subject, written.text, language), now)
    if outcome is Outcome.DEFERRED:
        raise MailDeferred
    if outcome is Outcome.REFUSED:
        async with database.tenant_session(organization_id) as session:
            await queries.forget_link(session, person_id)


def new_token(organization_id: UUID) -> str:
    return base64.urlsafe_b64encode(organization_id.bytes + secrets.token_bytes(RANDOM_BYTES)).decode()


def organization_of(token: str) -> UUID:
    """Where the token is to be looked up; it proves nothing."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        return UUID(bytes=raw[:16])
    except ValueError:
        raise NotFound from None


async def require_link(session: TenantSession, token: str, now: datetime) -> None:
    if not await queries.is_link(session, token_hash(token), now):
        raise NotFound
