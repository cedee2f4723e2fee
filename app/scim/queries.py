from typing import NamedTuple
from uuid import UUID


class Narrowing(NamedTuple):
    """What a filter demands, as far as an index can help; a superset of what it lets through."""

    id: UUID | None = None
    user_name: str | None = None
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
