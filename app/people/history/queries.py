"""What a person held before the present: periods of employment, and team, manager and segments."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.database import TenantSession
from app.people.history.rules import Held, Past, Period
from app.people.queries import as_json


class StoredPeriod(NamedTuple):
    person_id: UUID
    starts_on: date | Literal["-infinity"]
    ends_on: date | None


class StoredPast(NamedTuple):
    person_id: UUID
    ends_on: date
    team: str | None
    manager: str | None
    segments: Mapping[str, str]


EARLIER_EMPLOYMENTS = text("""
SELECT person_id, starts_on, ends_on FROM employments
WHERE organization_id = :organization_id AND person_id = ANY(CAST(:ids AS uuid[]))
ORDER BY starts_on
""")


async def earlier_employments(
    session: TenantSession, person_ids: Sequence[UUID]
) -> defaultdict[UUID, list[Period]]:
    """Of each person the periods before the present one, oldest first."""
    rows = await session.execute(EARLIER_EMPLOYMENTS, {"ids": person_ids})
    periods: defaultdict[UUID, list[Period]] = defaultdict(list)
    for person_id, starts_on, ends_on in rows:
        periods[person_id].append(Period(None if starts_on == date.min else starts_on, ends_on))
    return periods


DELETE_EMPLOYMENTS = text("""
DELETE FROM employments
WHERE organization_id = :organization_id AND person_id = ANY(CAST(:ids AS uuid[]))
""")
ADD_EMPLOYMENTS = text("""
INSERT INTO employments (organization_id, person_id, starts_on, ends_on)
SELECT CAST(:organization_id AS uuid), r.*
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(person_id uuid, starts_on date, ends_on date)
""")


async def replace_employments(session: TenantSession, periods: Mapping[UUID, Sequence[Period]]) -> None:
    """The earlier periods of each person, oldest first. The table has -infinity for "since always"."""
    await session.execute(DELETE_EMPLOYMENTS, {"ids": list(periods)})
    rows = [
        StoredPeriod(person_id, period.starts_on or "-infinity", period.ends_on)
        for person_id, earlier in periods.items()
        for period in earlier
    ]
    await session.execute(ADD_EMPLOYMENTS, {"rows": as_json(rows)})


PASTS = text("""
SELECT person_id, ends_on, team, manager, segments FROM person_history
WHERE organization_id = :organization_id AND person_id = ANY(CAST(:ids AS uuid[]))
    AND (CAST(:as_of AS date) IS NULL OR ends_on >= :as_of)
ORDER BY person_id, ends_on
""").columns(segments=JSONB)


async def pasts(
    session: TenantSession, person_ids: Collection[UUID], as_of: date | None = None
) -> defaultdict[UUID, list[Past]]:
    """Of each person what was held before the present, oldest first; all of it, or from a day on."""
    parameters = {"ids": list(person_ids), "as_of": as_of}
    found: defaultdict[UUID, list[Past]] = defaultdict(list)
    for row in await session.execute(PASTS, parameters):
        found[row.person_id].append(Past(row.ends_on, Held(row.team, row.manager, row.segments)))
    return found


DELETE_PASTS = text("""
DELETE FROM person_history
WHERE organization_id = :organization_id AND person_id = ANY(CAST(:ids AS uuid[]))
""")
ADD_PASTS = text("""
INSERT INTO person_history (organization_id, person_id, ends_on, team, manager, segments)
SELECT CAST(:organization_id AS uuid), r.*
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(person_id uuid, ends_on date, team text, manager text, segments jsonb)
""")


async def replace_pasts(session: TenantSession, pasts: Mapping[UUID, Sequence[Past]]) -> None:
    await session.execute(DELETE_PASTS, {"ids": list(pasts)})
    rows = [
        StoredPast(person_id, past.ends_on, *past.held) for person_id, own in pasts.items() for past in own
    ]
    await session.execute(ADD_PASTS, {"rows": as_json(rows)})
