from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

import scim2_models as scim

from app.core.conditional import Preconditions
from app.core.database import RowMapping, TenantSession
from app.core.errors import validated
from app.core.schema import is_identifier
from app.people.persons import service as persons_service
from app.people.teams import queries as teams_queries
from app.people.teams import schemas as teams_schemas
from app.people.teams import service as teams_service
from app.scim.groups import mapping, queries
from app.scim.groups.mapping import StoredTeam
from app.scim.mapping import external_id_to_keep, is_id
from app.scim.schemas import (
    POLICY,
    Group,
)
from app.scim.service import Caller, Kind, known_id, no_resource, require
from app.scim.users import queries as users_queries


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
    document = external_id_to_keep(after, own)
    await queries.put_group(session, stored.id, document, is_touched=old != new)
    return await read_group(session, caller, str(stored.id))


def members_of(group: Group) -> set[UUID]:
    values = [member.value or "" for member in group.members or []]
    if unknown := [value for value in values if not is_id(value)]:
        raise scim.InvalidValueException(
            detail=f"Members are named by the id of a user: {unknown[0]} is not one."
        )
    return {UUID(value) for value in values}


async def external_ids_of(session: TenantSession, caller: Caller, ids: Collection[UUID]) -> list[str]:
    found = await users_queries.external_ids(session, ids)
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


GROUPS = Kind(Group, queries.count_groups, queries.group_ids, queries.found_group_ids, load_groups)
