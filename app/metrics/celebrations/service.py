"""Reports of celebrations: a quarter's is made once, when it is over, and never again.

Computed anew after a consent was withdrawn or a thank-you deleted, two of them would give that person away.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from app.calendar.queries import PageStart, occurrences_after
from app.calendar.rules import celebrated_on, kept_days
from app.core.database import AsyncSession, Row, TenantSession
from app.core.errors import Conflict
from app.core.schema import adapter, joined
from app.metrics.celebrations import queries
from app.metrics.celebrations.blocks import bodies, within
from app.metrics.celebrations.rules import (
    DAYS_AFTER,
    FEWEST_CELEBRATED,
    Due,
    Patience,
    Quarter,
    most_of_one,
    newest_settled,
    patience,
)
from app.metrics.recognition.service import Directory, in_tree_order
from app.metrics.sample import Groups
from app.metrics.schemas import FORMULA_VERSION, OfGroup
from app.metrics.schemas.celebrations import CelebrationGroup, CelebrationReport
from app.organizations.errors import UnknownTeam
from app.organizations.queries import organization as find_organization
from app.people.teams.queries import team_tree
from app.tables import Organization

KINDS = ("birthday", "work_anniversary", "first_day", "custom")
GROUP: Final = adapter(CelebrationGroup)


class PeriodNotOver(Conflict):
    code = "period_not_over"
    detail = "This quarter has no numbers yet: ask from nine days after its last day."


async def quarter_to_show(session: TenantSession, period: str | None, now: datetime) -> Quarter:
    zone = ZoneInfo((await find_organization(session)).time_zone)
    today = now.astimezone(zone).date()
    quarter = newest_settled(today) if period is None else Quarter.named(period)
    if not quarter.is_settled(today):
        raise PeriodNotOver
    return quarter


async def report(session: TenantSession, quarter: Quarter) -> CelebrationReport:
    kept = await queries.report(session, quarter.name)
    if kept is None:
        made = await _compute(session, quarter)
        await queries.keep_report(session, quarter.name, made.model_dump_json())
        kept = await queries.report(session, quarter.name)
    assert kept is not None
    return CelebrationReport.model_validate_json(kept)


def chosen(groups: Sequence[CelebrationGroup], by: Sequence[str], team: str | None) -> list[CelebrationGroup]:
    """The kinds of group in `by`; with `team`, that team takes the organisation's place."""
    if team is None:
        return [group for group in groups if group.group.kind in by]
    found = within(groups, team)
    if not found:
        raise UnknownTeam.parameter("team")
    return found if "team" in by else found[:1]


async def _compute(session: TenantSession, quarter: Quarter) -> CelebrationReport:
    organization = await find_organization(session)
    directory = Directory(organization.name, in_tree_order(await team_tree(session)))
    k = max(FEWEST_CELEBRATED, organization.minimum_group_size)
    most = most_of_one(k, organization.minimum_group_size)
    rows = list(first_of_each(await _celebrated(session, organization, quarter), most))
    waits = [_patience(row.kept_on, organization) for row in rows]
    columns = {
        "person_id": [row.person_id for row in rows],
        "occasion": [row.key for row in rows],
        "year": [row.kept_on.year for row in rows],
        "is_half_year": [(row.months or 0) % 12 != 0 for row in rows],
        "since": [_midnight(wait.first, row) for row, wait in zip(rows, waits, strict=True)],
        "until": [_midnight(wait.last + timedelta(1), row) for row, wait in zip(rows, waits, strict=True)],
    }
    messages = await queries.first_messages(session, columns)
    return await asyncio.to_thread(_body, directory, rows, waits, messages, k)


async def _celebrated(
    session: AsyncSession, organization: Organization, quarter: Quarter
) -> Sequence[Row[Any]]:
    days = kept_days(quarter.first, quarter.last)
    rows = await occurrences_after(session, organization, days, None, PageStart(quarter.first), None)
    return [row for row in rows if row.kind in KINDS]


def first_of_each(rows: Iterable[Row[Any]], most: int) -> Iterator[Row[Any]]:
    """So many of each person, the earliest: who writes occasions cannot make one person most of a number."""
    seen: Counter[UUID] = Counter()
    for row in sorted(rows, key=lambda row: (row.kept_on, row.kind, row.key)):
        seen[row.person_id] += 1
        if seen[row.person_id] <= most:
            yield row


def _patience(due: date, organization: Organization) -> Patience:
    working = organization.working_days
    return patience(due, celebrated_on(due, "before", working), celebrated_on(due, "after", working))


def _midnight(day: date, row: Row[Any]) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(row.time_zone)).astimezone(UTC)


def _body(
    directory: Directory,
    rows: Sequence[Row[Any]],
    waits: Sequence[Patience],
    messages: Sequence[datetime | None],
    k: int,
) -> CelebrationReport:
    teams = directory.teams()
    found = bodies(Groups(teams.parents, teams.keys), _due(directory, rows, waits, messages), k)
    return CelebrationReport(
        minimum_group_size=k,
        formula_version=FORMULA_VERSION,
        groups=[
            joined(GROUP, OfGroup(group=ref), numbers)
            for ref, numbers in zip(directory.refs(), found, strict=True)
        ],
    )


def _due(
    directory: Directory,
    rows: Sequence[Row[Any]],
    waits: Sequence[Patience],
    messages: Sequence[datetime | None],
) -> Due:
    ordinals, numbers = directory.ordinals(), dict[UUID, int]()
    days = [
        None if at is None else at.astimezone(ZoneInfo(row.time_zone)).date()
        for row, at in zip(rows, messages, strict=True)
    ]
    told = list(zip(rows, waits, days, strict=True))
    return Due(
        person=_ints(numbers.setdefault(row.person_id, len(numbers)) for row in rows),
        team=_ints(ordinals.get(row.team_id, 0) for row in rows),
        is_covered=np.array([day is not None for day in days], dtype=np.bool_),
        is_on_time=np.array(
            [day is not None and wait.timely[0] <= day <= wait.timely[1] for _, wait, day in told],
            dtype=np.bool_,
        ),
        delay=_ints(
            DAYS_AFTER.days if day is None else max((day - row.kept_on).days, 0) for row, _, day in told
        ),
    )


def _ints(values: Any) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.fromiter(values, dtype=np.int64)
