from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from app.core.database import TenantSession
from app.people import queries as people_queries
from app.people.history import queries, rules
from app.people.history.rules import Held, Past, Period


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
