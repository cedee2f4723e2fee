"""The one-time link to confidential answers: asked for by the organisation, mailed to the person alone.

Its token is made when the mail is, and kept as a hash: nobody but its reader ever has it.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.database import Database, TenantSession, transaction_time
from app.core.errors import Conflict, NotFound
from app.core.jobs import enqueue, wait_for
from app.core.languages import language_of
from app.core.one_line import on_one_line
from app.core.secrets import token_hash
from app.core.settings import A_WAY_OF_MAIL, Settings
from app.mail.dispatcher import AGAIN, Lease, Round, Undeliverable, Verdict
from app.mail.letters import Letter, filled, html_of, paragraphs, text_of
from app.mail.message import Mail
from app.mail.transport import can_send
from app.organizations import queries as organizations
from app.people.persons.errors import no_person
from app.people.persons.queries import hold_person
from app.people.persons.service import read_person
from app.privacy.export import queries
from app.privacy.export.schemas import AnswersLinkAsked
from app.privacy.export.words import words

MAIL_JOB = "mail_answers_link"
RANDOM_BYTES = 32


class NoAddress(Conflict):
    code = "no_mail_address"
    detail = "This person has no e-mail address to send the link to: add one first."


class NoMailServer(Conflict):
    code = "mail_not_set_up"
    detail = f"The link cannot be mailed: set {A_WAY_OF_MAIL}, and BETROKKEN_PUBLIC_URL."


@dataclass(frozen=True)
class Link:
    token: str
    expires_at: datetime

    @property
    def token_hash(self) -> bytes:
        return token_hash(self.token)


def can_mail(settings: Settings) -> bool:
    return can_send(settings) and settings.is_address_given


async def ask_for_link(session: TenantSession, external_id: str, settings: Settings) -> AnswersLinkAsked:
    """The answer is the same whether or not there are such answers: that there are is confidential too."""
    person_id = await hold_person(session, external_id)
    if person_id is None:
        raise no_person(external_id)
    if not can_mail(settings):
        raise NoMailServer
    if (await read_person(session, external_id)).email is None:
        raise NoAddress
    await queries.ask_for_link(session, person_id)
    await enqueue(session, MAIL_JOB, session.organization_id, person_id, is_single=True)
    return AnswersLinkAsked(status="queued")


async def ask_again_for_links(session: TenantSession, settings: Settings) -> None:
    """For links whose job was given up, or ended as they were asked for."""
    if can_mail(settings):
        for person_id in await queries.waiting_for_links(session, await transaction_time(session)):
            await enqueue(session, MAIL_JOB, session.organization_id, person_id, is_single=True)


async def mail_link(database: Database, organization_id: UUID, person_id: UUID) -> None:
    """Done again, it mails a new link in place of the one before."""
    async with database.tenant_session(organization_id) as session:
        if held_until := await queries.held_until(session, person_id):
            await wait_for(session, held_until)
    mails = AnswersLinks(person_id, database.settings.public_url.rstrip("/"))
    await Round(database, organization_id, mails).run_as_job()


@dataclass(frozen=True)
class AnswersLinks:
    """Of one person, at most one."""

    person_id: UUID
    public_url: str
    kind: str = "answers_links"

    async def due(self, session: TenantSession, now: datetime) -> int:
        return int(await queries.is_link_due(session, self.person_id, now))

    async def claim(self, session: TenantSession, lease: Lease) -> Link | None:
        is_due = await queries.claim_link(session, self.person_id, lease.started, lease.held_until)
        return Link(new_token(session.organization_id), lease.now + queries.VALID) if is_due else None

    async def compose(self, session: TenantSession, item: Link) -> Mail:
        reader = await queries.addressee(session, self.person_id)
        if reader is None or reader.email is None:
            raise Undeliverable("no_address", "no_address")
        organization = await organizations.organization(session)
        await queries.make_link(session, self.person_id, item.token_hash, item.expires_at)
        language = language_of(reader.locale, organization.locale)
        link = f"{self.public_url}/v1/answers/{item.token}"
        written = letter(reader.name, organization.name, link, language)
        return Mail(
            key=item.token_hash.hex()[:32],
            to=reader.email,
            subject=written.subject,
            text=text_of(written),
            language=language,
            html=html_of(written),
        )

    async def settle(self, session: TenantSession, item: Link, verdict: Verdict, now: datetime) -> None:
        if verdict.status == "sent":
            await queries.end_lease_of_link(session, self.person_id, item.token_hash)
        elif verdict.status == AGAIN:
            await queries.put_link_back(session, self.person_id, now)
        else:
            await queries.forget_link(session, self.person_id)


def letter(name: str, organization: str, link: str, language: str) -> Letter:
    """Names are put on one line: in a mail a line may be a header."""
    names = {"name": name, "organization": organization, "days": str(queries.VALID.days)}
    names = {one: on_one_line(text) for one, text in names.items()}
    said = {part: texts[language] for part, texts in words()["mail"].items()}
    return Letter(
        language=language,
        subject=filled(said["subject"], names),
        paragraphs=paragraphs(said["text"], names),
        footer=[filled(said["footer"], names)],
        link=link,
        button=said["button"],
    )


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
