import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import scim2_models as scim
from scim2_models import Context

from app.calendar import service as calendar
from app.calendar.queries import occasion as birthday_of
from app.calendar.schemas import OccasionWrite
from app.core.conditional import Preconditions
from app.core.database import RowMapping, TenantSession, note_changes
from app.core.errors import MissingScope, PreconditionFailed, validated
from app.core.memory import ARRIVALS
from app.core.schema import is_identifier
from app.organizations import queries as organizations_queries
from app.people.persons import queries as persons_queries
from app.people.persons import schemas as persons_schemas
from app.people.persons import service as persons_service
from app.people.teams import queries as teams_queries
from app.people.teams import schemas as teams_schemas
from app.people.teams import service as teams_service
from app.scim.filters import Equal
from app.scim.mapping import is_id
from app.scim.schemas import (
    POLICY,
    Birthday,
    EnterpriseUser,
    PeopleUser,
    Person,
)
from app.scim.service import MOST_SCANNED, Caller, Kind, known_id, no_resource, require
from app.scim.users import mapping, queries
from app.scim.users.attributes import meant
from app.scim.users.mapping import Membership, Shared, Stored

BIRTHDAY = "birthday"
MANY = 20
"""Users whose writing is worth a thread, so that nobody waits for it."""
MOST_KEPT = 64 * 1024
"""Characters of JSON kept of one user beside the person."""


def stored_user(row: RowMapping, caller: Caller) -> Stored:
    dates = (row["starts_on"], row["ends_on"])
    starts_on, ends_on = (day.isoformat() if day else None for day in dates)
    birthday = {"month": row["month"], "day": row["day"], "consent": row["consent"]}
    return Stored(
        id=row["id"],
        external_id=row["external_id"],
        user_name=row["user_name"],
        document=row["attributes"],
        shared=Shared(
            name=row["name"],
            email=row["email"],
            locale=row["locale"],
            time_zone=row["time_zone"],
            active=row["is_active"],
            manager=str(row["manager_id"]) if row["manager_id"] else row["manager"],
            starts_on=starts_on,
            ends_on=ends_on,
        ),
        manager_id=row["manager_id"],
        groups=[Membership(**group) for group in row["groups"]],
        birthday=birthday if caller.has_dates and row["month"] else None,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def load_users(
    session: TenantSession, caller: Caller, ids: Sequence[UUID], is_whole: bool = True
) -> list[Person]:
    rows = await queries.users(session, ids)
    if len(rows) < MANY:
        return written(rows, caller, ids)
    return await asyncio.to_thread(written, rows, caller, ids)


def written(rows: Sequence[RowMapping], caller: Caller, ids: Sequence[UUID]) -> list[Person]:
    found = {row["id"]: mapping.user_of(stored_user(row, caller), caller.base) for row in rows}
    return [found[id_] for id_ in ids if id_ in found]


async def read_user(session: TenantSession, caller: Caller, id_: str) -> Person:
    found = await load_users(session, caller, [known_id(id_)])
    if not found:
        raise no_resource(id_)
    return found[0]


async def held_user(
    session: TenantSession, caller: Caller, id_: str, conditions: Preconditions
) -> tuple[Stored, Person]:
    """A person nobody else changes until this transaction ends, who is as the sender believes."""
    await queries.hold_user(session, known_id(id_))
    rows = await queries.users(session, [UUID(id_)])
    if not rows:
        raise no_resource(id_)
    stored = stored_user(rows[0], caller)
    current = mapping.user_of(stored, caller.base)
    require(conditions, current)
    return stored, current


async def create_user(session: TenantSession, caller: Caller, user: Person) -> Person:
    user.active = True if user.active is None else user.active
    key = mapping.key_of(user.user_name or "")
    await refuse_taken(session, caller, key, None)
    external_id = user.external_id
    hidden = await queries.hidden_user(session, key, external_id)
    if hidden:
        return await bring_back(session, caller, hidden, user)
    own = await free_external_id(session, caller, user)
    sent = await directory_changes(session, caller, None, user)
    item = validated(persons_schemas.PersonWrite, sent)
    try:
        await persons_service.put_person(session, own, item, Preconditions(if_none_match="*"), caller.keyring)
    except PreconditionFailed:
        raise scim.UniquenessException(
            detail=f"There is a person {own} already: find that user and change it."
        ) from None
    id_ = (await persons_queries.people_by_external_ids(session, [own]))[own]
    return await keep_rest(session, caller, id_, own, None, user)


async def bring_back(session: TenantSession, caller: Caller, id_: UUID, user: Person) -> Person:
    """Whom a client deleted and now creates again is the same person."""
    note_changes(session, [ARRIVALS])
    await queries.hold_user(session, id_)
    [row] = await queries.users(session, [id_], with_hidden=True)
    stored = stored_user(row, caller)
    before = mapping.user_of(stored, caller.base)
    keep_unmentioned(user, before)
    return await change_user(session, caller, stored, before, user)


async def refuse_taken(session: TenantSession, caller: Caller, key: str, own: UUID | None) -> None:
    """User names are compared as RFC 7643 has it; the unique index settles a race."""
    ids = await queries.found_user_ids(session, Equal("user_name", key), MOST_SCANNED)
    rows = await queries.users(session, ids or ())
    if any(mapping.key_of(row["user_name"]) == key and row["id"] != own for row in rows):
        raise scim.UniquenessException(detail="Another user has this userName: find that user and change it.")


async def free_external_id(session: TenantSession, caller: Caller, user: Person) -> str:
    """The identifier /v1/people will know the person by: the client's, else the user name, else a new one."""
    if user.external_id and is_identifier(user.external_id):
        return user.external_id
    name = user.user_name or ""
    taken = await persons_queries.people_by_external_ids(session, [name])
    return name if is_identifier(name) and not taken else str(uuid4())


def keep_unmentioned(user: Person, before: Person) -> None:
    """A sender who does not speak of an extension, or of `active`, leaves it as it is."""
    for extension in (EnterpriseUser, PeopleUser):
        if user[extension] is None:
            user[extension] = before[extension]
    if user.active is None:
        user.active = before.active


async def replace_user(
    session: TenantSession, caller: Caller, id_: str, user: Person, conditions: Preconditions
) -> Person:
    stored, before = await held_user(session, caller, id_, conditions)
    user.replace(before)
    keep_unmentioned(user, before)
    return await change_user(session, caller, stored, before, user)


async def patch_user(
    session: TenantSession, caller: Caller, id_: str, patch: scim.PatchOp[Person], conditions: Preconditions
) -> Person:
    stored, before = await held_user(session, caller, id_, conditions)
    after = before.model_copy(deep=True)
    patch.patch(after, scim_policy=POLICY)
    return await change_user(session, caller, stored, before, after)


async def change_user(
    session: TenantSession, caller: Caller, stored: Stored, before: Person, after: Person
) -> Person:
    await refuse_taken(session, caller, mapping.key_of(after.user_name or ""), stored.id)
    sent = await directory_changes(session, caller, before, after)
    if sent:
        patch = validated(persons_schemas.PersonPatch, sent)
        await persons_service.update_person(
            session, stored.external_id, patch, Preconditions(), caller.keyring
        )
    return await keep_rest(session, caller, stored.id, stored.external_id, before, after)


async def directory_changes(
    session: TenantSession, caller: Caller, before: Person | None, after: Person
) -> dict[str, object]:
    """What is written to the directory, its manager under the identifier the directory uses."""
    sent = mapping.changes(mapping.shared_of(before) if before else None, mapping.shared_of(after))
    if sent.get("manager"):
        sent["manager"] = await external_id_of(session, caller, sent["manager"])
    return sent | await mapped(session, before, after)


async def mapped(session: TenantSession, before: Person | None, after: Person) -> dict[str, object]:
    """Team and segments, where the organisation has said which attributes are."""
    attributes = (await organizations_queries.organization(session)).scim_attributes
    if not attributes:
        return {}
    documents = [one.model_dump(scim_ctx=Context.DEFAULT) if one else None for one in (before, after)]
    found = meant(documents[0], documents[1] or {}, attributes)
    segments = {name: value for name, value in found.segments.items() if value is not None or before}
    team = {"team": await team_named(session, found.team)} if found.has_team else {}
    return team | ({"segments": segments} if segments else {})


async def team_named(session: TenantSession, name: str | None) -> str | None:
    """By its identifier, else by its name; one that is not there is made."""
    if name is None:
        return None
    await teams_queries.hold_team_tree(session)
    known = await queries.team_named(session, name)
    if known is None:
        known = name if is_identifier(name) else str(uuid4())
        team = validated(teams_schemas.TeamWrite, {"name": name})
        await teams_service.put_team(session, known, team, Preconditions())
    return known


async def external_id_of(session: TenantSession, caller: Caller, manager: str) -> str:
    """By SCIM id; a sender who names the manager otherwise means the directory's identifier."""
    if not is_id(manager):
        return manager
    found = await queries.external_ids(session, [UUID(manager)])
    if UUID(manager) not in found:
        raise scim.InvalidValueException(detail=f"There is no user {manager} to be a manager.")
    return found[UUID(manager)]


async def keep_rest(
    session: TenantSession,
    caller: Caller,
    id_: UUID,
    external_id: str,
    before: Person | None,
    after: Person,
) -> Person:
    """Stores what only SCIM knows, and the birthday; gives the user as it now is."""
    document = mapping.document_of(after, external_id)
    if len(str(document)) > MOST_KEPT:
        raise scim.InvalidValueException(
            detail=f"This user is too long: send at most {MOST_KEPT} characters."
        )
    has_new_birthday = await keep_birthday(session, caller, external_id, before, after)
    name = after.user_name or ""
    await queries.put_user(
        session,
        id_,
        name,
        mapping.key_of(name),
        document,
        is_touched=has_new_birthday,
    )
    return await read_user(session, caller, str(id_))


def birthday_in(user: Person | None) -> Birthday | None:
    people = user[PeopleUser] if user else None
    return people.birthday if people else None


async def keep_birthday(
    session: TenantSession, caller: Caller, external_id: str, before: Person | None, after: Person
) -> bool:
    """Whether it was changed. What the directory adds to a birthday, as who sees it, stays."""
    old, new = (birthday_in(user) for user in (before, after))
    if old == new:
        return False
    if not caller.has_dates:
        raise MissingScope("A birthday needs a key with the scope people:dates.", "people:dates")
    if new is None:
        await calendar.delete_occasion(session, external_id, BIRTHDAY, Preconditions())
        return True
    person_id = await calendar.find_person(session, external_id)
    kept = await birthday_of(session, person_id, BIRTHDAY)
    rest = kept.model_dump(include={"label", "relation", "visibility", "leap_day_rule"}) if kept else {}
    day = {"kind": BIRTHDAY, "month": new.month, "day": new.day, "consent": bool(new.consent)}
    wanted = validated(OccasionWrite, rest | day)
    await calendar.put_occasion(session, external_id, BIRTHDAY, wanted, Preconditions())
    return True


async def delete_user(session: TenantSession, caller: Caller, id_: str, conditions: Preconditions) -> None:
    """Deactivates and hides; erasing is another matter."""
    stored, _ = await held_user(session, caller, id_, conditions)
    patch = persons_schemas.PersonPatch(active=False)
    await persons_service.update_person(session, stored.external_id, patch, Preconditions(), caller.keyring)
    await queries.put_user(
        session,
        stored.id,
        stored.user_name,
        mapping.key_of(stored.user_name),
        stored.document,
    )
    note_changes(session, [ARRIVALS])
    await queries.hide_user(session, stored.id)


USERS = Kind(Person, queries.ARRIVALS, queries.found_user_ids, load_users, queries.SORTING)
