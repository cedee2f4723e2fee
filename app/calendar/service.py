from collections.abc import Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

from app.calendar import queries, rules, schemas
from app.calendar.queries import PageStart
from app.core.conditional import Preconditions
from app.core.database import Row, TenantSession
from app.core.errors import NotFound, Unprocessable
from app.core.patches import require_identifier
from app.organizations.errors import UnknownTeam
from app.organizations.rules import WeekendRule
from app.people.persons.errors import no_person
from app.people.teams.queries import team_and_below
from app.tables import CelebrationSettings, Occasion, Organization

DERIVED = ("work_anniversary", "first_day")
BIRTHDAYS = ("birthday", "family_birthday")
READ_ONLY = {"key", "created_at", "updated_at"}


class BirthYearNotKept(Unprocessable):
    code = "birth_year_not_kept"
    detail = "The year of birth is not stored: leave year out for birthdays."


class NoSuchDay(Unprocessable):
    code = "no_such_day"
    detail = "This day does not exist: check day, month and year."


class DerivedOccasion(Unprocessable):
    code = "derived_occasion"
    detail = "This day follows from the person's starts_on: change that, or use another key."


class OnceNeedsYear(Unprocessable):
    code = "once_needs_year"
    detail = "A day that comes once is of kind custom and has a year: send both."


class BadRange(Unprocessable):
    code = "bad_range"
    detail = f"This range cannot be read: ask for at most {rules.MOST_DAYS} days, with from no later than to."


def represent(row: Occasion) -> schemas.Occasion:
    return schemas.Occasion.model_validate(row, from_attributes=True)


def represent_celebrations(row: CelebrationSettings | None) -> schemas.Celebrations:
    return schemas.Celebrations.model_validate(row or schemas.CelebrationsWrite(), from_attributes=True)


def represent_occurrence(row: Row[Any], organization: Organization) -> schemas.Occurrence:
    return schemas.Occurrence(
        person=schemas.PersonRef(external_id=row.external_id, name=row.name),
        team=row.team,
        team_name=row.team_name,
        kind=row.kind,
        key=row.key,
        label=row.label,
        relation=row.relation,
        date=row.kept_on,
        celebrated_on=celebrated_on(row.kept_on, organization),
        time_zone=row.time_zone,
        years=None if row.months is None else row.months / 12,
        is_milestone=row.months in organization.milestone_months,
        visibility=row.visibility,
    )


def celebrated_on(day: date, organization: Organization) -> date:
    rule = cast(WeekendRule, organization.weekend_rule)
    return rules.celebrated_on(day, rule, organization.working_days)


async def find_person(session: TenantSession, external_id: str, *, lock: bool = False) -> UUID:
    found = await queries.person_id(session, external_id, lock=lock)
    if found is None:
        raise no_person(external_id)
    return found


async def find_occasion(session: TenantSession, person_id: UUID, key: str) -> schemas.Occasion:
    row = await queries.occasion(session, person_id, key)
    if row is None:
        raise NotFound(f"This person has no occasion {key}: check the key, or create it first.")
    return represent(row)


async def put_occasion(
    session: TenantSession,
    external_id: str,
    key: str,
    wanted: schemas.OccasionWrite,
    conditions: Preconditions,
) -> tuple[schemas.Occasion, bool]:
    """The occasion, and whether it is new."""
    refuse_impossible(key, wanted)
    person_id = await find_person(session, external_id, lock=True)
    earlier = await queries.occasion(session, person_id, key)
    conditions.check(represent(earlier) if earlier else None)
    identity = {"person_id": person_id, "key": key}
    await queries.put_occasion(session, identity | wanted.model_dump(exclude=READ_ONLY))
    if not wanted.consent:
        await queries.withdraw_cards(session, person_id, [key])
    return await find_occasion(session, person_id, key), earlier is None


def refuse_impossible(key: str, wanted: schemas.OccasionWrite) -> None:
    if key in DERIVED:
        raise DerivedOccasion.parameter("key")
    require_identifier(wanted, "key", key)
    if wanted.kind in BIRTHDAYS and wanted.year is not None:
        raise BirthYearNotKept.at("#/year")
    if wanted.recurrence == "once" and (wanted.kind != "custom" or wanted.year is None):
        raise OnceNeedsYear.at("#/recurrence")
    if not rules.day_exists(wanted.month, wanted.day, wanted.year):
        raise NoSuchDay.at("#/day")


async def delete_occasion(
    session: TenantSession, external_id: str, key: str, conditions: Preconditions
) -> None:
    person_id = await find_person(session, external_id, lock=True)
    conditions.check(await find_occasion(session, person_id, key))
    await queries.delete_occasion(session, person_id, key)
    await queries.withdraw_cards(session, person_id, [key])


async def put_celebrations(
    session: TenantSession,
    external_id: str,
    wanted: schemas.CelebrationsWrite,
    conditions: Preconditions,
) -> schemas.Celebrations:
    person_id = await find_person(session, external_id, lock=True)
    conditions.check(represent_celebrations(await queries.celebrations(session, person_id)))
    identity = {"person_id": person_id}
    await queries.put_celebrations(session, identity | wanted.model_dump())
    refused = [key for key in DERIVED if not getattr(wanted, key)]
    await queries.withdraw_cards(session, person_id, refused)
    return represent_celebrations(await queries.celebrations(session, person_id))


async def find_occurrences(
    session: TenantSession,
    organization: Organization,
    first: date,
    last: date,
    team: str | None,
    after: PageStart | None,
    limit: int,
) -> Sequence[Row[Any]]:
    if not rules.is_range(first, last):
        raise BadRange.parameter("to")
    team_ids = None if team is None else await find_team(session, team)
    place = after or PageStart(first)
    days = rules.kept_days(max(first, place.date), last)
    return await queries.occurrences_after(session, organization, days, team_ids, place, limit)


async def find_team(session: TenantSession, external_id: str) -> Sequence[UUID]:
    found = await team_and_below(session, external_id)
    if not found:
        raise UnknownTeam.parameter("team")
    return found
