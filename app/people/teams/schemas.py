from app.core.batches import BatchItems
from app.core.schema import (
    ABSENT,
    Identifier,
    Input,
    Instant,
    Name,
    ReadOnly,
    Schema,
)
from app.people.schemas import DeletedRecord


class Team(Schema):
    external_id: str
    name: str
    parent: str | None
    lead: str | None
    unresolved: list[str]
    created_at: Instant
    updated_at: Instant


class TeamInput(Input):
    """What is written in a whole team and in a merge patch alike: absent is null, or what is there."""

    external_id: ReadOnly = None
    parent: Identifier | None = None
    lead: Identifier | None = None
    unresolved: ReadOnly = None
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class TeamWrite(TeamInput):
    name: Name


class TeamItem(TeamWrite):
    external_id: Identifier


class TeamPatch(TeamInput):
    name: Name = ABSENT


class TeamBatch(Input):
    items: BatchItems[TeamItem]


class TeamPage(Schema):
    items: list[Team | DeletedRecord]
    next_cursor: str | None
    as_of: Instant
