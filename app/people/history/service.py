from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from app.core.database import TenantSession
from app.people import queries as people_queries
from app.people.history import queries, rules
from app.people.history.rules import Earlier, Held, Past, Period


class Change(NamedTuple):
    """Of what is held, or of the period of employment: as it is stored, and as it is wanted."""

    before: Held
    after: Held
    since: date | None
    """From which day on the change holds, where that was said; else from today."""


class Move(NamedTuple):
    before: Period
    after: Period


async def keep_pasts(session: TenantSession, changes: Mapping[UUID, Change]) -> set[UUID]:
    """Keeps of each person what was held until the change; says whose past that made another."""
    concerned = {
        key: change for key, change in changes.items() if change.since or change.before != change.after
    }
    becoming = await _changed_pasts(session, concerned) if concerned else {}
    if becoming:
        await queries.replace_pasts(session, becoming)
    return set(becoming)


async def _changed_pasts(session: TenantSession, changes: Mapping[UUID, Change]) -> dict[UUID, list[Past]]:
    """What each person's past becomes, where that is another."""
    today = await people_queries.today(session)
    pasts = await queries.pasts(session, changes)
    becoming = {
        key: rules.changed_past(pasts[key], change.before, change.after, change.since or today)
        for key, change in changes.items()
    }
    return {key: past for key, past in becoming.items() if past != pasts[key]}


async def keep_periods(session: TenantSession, moves: Mapping[UUID, Move]) -> None:
    """Keeps of each person the periods of employment before the one that is wanted."""
    earlier = await queries.earlier_employments(session, list(moves))
    becoming = {
        key: rules.earlier_periods(earlier[key], move.before, move.after) for key, move in moves.items()
    }
    changed = {key: periods for key, periods in becoming.items() if periods != earlier[key]}
    if changed:
        await queries.replace_employments(session, changed)


async def keep_earlier(session: TenantSession, told: Mapping[UUID, Earlier]) -> set[UUID]:
    """Keeps what a source tells of each person's past; says whose past that made another."""
    employments = await queries.earlier_employments(session, list(told))
    pasts = await queries.pasts(session, list(told))
    periods = {key: rules.told_periods(employments[key], earlier) for key, earlier in told.items()}
    becoming = {key: rules.told_past(pasts[key], earlier) for key, earlier in told.items()}
    new_periods = {key: own for key, own in periods.items() if own != employments[key]}
    new_pasts = {key: own for key, own in becoming.items() if own != pasts[key]}
    if new_periods:
        await queries.replace_employments(session, new_periods)
    if new_pasts:
        await queries.replace_pasts(session, new_pasts)
    return new_periods.keys() | new_pasts.keys()
