"""Issuing invitations: one-time tokens, returned once or mailed.

In anonymous mode only the cell of a token is kept. Whoever issues may not learn whose token is whose: they
get them shuffled, those of a cell at least as many as the smallest group, or see none, as they are mailed.
What is to be mailed is kept sealed, so that a crash loses no mail and the database alone gives no token.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any
from uuid import UUID

from app.core.database import Row, TenantSession
from app.core.jobs import enqueue
from app.core.secrets import Keyring, token_hash
from app.core.settings import Settings
from app.mail.transport import can_send
from app.surveys.invitations import queries
from app.surveys.invitations.errors import MailNotSetUp, NotByInvitation, TooFewAtOnce
from app.surveys.invitations.tokens import new_nonce, recipient_key, sealed_person, token_of
from app.surveys.respond.schemas import Invitation, InvitationsIssued, InvitationsWrite, NotIssued, Reason
from app.surveys.responses.errors import NotInvited
from app.surveys.responses.service import respondent_key
from app.surveys.service import found_open
from app.tables import Survey

SEND_JOB = "send_invitations"


@dataclass(frozen=True)
class Member:
    """Somebody who may be issued a token, by the key that they are known by where tokens are issued."""

    person: UUID
    external_id: str
    cell_ordinal: int
    has_address: bool
    recipient_key: UUID
    is_issued: bool
    is_mailed: bool


@dataclass(frozen=True)
class Issued:
    """A token for a member; `key` as their response will have it, null in anonymous mode."""

    member: Member
    nonce: bytes
    token: str
    key: UUID | None


async def issue(
    session: TenantSession,
    survey_id: UUID,
    wanted: InvitationsWrite,
    keyring: Keyring,
    settings: Settings,
    now: datetime,
) -> InvitationsIssued:
    survey = await found_open(session, survey_id, now, lock="write")
    if survey.access != "invited":
        raise NotByInvitation
    is_mailed = to_be_mailed(wanted, settings)
    members = await members_wanted(session, survey, wanted.people, keyring)
    skipped = reasons_to_skip(survey, members, is_mailed)
    if "too_few_at_once" in skipped.values() and len(skipped) == len(members):
        raise TooFewAtOnce
    issued = [issued_to(survey, one, keyring) for one in members if one.external_id not in skipped]
    if issued:
        await keep(session, survey, issued, keyring, is_mailed)
    return InvitationsIssued(
        issued=len(issued),
        mailed=len(issued) if is_mailed else 0,
        invitations=[] if is_mailed else await shown(session, survey, issued),
        not_issued=[NotIssued(respondent=name, reason=reason) for name, reason in skipped.items()],
    )


def to_be_mailed(wanted: InvitationsWrite, settings: Settings) -> bool:
    can_mail = can_send(settings) and settings.respond_page is not None
    if wanted.send and not can_mail:
        raise MailNotSetUp.at("#/send")
    return can_mail if wanted.send is None else wanted.send


async def members_wanted(
    session: TenantSession, survey: Survey, names: Sequence[str] | None, keyring: Keyring
) -> list[Member]:
    """Those named, or everybody who was not issued a token yet."""
    issued = await queries.recipients(session, survey.id)
    if names is None:
        members = [
            member_of(row, survey, issued, keyring) for row in await queries.members(session, survey.id)
        ]
        return [member for member in members if not member.is_issued]
    rows = await queries.members_named(session, survey.id, names)
    known = {row.external_id for row in rows}
    for index, name in enumerate(names):
        if name not in known:
            raise NotInvited.at(f"#/people/{index}")
    return [member_of(row, survey, issued, keyring) for row in rows]


def member_of(row: Row[Any], survey: Survey, issued: Mapping[UUID, bool], keyring: Keyring) -> Member:
    key = recipient_key(keyring, survey.organization_id, survey.id, row.person_id)
    return Member(
        row.person_id,
        row.external_id,
        row.cell_ordinal,
        row.has_address,
        key,
        is_issued=key in issued,
        is_mailed=issued.get(key, False),
    )


def reasons_to_skip(survey: Survey, members: Sequence[Member], is_mailed: bool) -> dict[str, Reason]:
    """External id -> why no token is issued to them now.

    Whoever was mailed one gets another by mail alone: used by who issued it, it would tell whether they have
    answered, and spend the answer of who has not.
    """
    is_anonymous = survey.mode == "anonymous"
    skipped: dict[str, Reason] = {}
    for member in members:
        if (is_anonymous and member.is_issued) or (member.is_mailed and not is_mailed):
            skipped[member.external_id] = "already_issued"
        elif is_mailed and not member.has_address:
            skipped[member.external_id] = "no_address"
    if is_anonymous and not is_mailed:
        left = [member for member in members if member.external_id not in skipped]
        at_once = Counter(member.cell_ordinal for member in left)
        least = survey.minimum_group_size or 0
        few = [member.external_id for member in left if at_once[member.cell_ordinal] < least]
        skipped |= dict.fromkeys(few, "too_few_at_once")
    return skipped


def issued_to(survey: Survey, member: Member, keyring: Keyring) -> Issued:
    nonce = new_nonce()
    token = token_of(keyring, survey.organization_id, survey.id, nonce)
    key = None if survey.mode == "anonymous" else respondent_key(keyring, survey, member.person)
    return Issued(member, nonce, token, key)


async def keep(
    session: TenantSession, survey: Survey, issued: Sequence[Issued], keyring: Keyring, is_mailed: bool
) -> None:
    """In the place of what was issued to the same persons before."""
    cells = {one.member.cell_ordinal for one in issued} if survey.mode == "anonymous" else set()
    rows = [(token_hash(one.token), one.member.cell_ordinal, one.key) for one in issued]
    await queries.remember(session, survey.id, rows, sorted(cells))
    if not is_mailed:
        await queries.remember_deliveries(
            session, survey.id, [(one.member.recipient_key, None, None) for one in issued]
        )
        return
    mails = [
        (
            one.member.recipient_key,
            one.nonce,
            sealed_person(keyring, survey.organization_id, one.member.person),
        )
        for one in issued
    ]
    await queries.remember_deliveries(session, survey.id, mails)
    await enqueue(session, SEND_JOB, survey.organization_id, survey.id, is_single=True)


async def shown(session: TenantSession, survey: Survey, issued: Sequence[Issued]) -> list[Invitation]:
    """With its person; in anonymous mode with its cell alone, and in random order."""
    if survey.mode != "anonymous":
        return [
            Invitation(token=one.token, respondent=one.member.external_id, team=None, segments=None)
            for one in issued
        ]
    ordinals = sorted({one.member.cell_ordinal for one in issued})
    cells = await queries.cells(session, survey.id, ordinals)
    found = []
    for one in issued:
        team, segments = cells[one.member.cell_ordinal]
        found.append(Invitation(token=one.token, respondent=None, team=team, segments=dict(segments)))
    SystemRandom().shuffle(found)
    return found


async def ask_again_for_mails(session: TenantSession) -> None:
    """For mails whose job was given up, or ended as they came."""
    for survey_id in await queries.surveys_with_mails(session):
        await enqueue(session, SEND_JOB, session.organization_id, survey_id, is_single=True)
