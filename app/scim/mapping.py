"""What users and groups have in common, as SCIM names and places them."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import scim2_models as scim

EXTERNAL_ID = "externalId"


class Kept(Protocol):
    """A person or a team, as the tables have it."""

    @property
    def id(self) -> UUID: ...

    @property
    def created_at(self) -> datetime: ...

    @property
    def updated_at(self) -> datetime: ...


def external_id_to_keep(user: scim.Resource[Any], own: str | None) -> dict[str, Any]:
    """Absent while it is the person's own, so that it follows that; null where a client removed it."""
    return {} if user.external_id == own else {EXTERNAL_ID: user.external_id}


def identify(resource: scim.Resource[Any], kind: str, stored: Kept, base: str) -> None:
    resource.id = str(stored.id)
    resource.meta = scim.Meta(
        resource_type=kind,
        created=stored.created_at,
        last_modified=stored.updated_at,
        location=location_of(kind, str(stored.id), base),
    )


def location_of(kind: str, id_: str, base: str) -> str:
    return f"{base}/{kind}s/{id_}"


def is_id(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
