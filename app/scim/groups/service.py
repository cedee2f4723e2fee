import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

import scim2_models as scim

from app.core.conditional import Preconditions
from app.core.database import RowMapping, TenantSession, note_changes
from app.core.errors import validated
from app.core.memory import ARRIVALS
from app.core.schema import is_identifier
from app.organizations import queries as organizations_queries
from app.people.persons import service as persons_service
from app.people.teams import queries as teams_queries
from app.people.teams import schemas as teams_schemas
from app.people.teams import service as teams_service
from app.scim.filters import Equal
from app.scim.groups import mapping, queries, rules
from app.scim.groups.mapping import StoredGroup, StoredMember
from app.scim.mapping import external_id_to_keep, is_id
from app.scim.schemas import (
    POLICY,
    Group,
)
from app.scim.service import Caller, Kind, known_id, no_resource, require
from app.scim.users import queries as users_queries


def stored_group(row: RowMapping, members: Sequence[StoredMember]) -> StoredGroup:
    return StoredGroup(
        id=row["id"],
        team_id=row["team_id"],
        external_id=row["external_id"],
        name=row["name"],
        document=row["attributes"],
        members=members,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def stored_groups(
    session: TenantSession, ids: Sequence[UUID], *, with_hidden: bool = False, with_members: bool = True
) -> list[StoredGroup]:
    rows = await queries.groups(session, ids, with_hidden=with_hidden)
    members = defaultdict[UUID, list[StoredMember]](list)
    for row in await queries.members(session, ids) if with_members else ():
        members[row["group_id"]].append(StoredMember(row["id"], row["name"]))
    return [stored_group(row, members[row["id"]]) for row in rows]


async def load_groups(
    session: TenantSession, caller: Caller, ids: Sequence[UUID], is_whole: bool = True
) -> list[Group]:
    stored = await stored_groups(session, ids, with_members=is_whole)
    return await asyncio.to_thread(written, stored, caller, ids)


def written(stored: Sequence[StoredGroup], caller: Caller, ids: Sequence[UUID]) -> list[Group]:
    found = {one.id: mapping.group_of(one, caller.base) for one in stored}
    return [found[id_] for id_ in ids if id_ in found]


async def read_group(session: TenantSession, caller: Caller, id_: str, is_whole: bool = True) -> Group:
    found = await load_groups(session, caller, [known_id(id_)], is_whole)
    if not found:
        raise no_resource(id_)
    return found[0]


async def held_group(
    session: TenantSession, caller: Caller, id_: str, conditions: Preconditions
) -> tuple[StoredGroup, Group]:
    """A group whose name and place nobody else changes until this transaction ends."""
    await teams_queries.hold_team_tree(session)
    found = await stored_groups(session, [known_id(id_)])
    if not found:
        raise no_resource(id_)
    [stored] = found
    current = mapping.group_of(stored, caller.base)
    require(conditions, current)
    return stored, current


async def create_group(session: TenantSession, caller: Caller, group: Group) -> Group:
    """Or what a client had deleted comes back to where it was."""
    note_changes(session, [ARRIVALS])
    await teams_queries.hold_team_tree(session)
    settings = await organizations_queries.organization(session)
    is_team = rules.is_team(settings.scim_team_groups, group.display_name or "", group.external_id)
    id_ = await new_team(session, group) if is_team else await new_other(session, group)
    [stored] = await stored_groups(session, [id_], with_hidden=True)
    before = mapping.group_of(stored, caller.base)
    return await change_group(session, caller, stored, before, with_members(group, before))


async def new_team(session: TenantSession, group: Group) -> UUID:
    sent = group.external_id or ""
    own = sent if is_identifier(sent) else str(uuid4())
    id_ = await queries.team_id(session, own)
    if id_ is None:
        team = validated(teams_schemas.TeamWrite, {"name": group.display_name})
        await teams_service.put_team(session, own, team, Preconditions())
        id_ = await queries.team_id(session, own)
        assert id_ is not None
    elif await queries.groups(session, [id_]):
        raise scim.UniquenessException(detail=f"There is a team {own} already: find that team and change it.")
    return id_


async def new_other(session: TenantSession, group: Group) -> UUID:
    sent = group.external_id
    if sent is not None and await queries.found_other_ids(session, Equal("external_id", sent), 1):
        raise scim.UniquenessException(detail="Another group has this externalId: find it and change it.")
    id_ = uuid4()
    await queries.put_group(session, id_, external_id_to_keep(group, None), other=group_name(group))
    return id_


def with_members(group: Group, before: Group) -> Group:
    """A sender who does not speak of members leaves them; an empty list empties the team."""
    if "members" not in group.model_fields_set:
        group.members = before.members
    return group


def group_name(group: Group) -> str:
    """Names of groups are as long as those of teams."""
    return validated(teams_schemas.TeamWrite, {"name": group.display_name}).name


async def replace_group(
    session: TenantSession, caller: Caller, id_: str, group: Group, conditions: Preconditions
) -> Group:
    stored, before = await held_group(session, caller, id_, conditions)
    with_members(group, before).replace(before)
    return await change_group(session, caller, stored, before, group)


async def patch_group(
    session: TenantSession, caller: Caller, id_: str, patch: scim.PatchOp[Group], conditions: Preconditions
) -> Group:
    stored, before = await held_group(session, caller, id_, conditions)
    after = before.model_copy(deep=True)
    patch.patch(after, scim_policy=POLICY)
    return await change_group(session, caller, stored, before, after)


async def change_group(
    session: TenantSession, caller: Caller, stored: StoredGroup, before: Group, after: Group
) -> Group:
    old, new = members_of(before), members_of(after)
    joining = await known_people(session, new - old)
    await rename(session, stored, before, after)
    document = external_id_to_keep(after, stored.external_id)
    other = None if stored.team_id else group_name(after)
    await queries.put_group(session, stored.id, document, is_touched=old != new, other=other)
    if joining:
        if stored.team_id:
            await queries.keep_teams(session, joining)
        await queries.add_members(session, stored.id, joining)
        await settle_teams(session, stored, joining)
    if old - new:
        await queries.remove_members(session, stored.id, old - new)
        await settle_teams(session, stored, old - new, has_left=True)
    return await read_group(session, caller, str(stored.id))


async def rename(session: TenantSession, stored: StoredGroup, before: Group, after: Group) -> None:
    if stored.external_id is not None and after.display_name != before.display_name:
        patch = validated(teams_schemas.TeamPatch, {"name": after.display_name})
        await teams_service.update_team(session, stored.external_id, patch, Preconditions())


async def settle_teams(
    session: TenantSession,
    stored: StoredGroup,
    people: Collection[UUID],
    *,
    has_left: bool = False,
    may_lose_team: bool = True,
) -> None:
    """Puts people into the team that their groups make; of leavers those who were in this one."""
    if stored.external_id is None:
        return
    moves = defaultdict[str | None, list[str]](list)
    for row in await queries.teams_by_membership(session, people):
        if row["team"] != row["best"] and (not has_left or row["team"] == stored.external_id):
            moves[row["best"]].append(row["person"])
    for team, movers in moves.items():
        if team is not None:
            await persons_service.join_team(session, movers, team)
        elif may_lose_team:
            await persons_service.leave_team(session, movers, stored.external_id)


def members_of(group: Group) -> set[UUID]:
    values = [member.value or "" for member in group.members or []]
    if unknown := [value for value in values if not is_id(value)]:
        raise scim.InvalidValueException(
            detail=f"Members are named by the id of a user: {unknown[0]} is not one."
        )
    return {UUID(value) for value in values}


async def known_people(session: TenantSession, ids: Collection[UUID]) -> Collection[UUID]:
    found = await users_queries.external_ids(session, ids) if ids else {}
    if missing := set(ids) - found.keys():
        raise scim.InvalidValueException(detail=f"There is no user {min(missing)} to be a member.")
    return list(found)


async def delete_group(session: TenantSession, caller: Caller, id_: str, conditions: Preconditions) -> None:
    """An empty team goes; one that is in use is hidden from SCIM, and who has no other stays in it."""
    stored, group = await held_group(session, caller, id_, conditions)
    if stored.external_id is None:
        return await queries.delete_other(session, stored.id)
    people = members_of(group)
    await queries.remove_members(session, stored.id, people)
    await settle_teams(session, stored, people, has_left=True, may_lose_team=False)
    if await teams_queries.is_team_in_use(session, stored.id):
        note_changes(session, [ARRIVALS])
        await queries.hide_group(session, stored.id)
    else:
        await teams_service.delete_team(session, stored.external_id, Preconditions())
    return None


GROUPS = Kind(Group, queries.ARRIVALS, queries.found_group_ids, load_groups)
OTHERS = Kind(Group, queries.OTHER_ARRIVALS, queries.found_other_ids, load_groups)
"""Groups that are no teams."""
