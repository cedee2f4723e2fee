"""Issuing invitations: one-time tokens, returned once or mailed.

In anonymous mode only the cell of a token is kept. Whoever issues may not learn whose token is whose: they
get them shuffled, those of a cell at least as many as the smallest group, or see none, as they are mailed.
What is to be mailed is kept sealed, so that a crash loses no mail and the database alone gives no token.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any
from uuid import UUID, uuid4

from app.auth.queries import add_credentials
from app.auth.rules import stands
from app.core import audit
from app.core.database import IntegrityError, Row, TenantSession
from app.core.jobs import enqueue
from app.core.languages import language_of
from app.core.secrets import Keyring, token_hash
from app.core.settings import Settings
from app.core.short_codes import new_code
from app.organizations import queries as organizations
from app.organizations.errors import UnknownTeam
from app.surveys.invitations import queries
from app.surveys.invitations.errors import (
    AfterClosing,
    ByInvitationOnly,
    CodesNotMailed,
    MailedInThePast,
    MailNotSetUp,
    NotByInvitation,
    NothingMailed,
    NotMailed,
    TooFewAtOnce,
    TooFewCodes,
)
from app.surveys.invitations.own_words import check_words
from app.surveys.invitations.reminders import service as reminders
from app.surveys.invitations.schemas import (
    Invitation,
    InvitationsIssued,
    InvitationsWrite,
    NotIssued,
    Reason,
    SurveyAddress,
)
from app.surveys.invitations.sheets import Holder
from app.surveys.invitations.tokens import (
    CODE,
    code_hash,
    credentials_of,
    new_nonce,
    recipient_key,
    sealed_person,
    token_of,
)
from app.surveys.respond.words import notice_of_repeats
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
    email_since: datetime
    recipient_key: UUID
    is_issued: bool
    is_mailed: bool
    is_in_hand: bool
    """Whether what they have was given by hand: a code, or a link that was shown."""
    was_in_hand: bool
    """Whether anything ever was, also where a mail is to take its place."""


@dataclass(frozen=True)
class Issued:
    """A token for a member, or a code, which has no nonce; `key` as their response will have it, null in
    anonymous mode."""

    member: Member
    nonce: bytes | None
    token: str
    token_hash: bytes
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
    check_mailing(survey, wanted, now, is_mailed=is_mailed)
    invited_at, rules = wanted.send_at or now, wanted.reminders or []
    organization = await organizations.organization(session)
    due = reminders.due_times(survey, rules, invited_at, organization)
    members, unknown = await members_wanted(session, survey, wanted, keyring)
    if wanted.team is not None:
        members = await those_of(session, survey, wanted.team, members)
    skipped = reasons_to_skip(survey, members, now, is_mailed=is_mailed)
    if "too_few_at_once" in skipped.values() and len(skipped) == len(members):
        raise TooFewCodes if wanted.form == "codes" else TooFewAtOnce
    asked = [one for one in members if one.external_id not in skipped]
    is_team_of_codes = wanted.form == "codes" and wanted.team is not None
    if is_team_of_codes and len(asked) < (survey.minimum_group_size or 0):
        raise TooFewCodes
    left_out = [*unknown, *(NotIssued(respondent=name, reason=reason) for name, reason in skipped.items())]
    if wanted.dry_run:
        audit.forget(session)
        return outcome(len(asked), [], left_out, is_mailed=is_mailed)
    if wanted.form == "codes":
        issued = await codes_for(session, survey, asked, keyring)
    else:
        issued = [issued_to(survey, one, keyring) for one in asked]
    if issued:
        mailing = await mailing_of(session, survey, wanted, now) if is_mailed else None
        await keep(session, survey, issued, keyring, mailing)
        if mailing is not None:
            await reminders.plan(session, survey, mailing, rules, due)
    invitations = [] if is_mailed else await shown(session, survey, issued)
    return outcome(len(issued), invitations, left_out, is_mailed=is_mailed)


def outcome(
    issued: int, invitations: list[Invitation], left_out: list[NotIssued], *, is_mailed: bool
) -> InvitationsIssued:
    mailed = issued if is_mailed else 0
    return InvitationsIssued(issued=issued, mailed=mailed, invitations=invitations, not_issued=left_out)


def would_be_lost(survey: Survey, wanted: InvitationsWrite) -> bool:
    """Whether an answer that does not arrive would be lost: to nobody known another can be given, and who of
    a whole sheet has none is not asked one by one."""
    return survey.mode == "anonymous" or wanted.form == "codes"


def to_be_mailed(wanted: InvitationsWrite, settings: Settings) -> bool:
    if wanted.form == "codes":
        if wanted.send:
            raise CodesNotMailed.at("#/send")
        return False
    is_possible = reminders.can_mail(settings)
    if wanted.send and not is_possible:
        raise MailNotSetUp.at("#/send")
    return is_possible if wanted.send is None else wanted.send


def check_mailing(survey: Survey, wanted: InvitationsWrite, now: datetime, *, is_mailed: bool) -> None:
    given = [
        name
        for name in ("subject", "text", "reminder", "send_at", "reminders", "with_codes")
        if getattr(wanted, name) not in (None, False)
    ]
    if given and not is_mailed:
        is_meant = wanted.send is None and wanted.form != "codes"
        raise (NothingMailed if is_meant else NotMailed).at(f"#/{given[0]}")
    check_words(survey, wanted)
    if wanted.send_at is not None and wanted.send_at < now:
        raise MailedInThePast.at("#/send_at")
    if wanted.send_at and survey.closes_at and wanted.send_at >= survey.closes_at:
        raise AfterClosing.at("#/send_at")


async def mailing_of(session: TenantSession, survey: Survey, wanted: InvitationsWrite, now: datetime) -> UUID:
    mailing_id, send_at = uuid4(), wanted.send_at or now
    own = (*wanted.own, *wanted.own_of_reminders)
    await queries.remember_mailing(session, survey.id, mailing_id, own, send_at)
    is_later = wanted.send_at is not None
    await enqueue(
        session,
        SEND_JOB,
        survey.organization_id,
        survey.id,
        at=send_at if is_later else None,
        is_single=not is_later,
    )
    return mailing_id


async def members_wanted(
    session: TenantSession, survey: Survey, wanted: InvitationsWrite, keyring: Keyring
) -> tuple[list[Member], list[NotIssued]]:
    """Those named and who of them cannot be, or everybody who was not issued a token yet, by mail if
    `with_codes`."""
    issued, names = await queries.recipients(session, survey.id), wanted.people
    if names is None:
        members = [
            member_of(row, survey, issued, keyring) for row in await queries.members(session, survey.id)
        ]
        return [one for one in members if not one.is_issued or (wanted.with_codes and one.is_in_hand)], []
    rows = await queries.members_named(session, survey.id, list(dict.fromkeys(names)))
    return [member_of(row, survey, issued, keyring) for row in rows], list(
        refused(names, {row.external_id for row in rows})
    )


def refused(names: Sequence[str], known: Collection[str]) -> Iterator[NotIssued]:
    """Who was not asked when the survey opened, and whoever is named again."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield NotIssued(respondent=name, reason="duplicate_in_batch")
        elif name not in known:
            yield NotIssued(respondent=name, reason="not_invited")
        seen.add(name)


async def those_of(
    session: TenantSession, survey: Survey, team: str, members: Sequence[Member]
) -> list[Member]:
    """Who was in the team, or below it, when the survey opened; in anonymous mode whoever counts there."""
    cells = await queries.cells_within(session, survey.id, team)
    if cells is None:
        raise UnknownTeam.at("#/team", "The survey has no such team: send one that was there when it opened.")
    return [member for member in members if member.cell_ordinal in cells]


def member_of(row: Row[Any], survey: Survey, issued: Mapping[UUID, Row[Any]], keyring: Keyring) -> Member:
    key = recipient_key(keyring, survey.organization_id, survey.id, row.person_id)
    before = issued.get(key)
    return Member(
        row.person_id,
        row.external_id,
        row.cell_ordinal,
        row.has_address,
        row.email_since,
        key,
        is_issued=before is not None and before.is_issued,
        is_mailed=before is not None and before.is_mailed,
        is_in_hand=before is not None and before.is_in_hand,
        was_in_hand=before is not None and before.was_in_hand,
    )


def has_had_one(recipient: Member | Row[Any]) -> bool:
    """Whether a token reached them, by mail or by hand: then they may have answered."""
    return bool(recipient.is_mailed or recipient.was_in_hand)


def may_be_mailed_again(survey: Survey, email_since: datetime, now: datetime) -> bool:
    """At an address that stood when the survey opened: whoever wrote a later one would learn by the link
    whether its person has answered, and could answer in their place (R14)."""
    return survey.opened_at is not None and stands(email_since, survey.opened_at, now)


def reasons_to_skip(
    survey: Survey, members: Sequence[Member], now: datetime, *, is_mailed: bool
) -> dict[str, Reason]:
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
        elif is_mailed and has_had_one(member) and not may_be_mailed_again(survey, member.email_since, now):
            skipped[member.external_id] = "address_changed"
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
    return Issued(member, nonce, token, token_hash(token), key)


async def codes_for(
    session: TenantSession, survey: Survey, members: Sequence[Member], keyring: Keyring
) -> list[Issued]:
    """By a rare chance one is there already, of whatever organisation: then all are made anew."""
    while True:
        codes = [new_code() for _ in members]
        try:
            async with session.begin_nested():
                macs = [credentials_of(keyring, code)[0] for code in codes]
                await add_credentials(session, CODE, survey.id, macs)
        except IntegrityError:
            continue
        return [coded(survey, member, code, keyring) for member, code in zip(members, codes, strict=True)]


def coded(survey: Survey, member: Member, code: str, keyring: Keyring) -> Issued:
    key = None if survey.mode == "anonymous" else respondent_key(keyring, survey, member.person)
    return Issued(member, None, code, code_hash(keyring, survey.organization_id, code), key)


async def keep(
    session: TenantSession,
    survey: Survey,
    issued: Sequence[Issued],
    keyring: Keyring,
    mailing: UUID | None,
) -> None:
    """In the place of what was issued to the same persons before; what is mailed, once it has gone out."""
    cells = {one.member.cell_ordinal for one in issued} if survey.mode == "anonymous" else set()
    rows = [(one.token_hash, one.member.cell_ordinal, one.key) for one in issued]
    await queries.remember(session, survey.id, rows, sorted(cells), is_mailed=mailing is not None)
    own = survey.organization_id
    deliveries = [
        (one.member.recipient_key, None, None)
        if mailing is None
        else (one.member.recipient_key, one.nonce, sealed_person(keyring, own, one.member.person))
        for one in issued
    ]
    await queries.remember_deliveries(session, survey.id, mailing, deliveries)


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


async def holders_of_slips(
    session: TenantSession, survey: Survey, issued: InvitationsIssued, language: str, *, with_people: bool
) -> dict[str, Holder]:
    """By identifier: teams as the survey has them; people where their names may be read."""
    if survey.mode == "anonymous":
        teams = await queries.names_of_teams(session, survey.id)
        return {team: Holder(name, name, language) for team, name in teams.items()}
    people = [one.respondent for one in issued.invitations if one.respondent is not None]
    return {
        row.external_id: Holder(row.name, row.team, language_of(row.locale, language))
        for row in (await queries.holders(session, people) if with_people else [])
    }


async def ask_again_for_mails(session: TenantSession) -> None:
    """For mails whose job was given up, or ended as they came."""
    for survey_id in await queries.surveys_with_mails(session):
        await enqueue(session, SEND_JOB, session.organization_id, survey_id, is_single=True)


async def open_address(
    session: TenantSession,
    survey_id: UUID,
    keyring: Keyring,
    settings: Settings,
    language: str,
    now: datetime,
    *,
    renew: bool,
) -> SurveyAddress:
    """The one it has; a new one where it has none or is asked for one: the one before then opens nothing."""
    survey = await found_open(session, survey_id, now, lock="write")
    if survey.access != "open":
        raise ByInvitationOnly
    if renew or survey.address_nonce is None:
        survey.address_nonce = new_nonce()
    token = token_of(keyring, survey.organization_id, survey.id, survey.address_nonce)
    survey.address_hash = token_hash(token)
    await session.flush()
    return SurveyAddress(
        token=token,
        url=address_of(settings, token),
        repeats_can_be_told=False,
        notice=notice_of_repeats(language),
    )


def address_of(settings: Settings, token: str) -> str | None:
    """Where it is opened: behind the #, it is in no log."""
    return None if settings.respond_page is None else f"{settings.respond_page}#{token}"
