from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import scim2_models as scim
from scim2_models import Context

from app.calendar import service as calendar
from app.calendar.queries import occasion as birthday_of
from app.calendar.schemas import OccasionWrite
from app.core.conditional import Preconditions, etag_of, matches
from app.core.database import RowMapping, TenantSession
from app.core.errors import Forbidden, PreconditionFailed, validated
from app.core.schema import is_identifier
from app.core.secrets import Keyring
from app.people.persons import queries as persons_queries
from app.people.persons import schemas as persons_schemas
from app.people.persons import service as persons_service
from app.people.teams import queries as teams_queries
from app.people.teams import schemas as teams_schemas
from app.people.teams import service as teams_service
from app.scim import mapping, queries
from app.scim.filters import demands
from app.scim.mapping import Membership, Shared, Stored, StoredTeam
from app.scim.queries import Narrowing
from app.scim.schemas import (
    DEFAULT_RESULTS,
    MAX_RESULTS,
    POLICY,
    Birthday,
    EnterpriseUser,
    Group,
    PeopleUser,
    Person,
)

BIRTHDAY = "birthday"
CHUNK = 500
MOST_SCANNED = 10_000
"""People or teams a filter or an order that no index serves is tried on."""
MOST_KEPT = 64 * 1024
"""Characters of JSON kept of one user beside the person."""
Resource = scim.Resource[Any]
Search = scim.SearchRequest[Any]


@dataclass(frozen=True)
class Caller:
    organization_id: UUID
    has_dates: bool
    base: str
    """The address of this SCIM service, which stands in front of every resource's."""
    keyring: Keyring


class Kind(NamedTuple):
    """A type of resource as searching sees it."""

    model: type[Resource]
    ids: Callable[[TenantSession, Narrowing], Awaitable[Sequence[UUID]]]
    load: Callable[[TenantSession, Caller, Sequence[UUID]], Awaitable[Sequence[Resource]]]


class Match(NamedTuple):
    kind: Kind
    id: UUID
    sort_value: Any


def no_resource(id_: str) -> scim.NotFoundException:
    return scim.NotFoundException(detail=f"There is no resource {id_}.")


def known_id(id_: str) -> UUID:
    if not mapping.is_id(id_):
        raise no_resource(id_)
    return UUID(id_)


def versioned(resource: Resource) -> Resource:
    """With its version, which is that of what this caller may see of it."""
    body = resource.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    assert resource.meta is not None
    resource.meta.version = f"W/{etag_of(body.encode())}"
    return resource


def require(conditions: Preconditions, current: Resource) -> None:
    if conditions.if_match is None:
        return
    meta = versioned(current.model_copy(deep=True)).meta
    assert meta is not None
    if not matches(conditions.if_match, (meta.version or "").removeprefix("W/")):
        raise PreconditionFailed


# ---------------------------------------------------------------------------------------------- users


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
        team=Membership(row["team_id"], row["team_name"]) if row["team_id"] else None,
        birthday=birthday if caller.has_dates and row["month"] else None,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def load_users(session: TenantSession, caller: Caller, ids: Sequence[UUID]) -> list[Person]:
    rows = await queries.users(session, ids)
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
    await queries.hold_user(session, id_)
    [row] = await queries.users(session, [id_], with_hidden=True)
    stored = stored_user(row, caller)
    before = mapping.user_of(stored, caller.base)
    keep_unmentioned(user, before)
    return await change_user(session, caller, stored, before, user)


async def refuse_taken(session: TenantSession, caller: Caller, key: str, own: UUID | None) -> None:
    """User names are compared as RFC 7643 has it; the unique index settles a race."""
    ids = await queries.user_ids(session, Narrowing(user_name=key))
    rows = await queries.users(session, ids)
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
) -> dict[str, Any]:
    """What is written to the directory, its manager under the identifier the directory uses."""
    sent = mapping.changes(mapping.shared_of(before) if before else None, mapping.shared_of(after))
    if sent.get("manager"):
        sent["manager"] = await external_id_of(session, caller, sent["manager"])
    return sent


async def external_id_of(session: TenantSession, caller: Caller, manager: str) -> str:
    """By SCIM id; a sender who names the manager otherwise means the directory's identifier."""
    if not mapping.is_id(manager):
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
        raise Forbidden("A birthday needs a key with the scope people:dates.", code="missing_scope")
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
    await queries.hide_user(session, stored.id)


# --------------------------------------------------------------------------------------------- groups


def stored_group(row: RowMapping) -> StoredTeam:
    return StoredTeam(
        id=row["id"],
        external_id=row["external_id"],
        name=row["name"],
        document=row["attributes"],
        members=row["members"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def load_groups(session: TenantSession, caller: Caller, ids: Sequence[UUID]) -> list[Group]:
    rows = await queries.groups(session, ids)
    found = {row["id"]: mapping.group_of(stored_group(row), caller.base) for row in rows}
    return [found[id_] for id_ in ids if id_ in found]


async def read_group(session: TenantSession, caller: Caller, id_: str) -> Group:
    found = await load_groups(session, caller, [known_id(id_)])
    if not found:
        raise no_resource(id_)
    return found[0]


async def held_group(
    session: TenantSession, caller: Caller, id_: str, conditions: Preconditions
) -> tuple[StoredTeam, Group]:
    """A team whose name and place nobody else changes until this transaction ends."""
    await teams_queries.hold_team_tree(session)
    rows = await queries.groups(session, [known_id(id_)])
    if not rows:
        raise no_resource(id_)
    stored = stored_group(rows[0])
    current = mapping.group_of(stored, caller.base)
    require(conditions, current)
    return stored, current


async def create_group(session: TenantSession, caller: Caller, group: Group) -> Group:
    sent = group.external_id or ""
    own = sent if is_identifier(sent) else str(uuid4())
    await teams_queries.hold_team_tree(session)
    id_ = await queries.team_id(session, own)
    if id_ is None:
        team = validated(teams_schemas.TeamWrite, {"name": group.display_name})
        await teams_service.put_team(session, own, team, Preconditions())
        id_ = await queries.team_id(session, own)
        assert id_ is not None
    elif await queries.groups(session, [id_]):
        raise scim.UniquenessException(detail=f"There is a team {own} already: find that team and change it.")
    [row] = await queries.groups(session, [id_], with_hidden=True)
    stored = stored_group(row)
    return await change_group(session, caller, stored, mapping.group_of(stored, caller.base), group)


async def replace_group(
    session: TenantSession, caller: Caller, id_: str, group: Group, conditions: Preconditions
) -> Group:
    """A sender who does not speak of members leaves them; an empty list empties the team."""
    stored, before = await held_group(session, caller, id_, conditions)
    if "members" not in group.model_fields_set:
        group.members = before.members
    group.replace(before)
    return await change_group(session, caller, stored, before, group)


async def patch_group(
    session: TenantSession, caller: Caller, id_: str, patch: scim.PatchOp[Group], conditions: Preconditions
) -> Group:
    stored, before = await held_group(session, caller, id_, conditions)
    after = before.model_copy(deep=True)
    patch.patch(after, scim_policy=POLICY)
    return await change_group(session, caller, stored, before, after)


async def change_group(
    session: TenantSession, caller: Caller, stored: StoredTeam, before: Group, after: Group
) -> Group:
    own = stored.external_id
    if after.display_name != before.display_name:
        patch = validated(teams_schemas.TeamPatch, {"name": after.display_name})
        await teams_service.update_team(session, own, patch, Preconditions())
    old, new = members_of(before), members_of(after)
    if new - old:
        joining = await external_ids_of(session, caller, new - old)
        await persons_service.join_team(session, joining, own)
    if old - new:
        leaving = await external_ids_of(session, caller, old - new)
        await persons_service.leave_team(session, leaving, own)
    document = mapping.external_id_to_keep(after, own)
    await queries.put_group(session, stored.id, document, is_touched=old != new)
    return await read_group(session, caller, str(stored.id))


def members_of(group: Group) -> set[UUID]:
    values = [member.value or "" for member in group.members or []]
    if unknown := [value for value in values if not mapping.is_id(value)]:
        raise scim.InvalidValueException(
            detail=f"Members are named by the id of a user: {unknown[0]} is not one."
        )
    return {UUID(value) for value in values}


async def external_ids_of(session: TenantSession, caller: Caller, ids: Collection[UUID]) -> list[str]:
    found = await queries.external_ids(session, ids)
    if missing := set(ids) - found.keys():
        raise scim.InvalidValueException(detail=f"There is no user {min(missing)} to be a member.")
    return list(found.values())


async def delete_group(session: TenantSession, caller: Caller, id_: str, conditions: Preconditions) -> None:
    """An empty team goes; one that is in use is hidden from SCIM, and its people stay in it."""
    stored, _ = await held_group(session, caller, id_, conditions)
    if await teams_queries.is_team_in_use(session, stored.id):
        await queries.hide_group(session, stored.id)
    else:
        await teams_service.delete_team(session, stored.external_id, Preconditions())


# ------------------------------------------------------------------------------------------ searching

USERS = Kind(Person, queries.user_ids, load_users)
GROUPS = Kind(Group, queries.group_ids, load_groups)


async def search(
    session: TenantSession, caller: Caller, kinds: Sequence[Kind], request: Search
) -> scim.ListResponse[Person | Group]:
    found = [match for kind in kinds for match in await matching(session, caller, kind, request)]
    if request.sort_by is not None:
        found.sort(
            key=lambda match: (match.sort_value is None, match.sort_value or ""),
            reverse=request.sort_order == scim.SearchRequest.SortOrder.descending,
        )
    first = request.start_index or 1
    count = DEFAULT_RESULTS if request.count is None else min(request.count, MAX_RESULTS)
    page = found[first - 1 : first - 1 + count]
    resources = await loaded(session, caller, kinds, page)
    return scim.ListResponse[Person | Group](
        total_results=len(found),
        start_index=first,
        items_per_page=len(resources),
        resources=resources,  # type: ignore[arg-type]  # of the two kinds that `kinds` may have
    )


async def matching(session: TenantSession, caller: Caller, kind: Kind, request: Search) -> list[Match]:
    tried = scim.ScimFilter[kind.model](str(request.filter)) if request.filter else None  # type: ignore[name-defined]
    ids = await kind.ids(session, Narrowing(**demands(tried)))
    if tried is None and request.sort_by is None:
        return [Match(kind, id_, None) for id_ in ids]
    if len(ids) > MOST_SCANNED:
        raise scim.TooManyException(
            detail="Too many users match: filter on userName, externalId or id with eq."
        )
    matches: list[Match] = []
    for start in range(0, len(ids), CHUNK):
        resources = await kind.load(session, caller, ids[start : start + CHUNK])
        matches += [
            Match(kind, UUID(resource.id), request.sort_value(resource))
            for resource in resources
            if tried is None or tried.match(resource)
        ]
    return matches


async def loaded(
    session: TenantSession, caller: Caller, kinds: Sequence[Kind], page: Sequence[Match]
) -> list[Resource]:
    resources: dict[str, Resource] = {}
    for kind in kinds:
        ids = [match.id for match in page if match.kind is kind]
        for resource in await kind.load(session, caller, ids):
            resources[str(resource.id)] = versioned(resource)
    return [resources[str(match.id)] for match in page if str(match.id) in resources]
