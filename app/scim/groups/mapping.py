from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from app.scim.mapping import EXTERNAL_ID, address_of, identify
from app.scim.schemas import (
    Group,
    GroupMember,
)


class StoredTeam(NamedTuple):
    id: UUID
    external_id: str
    name: str
    document: Mapping[str, Any]
    members: Sequence[UUID]
    created_at: datetime
    updated_at: datetime


def group_of(stored: StoredTeam, base: str) -> Group:
    group = Group.model_validate({EXTERNAL_ID: stored.external_id, **stored.document})
    group.display_name = stored.name
    group.members = [member(person_id, base) for person_id in stored.members] or None
    identify(group, "Group", stored, base)
    return group


def member(person_id: UUID, base: str) -> GroupMember:
    address = address_of("User", str(person_id), base)
    return GroupMember.model_construct(value=str(person_id), ref=cast(Any, address), type="User")
