import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hmac import compare_digest
from typing import Any, cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.auth import queries as auth
from app.auth.rules import latest
from app.calendar import rules, words
from app.calendar.feeds import ics, queries, schemas
from app.calendar.service import find_person, find_team
from app.core.conditional import etag_of
from app.core.database import AsyncSession, Database, Row, TenantSession
from app.core.errors import NotFound, Unprocessable
from app.core.languages import language_of
from app.core.secrets import token_hash
from app.organizations import queries as organizations
from app.organizations.rules import LeapDayRule
from app.people.persons.errors import UnknownPerson
from app.people.teams.queries import team_and_below
from app.tables import CalendarFeed, Organization

CALENDAR_FEED = "calendar_feed"
FOR_EVERYBODY, FOR_COLLEAGUES = ("organization",), ("organization", "team")


class ScopeNotNamed(Unprocessable):
    code = "scope_not_named"
    detail = "The scope does not fit: team needs team, manager needs manager, organization needs neither."


class UnknownManager(UnknownPerson):
    code = "unknown_manager"


def represent(row: CalendarFeed) -> schemas.CalendarFeed:
    return schemas.CalendarFeed.model_validate(row, from_attributes=True)


def represent_once(row: CalendarFeed, token: str, public_url: str) -> schemas.CalendarFeedCreated:
    url = f"{public_url.rstrip('/')}/v1/calendar/feeds/{token}.ics"
    return schemas.CalendarFeedCreated(**represent(row).model_dump(), url=url)


async def create_feed(
    session: TenantSession, wanted: schemas.CalendarFeedWrite, public_url: str
) -> schemas.CalendarFeedCreated:
    await refuse_unknown(session, wanted)
    organization = await organizations.organization(session)
    token = secrets.token_urlsafe(32)
    row = CalendarFeed(
        organization_id=session.organization_id,
        id=uuid4(),
        token_hash=token_hash(token),
        **wanted.model_dump() | {"language": wanted.language or language_of(None, organization.locale)},
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await keep_token(session, row)
    return represent_once(row, token, public_url)


async def refuse_unknown(session: TenantSession, wanted: schemas.CalendarFeedWrite) -> None:
    is_named = (wanted.team is not None) == (wanted.scope == "team")
    if not is_named or (wanted.manager is not None) != (wanted.scope == "manager"):
        raise ScopeNotNamed.at("#/scope")
    if wanted.team is not None:
        await find_team(session, wanted.team)
    if wanted.manager is not None:
        try:
            await find_person(session, wanted.manager)
        except NotFound:
            raise UnknownManager.at("#/manager") from None


async def keep_token(session: AsyncSession, row: CalendarFeed) -> None:
    await auth.add_credential(
        session,
        {
            "token_hash": row.token_hash,
            "kind": CALENDAR_FEED,
            "credential_id": row.id,
        },
    )


async def rotate_token(session: TenantSession, feed_id: UUID, public_url: str) -> schemas.CalendarFeedCreated:
    """A new address; the old one stops working in this transaction."""
    row = await queries.feed(session, feed_id, lock=True)
    if row is None:
        raise NotFound
    token = secrets.token_urlsafe(32)
    row.token_hash = token_hash(token)
    await session.flush()
    await keep_token(session, row)
    return represent_once(row, token, public_url)


async def find_by_token(database: Database, token: str) -> tuple[UUID, UUID, bytes]:
    """The organisation and feed that a token once opened, and the token's hash."""
    hashed = token_hash(token)
    async with database.system_session(reason="find the organisation of a feed") as session:
        found = await auth.credential_of(session, hashed)
    if found is None or found.kind != CALENDAR_FEED:
        raise NotFound
    return found.organization_id, found.credential_id, hashed


@dataclass(frozen=True)
class Snapshot:
    """What a feed shows at one moment, not yet written down."""

    title: str
    rows: Sequence[Row[Any]]
    language: str
    since: date
    alarm_days: int | None

    def write(self) -> tuple[bytes, str]:
        """With its tag, which takes a while too."""
        days = (day for row in self.rows for day in day_of(row, self.language, self.since))
        written = ics.calendar_of(self.title, days, self.alarm_days)
        return written, etag_of(written)


async def read_feed(database: Database, token: str, now: datetime) -> Snapshot:
    organization_id, feed_id, hashed = await find_by_token(database, token)
    async with database.tenant_session(organization_id) as session:
        row = await queries.feed(session, feed_id)
        if row is None or not compare_digest(row.token_hash, hashed):
            raise NotFound
        organization = await organizations.organization(session)
        today = now.astimezone(ZoneInfo(organization.time_zone)).date()
        since = date(today.year - 1, 1, 1)
        found = await rows_of(session, organization, row, since, now)
    return Snapshot(title(organization, row), found, row.language, since, row.alarm_days)


def title(organization: Organization, row: CalendarFeed) -> str:
    return ": ".join(
        filter(None, [f"{words.CALENDAR[row.language]} {organization.name}", row.team or row.manager])
    )


async def rows_of(
    session: TenantSession, organization: Organization, row: CalendarFeed, since: date, now: datetime
) -> Sequence[Row[Any]]:
    """Days for a team alone are shown in feeds of teams and managers, not in that of everybody."""
    if row.team is not None:
        below = await team_and_below(session, row.team)
        return await queries.days_to_show(session, organization, since, FOR_COLLEAGUES, team_ids=below)
    if row.manager is not None:
        under = await queries.under_manager(session, row.manager, latest(row.created_at, now))
        return await queries.days_to_show(session, organization, since, FOR_COLLEAGUES, person_ids=under)
    return await queries.days_to_show(session, organization, since, FOR_EVERYBODY)


def day_of(row: Row[Any], language: str, since: date) -> Iterator[ics.Day]:
    """The day in the feed; none where it falls outside of the employment.

    A series begins with last year, whose days stay, and so is another with each year.
    """
    first, last = first_day_of(row, since), row.ends_on or date.max
    new_year = datetime(since.year + 1, 1, 1, tzinfo=UTC)
    if not since <= first <= last or (row.starts_on is not None and first < row.starts_on):
        return
    rule = cast(LeapDayRule, row.leap_day_rule)
    yield ics.Day(
        person_id=row.id,
        key=row.key if row.months is None else f"{row.key}/{row.months}",
        summary=words.summary(
            language,
            row.kind,
            row.name,
            label=row.label,
            relation=row.relation,
            year=row.year,
            months=row.months,
        ),
        first=first,
        changed_at=max(row.changed_at, new_year) if row.recurrence == "yearly" else row.changed_at,
        rule=ics.yearly_rule(row.month, row.day, rule) if row.recurrence == "yearly" else None,
        until=row.ends_on,
        is_moved=row.recurrence == "yearly" and rule == "mar_1" and (row.month, row.day) == rules.LEAP_DAY,
    )


def first_day_of(row: Row[Any], since: date) -> date:
    if row.recurrence == "once":
        return date(row.year, row.month, row.day)
    not_before = [since]
    if row.kind == "work_anniversary":
        not_before.append(row.starts_on + timedelta(days=1))
    else:
        not_before += [row.starts_on] if row.starts_on else []
        not_before += [date(row.year, 1, 1)] if row.year else []
    return rules.first_kept(row.month, row.day, cast(LeapDayRule, row.leap_day_rule), max(not_before))
