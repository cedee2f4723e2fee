"""What is asked of teams and people. Rows for sets of them: a batch takes as many statements as one thing."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.database import TenantSession
from app.people.rules import Held, Past, Period

Kind = Literal["team", "person"]


class TeamNode(NamedTuple):
    id: UUID
    external_id: str
    name: str
    parent_id: UUID | None
    lead: str | None


class EmployedPerson(NamedTuple):
    id: UUID
    external_id: str
    team_id: UUID | None
    segments: dict[str, str]
    locale: str | None


class PersonRecord(NamedTuple):
    """What of a person a sender decides, as it is stored."""

    external_id: str
    name: str
    email: str | None
    team_id: UUID | None
    team: str | None
    manager: str | None
    locale: str | None
    time_zone: str | None
    starts_on: date | None
    ends_on: date | None
    is_active: bool
    segments: dict[str, str]


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


class Window(NamedTuple):
    """Which part of a list to read. In a delta read, what changed or was deleted since two instants."""

    after: str | None
    updated_after: datetime | None
    deleted_after: datetime | None
    limit: int


class Key(NamedTuple):
    """A place in a list; of something deleted, when there was a delta read."""

    external_id: str
    deleted_at: datetime | None


PEOPLE_BY_EXTERNAL_IDS = text("""
SELECT external_id, id FROM people
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:ids AS text[]))
""")


async def people_by_external_ids(session: TenantSession, ids: Collection[str]) -> dict[str, UUID]:
    """Those of `ids` who are on file. Takes no lock: one would mark the row with this transaction."""
    rows = await session.execute(PEOPLE_BY_EXTERNAL_IDS, {"ids": list(ids)})
    return {row.external_id: row.id for row in rows}


TEAM_TREE = text("""
SELECT id, external_id, name, parent_id, lead FROM teams
WHERE organization_id = :organization_id ORDER BY external_id
""")


async def team_tree(session: TenantSession) -> list[TeamNode]:
    rows = await session.execute(TEAM_TREE)
    return [TeamNode(*row) for row in rows]


EMPLOYED = text("""
SELECT p.id, p.external_id, p.team_id, p.segments, p.locale
FROM people p
WHERE p.organization_id = :organization_id AND p.is_active
  AND (
    CAST(:on AS date) BETWEEN coalesce(p.starts_on, '-infinity') AND coalesce(p.ends_on, 'infinity')
    OR EXISTS (
        SELECT FROM employments e
        WHERE e.organization_id = p.organization_id AND e.person_id = p.id
          AND CAST(:on AS date) BETWEEN e.starts_on AND e.ends_on
    )
  )
ORDER BY p.external_id
""").columns(segments=JSONB)


async def employed_people(session: TenantSession, on: date) -> list[EmployedPerson]:
    """Everybody active who is employed on that day, by the present or an earlier period."""
    rows = await session.execute(EMPLOYED, {"on": on})
    return [EmployedPerson(*row) for row in rows]


def as_json(rows: Iterable[NamedTuple]) -> str:
    return json.dumps([row._asdict() for row in rows], default=str)


# ---------------------------------------------------------------------------------------------- teams


HOLD_TEAM_TREE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def hold_team_tree(session: TenantSession) -> None:
    """Until this transaction ends no other changes a team: two moves could make a cycle together."""
    await session.execute(HOLD_TEAM_TREE, {"name": f"teams {session.organization_id}"})


HOLD_TEAMS = text("""
SELECT external_id, id FROM teams
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:ids AS text[]))
ORDER BY external_id FOR KEY SHARE
""")


async def hold_teams(session: TenantSession, external_ids: Collection[str]) -> dict[str, UUID]:
    """Those of the teams that are there, which until this transaction ends nobody can delete."""
    rows = await session.execute(HOLD_TEAMS, {"ids": list(external_ids)})
    return {row.external_id: row.id for row in rows}


TEAMS = text("""
SELECT t.id, t.external_id, t.name, above.external_id AS parent, t.lead, t.created_at, t.updated_at,
    t.lead IS NOT NULL AND leader.id IS NULL AS is_lead_unknown
FROM teams t
LEFT JOIN teams above ON above.organization_id = t.organization_id AND above.id = t.parent_id
LEFT JOIN people leader ON leader.organization_id = t.organization_id AND leader.external_id = t.lead
WHERE t.organization_id = :organization_id AND t.external_id = ANY(CAST(:ids AS text[]))
""")


async def teams(session: TenantSession, external_ids: Sequence[str]) -> Sequence[RowMapping]:
    found = await session.execute(TEAMS, {"ids": external_ids})
    return found.mappings().all()


CAME_OR_WENT = """
WITH RECURSIVE came_or_went AS (
    SELECT external_id FROM people
    WHERE organization_id = :organization_id AND created_at >= CAST(:updated_after AS timestamptz)
    UNION ALL
    SELECT external_id FROM tombstones
    WHERE organization_id = :organization_id AND kind = 'person'
      AND deleted_at >= CAST(:deleted_after AS timestamptz)
)
"""
"""Whoever names one of them is listed too: `unresolved` has changed."""

CHANGED_TEAMS = """
SELECT external_id, CAST(NULL AS timestamptz) AS deleted_at FROM teams
WHERE organization_id = :organization_id
  AND (CAST(:after AS text) IS NULL OR external_id > :after)
  AND (CAST(:updated_after AS timestamptz) IS NULL OR updated_at >= :updated_after
    OR lead IN (SELECT external_id FROM came_or_went))
UNION ALL
SELECT external_id, deleted_at FROM tombstones
WHERE organization_id = :organization_id AND kind = 'team'
  AND (CAST(:after AS text) IS NULL OR external_id > :after)
  AND deleted_at >= CAST(:deleted_after AS timestamptz)
ORDER BY external_id
LIMIT :limit
"""
TEAM_KEYS = text(CAME_OR_WENT + CHANGED_TEAMS)


async def team_keys(session: TenantSession, window: Window) -> list[Key]:
    """The next teams by identifier; in a delta read deleted ones too."""
    found = await session.execute(TEAM_KEYS, {**window._asdict()})
    return [Key(*row) for row in found]


ADD_TEAMS = text("""
INSERT INTO teams (organization_id, id, external_id, name, parent_id, lead)
SELECT CAST(:organization_id AS uuid), r.id, r.external_id, r.name, r.parent_id, r.lead
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(id uuid, external_id text, name text, parent_id uuid, lead text)
""")


async def add_teams(session: TenantSession, rows: Sequence[TeamNode]) -> None:
    """A parent may come in the same rows, anywhere."""
    await session.execute(ADD_TEAMS, {"rows": as_json(rows)})
    await exhume(session, "team", [row.external_id for row in rows])


CHANGE_TEAMS = text("""
UPDATE teams t
SET name = r.name, parent_id = r.parent_id, lead = r.lead, updated_at = now()
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(id uuid, name text, parent_id uuid, lead text)
WHERE t.organization_id = :organization_id AND t.id = r.id
""")


async def change_teams(session: TenantSession, rows: Sequence[TeamNode]) -> None:
    await session.execute(CHANGE_TEAMS, {"rows": as_json(rows)})


HOLD_TEAM = text("""
SELECT id FROM teams
WHERE organization_id = :organization_id AND external_id = :external_id FOR UPDATE
""")


async def hold_team(session: TenantSession, external_id: str) -> UUID | None:
    """Locks the team, if there is one: who puts a person into it now is waited for, or waits."""
    team_id: UUID | None = await session.scalar(HOLD_TEAM, {"external_id": external_id})
    return team_id


TEAM_IN_USE = text("""
SELECT EXISTS (SELECT FROM people WHERE organization_id = :organization_id AND team_id = :id)
    OR EXISTS (SELECT FROM teams WHERE organization_id = :organization_id AND parent_id = :id)
""")


async def is_team_in_use(session: TenantSession, team_id: UUID) -> bool:
    """Whether people or teams are in it."""
    return bool(await session.scalar(TEAM_IN_USE, {"id": team_id}))


DELETE_TEAM = text("DELETE FROM teams WHERE organization_id = :organization_id AND id = :id")


async def delete_team(session: TenantSession, team_id: UUID) -> None:
    await session.execute(DELETE_TEAM, {"id": team_id})


# --------------------------------------------------------------------------------------------- people

PEOPLE = text("""
SELECT p.id, p.external_id, p.name, p.email, p.team_id, t.external_id AS team, p.manager, p.locale,
    p.time_zone, p.starts_on, p.ends_on, p.is_active, p.segments, p.created_at, p.updated_at,
    p.manager IS NOT NULL AND m.id IS NULL AS is_manager_unknown
FROM people p
LEFT JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
LEFT JOIN people m ON m.organization_id = p.organization_id AND m.external_id = p.manager
WHERE p.organization_id = :organization_id AND p.external_id = ANY(CAST(:ids AS text[]))
""").columns(segments=JSONB)


async def people(session: TenantSession, external_ids: Sequence[str]) -> Sequence[RowMapping]:
    found = await session.execute(PEOPLE, {"ids": external_ids})
    return found.mappings().all()


def record_of(row: RowMapping) -> PersonRecord:
    return PersonRecord(**{name: row[name] for name in PersonRecord._fields})


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


CHANGED_PEOPLE = """
, below AS (
    SELECT id, external_id FROM teams
    WHERE organization_id = :organization_id AND external_id = CAST(:team AS text)
    UNION
    SELECT t.id, t.external_id FROM teams t
    JOIN below ON t.parent_id = below.id WHERE t.organization_id = :organization_id
), past AS (
    SELECT DISTINCT ON (person_id) person_id, team FROM person_history
    WHERE organization_id = :organization_id AND ends_on >= CAST(:as_of AS date)
    ORDER BY person_id, ends_on
)
SELECT external_id, CAST(NULL AS timestamptz) AS deleted_at FROM people
WHERE organization_id = :organization_id
  AND (CAST(:after AS text) IS NULL OR external_id > :after)
  AND (CAST(:updated_after AS timestamptz) IS NULL OR updated_at >= :updated_after
    OR manager IN (SELECT external_id FROM came_or_went))
  AND (CAST(:team AS text) IS NULL OR (
    CASE WHEN EXISTS (SELECT FROM past WHERE past.person_id = people.id)
    THEN (SELECT past.team FROM past WHERE past.person_id = people.id) IN (SELECT external_id FROM below)
    ELSE team_id IN (SELECT id FROM below) END
  ))
UNION ALL
SELECT external_id, deleted_at FROM tombstones
WHERE organization_id = :organization_id AND kind = 'person'
  AND (CAST(:after AS text) IS NULL OR external_id > :after)
  AND deleted_at >= CAST(:deleted_after AS timestamptz)
ORDER BY external_id
LIMIT :limit
"""
PERSON_KEYS = text(CAME_OR_WENT + CHANGED_PEOPLE)


async def person_keys(
    session: TenantSession, window: Window, team: str | None, as_of: date | None
) -> list[Key]:
    """The next people by identifier; in a delta read all deleted ones too.

    Of a team and those that are below it now, whoever is in them, or was on a day.
    """
    chosen = {"team": team, "as_of": as_of}
    found = await session.execute(PERSON_KEYS, {**chosen, **window._asdict()})
    return [Key(*row) for row in found]


HOLD_PERSON = text("""
SELECT id FROM people
WHERE organization_id = :organization_id AND external_id = :external_id FOR UPDATE
""")


async def hold_person(session: TenantSession, external_id: str) -> UUID | None:
    """Locks the person, if there is one, until this transaction ends."""
    person_id: UUID | None = await session.scalar(HOLD_PERSON, {"external_id": external_id})
    return person_id


HOLD_PEOPLE = text("""
SELECT FROM people
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:ids AS text[]))
ORDER BY external_id FOR UPDATE
""")


async def hold_people(session: TenantSession, external_ids: Collection[str]) -> None:
    """Locks those who are on file until this transaction ends, in the order all writers keep."""
    await session.execute(HOLD_PEOPLE, {"ids": list(external_ids)})


ADD_OR_HOLD_PEOPLE = text("""
INSERT INTO people (organization_id, id, external_id, name, email, team_id, manager, locale, time_zone,
    starts_on, ends_on, is_active, segments)
SELECT CAST(:organization_id AS uuid), gen_random_uuid(), r.*
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(external_id text, name text, email text, team_id uuid, manager text, locale text, time_zone text,
        starts_on date, ends_on date, is_active boolean, segments jsonb)
ORDER BY r.external_id
ON CONFLICT (organization_id, external_id) DO UPDATE SET name = excluded.name WHERE false
RETURNING external_id
""")


async def add_or_hold_people(session: TenantSession, rows: Sequence[PersonRecord]) -> set[str]:
    """Adds those not on file, and says which. The others it locks and leaves alone.

    One statement, in the order of the identifiers, so that writers wait for each other and never in a ring.
    """
    added = await session.scalars(ADD_OR_HOLD_PEOPLE, {"rows": as_json(rows)})
    external_ids = set(added)
    await exhume(session, "person", external_ids)
    return external_ids


CHANGE_PEOPLE = text("""
UPDATE people p
SET name = r.name, email = r.email, team_id = r.team_id, manager = r.manager, locale = r.locale,
    time_zone = r.time_zone, starts_on = r.starts_on, ends_on = r.ends_on,
    is_active = r.is_active, segments = r.segments, updated_at = now()
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(external_id text, name text, email text, team_id uuid, manager text, locale text,
        time_zone text, starts_on date, ends_on date, is_active boolean, segments jsonb)
WHERE p.organization_id = :organization_id AND p.external_id = r.external_id
""")


async def change_people(session: TenantSession, rows: Sequence[PersonRecord]) -> None:
    await session.execute(CHANGE_PEOPLE, {"rows": as_json(rows)})


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


TODAY = text("SELECT CAST(now() AT TIME ZONE time_zone AS date) FROM organizations WHERE id = :id")


async def today(session: TenantSession) -> date:
    """The organisation's, by the clock that dates every change of this transaction."""
    day: date = await session.scalar(TODAY, {"id": session.organization_id})
    return day


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


RENUMBER = (
    "UPDATE people SET external_id = :new, updated_at = now()"
    " WHERE organization_id = :organization_id AND external_id = :old",
    "UPDATE people SET manager = :new, updated_at = now()"
    " WHERE organization_id = :organization_id AND manager = :old",
    "UPDATE teams SET lead = :new, updated_at = now()"
    " WHERE organization_id = :organization_id AND lead = :old",
    "UPDATE person_history SET manager = :new WHERE organization_id = :organization_id AND manager = :old",
    "UPDATE reminders SET person = :new WHERE organization_id = :organization_id AND person = :old",
    "UPDATE calendar_feeds SET manager = :new WHERE organization_id = :organization_id AND manager = :old",
    "UPDATE api_keys SET person = :new WHERE organization_id = :organization_id AND person = :old",
)


async def renumber_person(session: TenantSession, old: str, new: str) -> None:
    """Gives the person another identifier, also where others name him by it."""
    for statement in RENUMBER:
        parameters = {"old": old, "new": new}
        await session.execute(text(statement), parameters)


PERSON_IN_USE = text("""
SELECT EXISTS (
        SELECT FROM survey_members WHERE organization_id = :organization_id AND person_id = :id
    ) OR EXISTS (
        SELECT FROM recognitions WHERE organization_id = :organization_id AND giver_id = :id
    ) OR EXISTS (
        SELECT FROM recognition_receivers WHERE organization_id = :organization_id AND person_id = :id
    ) OR EXISTS (
        SELECT FROM surveys s JOIN responses r ON r.organization_id = s.organization_id AND r.survey_id = s.id
        WHERE s.organization_id = :organization_id AND s.mode = 'attributed' AND r.respondent_key = :id
    )
""")


async def is_person_in_use(session: TenantSession, person_id: UUID) -> bool:
    """Whether a survey, an answer or a recognition event refers to the person."""
    key = {"id": person_id}
    return bool(await session.scalar(PERSON_IN_USE, key))


DELETE_PERSON = text("DELETE FROM people WHERE organization_id = :organization_id AND id = :id")


async def delete_person(session: TenantSession, person_id: UUID) -> None:
    """With the person's employments and occasions."""
    await session.execute(DELETE_PERSON, {"id": person_id})


ERASED_MARKS = text("""
SELECT mark FROM erased_people
WHERE organization_id = :organization_id AND mark = ANY(CAST(:marks AS bytea[]))
""")


async def erased_marks(session: TenantSession, marks: Collection[bytes]) -> set[bytes]:
    """Those of the marks that stand for somebody erased."""
    found = await session.scalars(ERASED_MARKS, {"marks": list(marks)})
    return set(found)


TAKE_BACK = text("""
DELETE FROM people
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:ids AS text[]))
""")


async def take_back(session: TenantSession, external_ids: Collection[str]) -> None:
    """Of people this transaction has added."""
    await session.execute(TAKE_BACK, {"ids": list(external_ids)})


# ----------------------------------------------------------------------------------------- tombstones


BURY = text("""
INSERT INTO tombstones (organization_id, kind, external_id)
VALUES (:organization_id, :kind, :external_id)
""")


async def bury(session: TenantSession, kind: Kind, external_id: str) -> None:
    await session.execute(BURY, {"kind": kind, "external_id": external_id})


EXHUME = text("""
DELETE FROM tombstones WHERE organization_id = :organization_id AND kind = :kind
  AND external_id = ANY(CAST(:ids AS text[]))
""")


async def exhume(session: TenantSession, kind: Kind, external_ids: Collection[str]) -> None:
    """What is there again was not deleted."""
    await session.execute(EXHUME, {"kind": kind, "ids": list(external_ids)})
