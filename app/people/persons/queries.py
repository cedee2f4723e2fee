"""What is asked of people. Rows for sets of them: a batch takes as many statements as one person."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.database import TenantSession, transaction_time
from app.people.queries import CAME_OR_WENT, ListKey, ListPart, as_json, exhume
from app.people.teams.queries import BELOW
from app.tables import Person


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


PEOPLE_BY_EXTERNAL_IDS = text("""
SELECT external_id, id FROM people
WHERE organization_id = :organization_id AND external_id = ANY(CAST(:ids AS text[]))
""")


async def people_by_external_ids(session: TenantSession, ids: Collection[str]) -> dict[str, UUID]:
    """Those of `ids` who are on file. Takes no lock: one would mark the row with this transaction."""
    rows = await session.execute(PEOPLE_BY_EXTERNAL_IDS, {"ids": list(ids)})
    return {row.external_id: row.id for row in rows}


EMPLOYED = text("""
SELECT p.id, p.external_id, p.team_id, p.segments, p.locale
FROM people p
WHERE p.organization_id = :organization_id AND p.is_active
  AND (
    CAST(:on AS date) BETWEEN coalesce(p.starts_on, '-infinity') AND coalesce(p.ends_on, 'infinity')
    OR EXISTS (
        SELECT FROM employments e
        WHERE e.organization_id = :organization_id AND e.person_id = p.id
          AND CAST(:on AS date) BETWEEN e.starts_on AND e.ends_on
    )
  )
ORDER BY p.external_id
""").columns(segments=JSONB)


async def employed_people(session: TenantSession, on: date) -> list[EmployedPerson]:
    """Everybody active who is employed on that day, by the present or an earlier period."""
    rows = await session.execute(EMPLOYED, {"on": on})
    return [EmployedPerson(*row) for row in rows]


COLUMNS = [name for name in PersonRecord._fields if name in Person.model_fields]
"""What a sender decides that is a column of people: the one list that reading and writing follow."""
NAMES = ", ".join(COLUMNS)
OF_PERSON, OF_RECORD = (", ".join(f"{row}.{name}" for name in COLUMNS) for row in "pr")
FROM_RECORD = ", ".join(f"{name} = r.{name}" for name in COLUMNS)


PEOPLE = text(f"""
SELECT p.id, {OF_PERSON}, t.external_id AS team, p.created_at, p.updated_at,
    p.manager IS NOT NULL AND m.id IS NULL AS is_manager_unknown,
    EXISTS (
        SELECT FROM people o
        WHERE o.organization_id = :organization_id AND o.email_key = p.email_key AND o.id <> p.id
    ) AS is_address_shared
FROM people p
LEFT JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
LEFT JOIN people m ON m.organization_id = p.organization_id AND m.external_id = p.manager
WHERE p.organization_id = :organization_id AND p.external_id = ANY(CAST(:ids AS text[]))
""").columns(segments=JSONB)  # noqa: S608 names of columns


async def people(session: TenantSession, external_ids: Sequence[str]) -> Sequence[RowMapping]:
    found = await session.execute(PEOPLE, {"ids": external_ids})
    return found.mappings().all()


SHARING_AN_ADDRESS = text("""
SELECT p.external_id FROM people p
WHERE p.organization_id = :organization_id AND p.external_id = ANY(CAST(:ids AS text[]))
    AND EXISTS (
        SELECT FROM people o
        WHERE o.organization_id = :organization_id AND o.email_key = p.email_key AND o.id <> p.id
    )
""")


async def sharing_an_address(session: TenantSession, external_ids: Collection[str]) -> set[str]:
    """Those of them whose address another person has too."""
    return set((await session.scalars(SHARING_AN_ADDRESS, {"ids": list(external_ids)})).all())


def record_of(row: RowMapping) -> PersonRecord:
    return PersonRecord(**{name: row[name] for name in PersonRecord._fields})


PAST = """
past AS (
    SELECT DISTINCT ON (person_id) person_id, team FROM person_history
    WHERE organization_id = :organization_id AND ends_on >= CAST(:as_of AS date)
    ORDER BY person_id, ends_on
)
"""
CHANGED_PEOPLE = """
SELECT external_id, CAST(NULL AS timestamptz) AS deleted_at FROM people
WHERE organization_id = :organization_id {of_people}
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
WHERE organization_id = :organization_id AND kind = 'person' {of_deleted}
  AND (CAST(:after AS text) IS NULL OR external_id > :after)
  AND deleted_at >= CAST(:deleted_after AS timestamptz)
ORDER BY external_id
LIMIT :limit
"""
KEYS_OF_ALL = CHANGED_PEOPLE.format(of_people="", of_deleted="")
KEYS_OF_ADDRESS = CHANGED_PEOPLE.format(
    of_people="AND email_key = search_key(CAST(:email AS text))", of_deleted="AND false"
)
PERSON_KEYS = text(f"""{CAME_OR_WENT}, {BELOW}, {PAST} {KEYS_OF_ALL}""")
PERSON_KEYS_OF_ADDRESS = text(f"""{CAME_OR_WENT}, {BELOW}, {PAST} {KEYS_OF_ADDRESS}""")
"""Whoever is deleted has no address any more."""


async def person_keys(
    session: TenantSession, window: ListPart, team: str | None, as_of: date | None, email: str | None
) -> list[ListKey]:
    """The next people by identifier; in a delta read all deleted ones too.

    Of a team and those that are below it now, whoever is in them, or was on a day.
    """
    chosen = {"team": team, "as_of": as_of, **({} if email is None else {"email": email})}
    keys = PERSON_KEYS if email is None else PERSON_KEYS_OF_ADDRESS
    found = await session.execute(keys, {**chosen, **window._asdict()})
    return [ListKey(*row) for row in found]


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


ADD_OR_HOLD_PEOPLE = text(f"""
INSERT INTO people (organization_id, id, {NAMES})
SELECT CAST(:organization_id AS uuid), gen_random_uuid(), {OF_RECORD}
FROM jsonb_populate_recordset(CAST(NULL AS people), CAST(:rows AS jsonb)) AS r
ORDER BY r.external_id
ON CONFLICT (organization_id, external_id) DO UPDATE SET name = excluded.name WHERE false
RETURNING external_id
""")  # noqa: S608 names of columns


async def add_or_hold_people(session: TenantSession, rows: Sequence[PersonRecord]) -> set[str]:
    """Adds those not on file, and says which. The others it locks and leaves alone.

    One statement, in the order of the identifiers, so that writers wait for each other and never in a ring.
    """
    added = await session.scalars(ADD_OR_HOLD_PEOPLE, {"rows": as_json(rows)})
    external_ids = set(added)
    await exhume(session, "person", external_ids)
    return external_ids


CHANGE_PEOPLE = text(f"""
UPDATE people p
SET {FROM_RECORD}, updated_at = now(),
    email_since = CASE WHEN p.email IS DISTINCT FROM r.email THEN :now ELSE p.email_since END,
    manager_since = CASE WHEN p.manager IS DISTINCT FROM r.manager THEN :now ELSE p.manager_since END
FROM jsonb_populate_recordset(CAST(NULL AS people), CAST(:rows AS jsonb)) AS r
WHERE p.organization_id = :organization_id AND p.external_id = r.external_id
""")  # noqa: S608 names of columns


async def change_people(session: TenantSession, rows: Sequence[PersonRecord]) -> None:
    now = await transaction_time(session)
    await session.execute(CHANGE_PEOPLE, {"rows": as_json(rows), "now": now})


RENUMBER = (
    text("""
UPDATE people SET external_id = :new, updated_at = now()
WHERE organization_id = :organization_id AND external_id = :old
"""),
    text("""
UPDATE people SET manager = :new, manager_since = now(), updated_at = now()
WHERE organization_id = :organization_id AND manager = :old
"""),
    text("""
UPDATE teams SET lead = :new, lead_since = now(), updated_at = now()
WHERE organization_id = :organization_id AND lead = :old
"""),
    text("""
UPDATE person_history SET manager = :new WHERE organization_id = :organization_id AND manager = :old
"""),
    text("""
UPDATE reminders SET person = :new WHERE organization_id = :organization_id AND person = :old
"""),
    text("""
UPDATE calendar_feeds SET manager = :new WHERE organization_id = :organization_id AND manager = :old
"""),
    text("""
UPDATE api_keys SET person = :new WHERE organization_id = :organization_id AND person = :old
"""),
)


async def renumber_person(session: TenantSession, old: str, new: str) -> None:
    """Gives the person another identifier, also where others name them by it.

    Leads and managers count as new: somebody may have a key or a claim in the name of that identifier.
    """
    for statement in RENUMBER:
        parameters = {"old": old, "new": new}
        await session.execute(statement, parameters)


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


DELETE_PERSON = text("""DELETE FROM people WHERE organization_id = :organization_id AND id = :id""")


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
