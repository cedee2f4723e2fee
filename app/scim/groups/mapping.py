from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from app.scim.mapping import EXTERNAL_ID, identify, location_of
from app.scim.schemas import (
    Group,
    GroupMember,
)


class StoredMember(NamedTuple):
    id: UUID
    name: str


class StoredGroup(NamedTuple):
    id: UUID
    team_id: UUID | None
    external_id: str | None
    """Of the team."""
    name: str
    document: Mapping[str, Any]
    members: Sequence[StoredMember]
    created_at: datetime
    updated_at: datetime


def group_of(stored: StoredGroup, base: str) -> Group:
    group = Group.model_validate({EXTERNAL_ID: stored.external_id, **stored.document})
    group.display_name = stored.name
    group.members = [member(person, base) for person in stored.members] or None
    identify(group, "Group", stored, base)
    return group


def member(person: StoredMember, base: str) -> GroupMember:
    address = location_of("User", str(person.id), base)
    return GroupMember.model_construct(
        value=str(person.id), ref=cast(Any, address), type="User", display=person.name
    )
