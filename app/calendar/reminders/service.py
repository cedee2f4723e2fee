from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.auth.rules import stands
from app.calendar import rules, words
from app.calendar.queries import PageStart, occurrences_after
from app.calendar.reminders import queries, schemas
from app.calendar.service import find_person, find_team
from app.core.database import AsyncSession, Database, Row, TenantSession
from app.core.errors import Conflict, NotFound, Unprocessable
from app.core.languages import in_words, language_of
from app.core.one_line import on_one_line
from app.core.secrets import Keyring
from app.mail import windows
from app.mail.dispatcher import Undeliverable
from app.mail.message import Mail
from app.mail.planned import Compose
from app.organizations.queries import organization as find_organization
from app.people.persons.errors import UnknownPerson
from app.people.teams.queries import team_and_below
from app.tables import Organization, Reminder

AHEAD = timedelta(days=1)
PURPOSE = "unsubscribe"


class RecipientNotNamed(Unprocessable):
    code = "recipient_not_named"
    detail = "A reminder to a person needs person; one to managers or teams has none."


class ReminderExists(Conflict):
    code = "reminder_exists"
    detail = "There is this reminder already: let it be, or delete it and make another."


def represent(row: Reminder) -> schemas.Reminder:
    return schemas.Reminder.model_validate(row, from_attributes=True)


async def create_reminder(session: TenantSession, wanted: schemas.ReminderWrite) -> schemas.Reminder:
    if (wanted.person is not None) != (wanted.recipient == "person"):
        raise RecipientNotNamed.at("#/person")
    if wanted.team is not None:
        await find_team(session, wanted.team)
    if wanted.person is not None:
        try:
            await find_person(session, wanted.person)
        except NotFound:
            raise UnknownPerson.at("#/person") from None
    await refuse_double(session, wanted)
    row = Reminder(organization_id=session.organization_id, id=uuid4(), **wanted.model_dump())
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return represent(row)


async def refuse_double(session: TenantSession, wanted: schemas.ReminderWrite) -> None:
    """One after another, so that of two at the same time the second is refused."""
    await find_organization(session, lock=True)
    if any(is_same(row, wanted) for row in await queries.reminders(session)):
        raise ReminderExists


def is_same(row: Reminder, wanted: schemas.ReminderWrite) -> bool:
    """In whatever order the kinds are named."""
    own, other = (
        told | {"kinds": sorted(told["kinds"] or ())} for told in (row.model_dump(), wanted.model_dump())
    )
    return all(own[name] == value for name, value in other.items())


# ------------------------------------------------------------------ planning and sending


async def plan_digests(session: TenantSession, now: datetime) -> None:
    organization = await find_organization(session)
    wanted: dict[tuple[UUID, date], windows.Window] = {}
    for reminder in await queries.reminders(session):
        first, last = windows.days_somewhere(now)
        before = timedelta(days=reminder.days_before)
        rows = await remembered(session, organization, reminder, first + before, last + AHEAD + before)
        people = await candidates(session, organization, reminder, rows, now.date())
        for row in rows:
            day = row.kept_on - before
            for person in people:
                window = windows.window(day, organization.cards_time, person.time_zone)
                is_time = window.expires_at > now and window.send_at <= now + AHEAD
                if is_time and is_for(reminder, row, person, now):
                    wanted[person.id, day] = window
    columns: dict[str, list[Any]] = {
        "person_id": [person for person, _ in wanted],
        "day": [day for _, day in wanted],
        "send_at": [window.send_at for window in wanted.values()],
        "expires_at": [window.expires_at for window in wanted.values()],
    }
    await queries.plan(session, columns)


async def remembered(
    session: TenantSession, organization: Organization, reminder: Reminder, first: date, last: date
) -> Sequence[Row[Any]]:
    """What this reminder tells of those days, to anybody."""
    team_ids = None
    if reminder.team is not None:
        team_ids = await team_and_below(session, reminder.team)
    days = rules.kept_days(first, last)
    rows = await occurrences_after(session, organization, days, team_ids, PageStart(first), None)
    return [row for row in rows if reminder.kinds is None or row.kind in reminder.kinds]


async def candidates(
    session: AsyncSession,
    organization: Organization,
    reminder: Reminder,
    rows: Iterable[Row[Any]],
    day: date,
) -> Sequence[Row[Any]]:
    if reminder.recipient == "team":
        teams = {row.team_id for row in rows if row.team_id}
        return await queries.readers(session, organization, day, team_ids=teams)
    managers = {row.manager for row in rows if row.manager}
    named = {reminder.person} if reminder.person else managers
    return await queries.readers(session, organization, day, external_ids=named)


def is_for(reminder: Reminder, row: Row[Any], person: Row[Any], now: datetime) -> bool:
    """Nobody is reminded of a day of one's own, nor at an address, or as a manager, of after the reminder."""
    if row.person_id == person.id or not stands(person.email_since, reminder.created_at, now):
        return False
    if reminder.recipient == "manager":
        is_known = stands(row.manager_since, reminder.created_at, now)
        return is_known and bool(row.manager == person.external_id)
    if reminder.recipient == "team":
        return row.team_id is not None and bool(row.team_id == person.team_id)
    return bool(reminder.person == person.external_id)


def composer(keyring: Keyring, public_url: str) -> Compose:
    async def compose(session: TenantSession, digest: Row[Any]) -> Mail:
        """What the reminders say now: a consent withdrawn since, or one given, counts."""
        organization = await find_organization(session)
        found = await queries.readers(session, organization, digest.day, person_id=digest.person_id)
        items = await items_of(session, organization, found[0], digest) if found else []
        if not items:
            raise Undeliverable("cancelled", "nothing_to_tell")
        token = unsubscribe_token(keyring, organization.id, digest.person_id)
        link = f"{public_url.rstrip('/')}/v1/unsubscribe/{token}"
        return written(str(digest.id), organization, found[0], items, link)

    return compose


async def items_of(
    session: TenantSession, organization: Organization, person: Row[Any], digest: Row[Any]
) -> list[Row[Any]]:
    """By day and person; a day that two reminders tell of is told once."""
    found = {}
    for reminder in await queries.reminders(session):
        when = digest.day + timedelta(days=reminder.days_before)
        for row in await remembered(session, organization, reminder, when, when):
            if is_for(reminder, row, person, digest.now):
                found[row.kept_on, row.external_id, row.key] = row
    return [found[place] for place in sorted(found)]


def written(
    key: str, organization: Organization, person: Row[Any], items: Sequence[Row[Any]], link: str
) -> Mail:
    language = language_of(person.locale, organization.locale)
    said = words.DIGEST[language]
    lines = [line_of(language, row) for row in items]
    what = on_one_line(lines[0])
    if len(lines) > 1:
        what = said["more"].format(what=what, number=len(lines) - 1)
    text = "\n".join(
        [
            said["opening"].format(name=person.name),
            "",
            said["body"],
            "",
            *(f"- {line}" for line in lines),
            "",
            said["closing"].format(organization=organization.name),
            "",
            "--",
            said["reason"].format(organization=organization.name),
            link,
            "",
        ]
    )
    return Mail(
        key=key,
        to=person.email,
        subject=said["subject"].format(what=what),
        text=text,
        language=language,
        sender=organization.card_sender,
        unsubscribe=link,
    )


def line_of(language: str, row: Row[Any]) -> str:
    what = words.summary(
        language,
        row.kind,
        row.name,
        label=row.label,
        relation=row.relation,
        months=row.months,
    )
    return f"{in_words(language, row.kept_on)}: {' '.join(what.split())}"


# ------------------------------------------------------------------ unsubscribing


def unsubscribe_token(keyring: Keyring, organization_id: UUID, person_id: UUID) -> str:
    return keyring.address_token(organization_id, PURPOSE, person_id)


async def whose_token(database: Database, token: str) -> tuple[UUID, UUID]:
    found = await database.opened(PURPOSE, token)
    if found is None:
        raise NotFound
    return found
