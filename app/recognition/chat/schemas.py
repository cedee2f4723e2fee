from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import Email, Input, Instant, Name, ReadOnly, Schema

Product = Literal["slack", "teams"]


class ChatConnectionWrite(Input):
    id: ReadOnly = None
    product: Product
    name: Name
    secret: Annotated[str, Field(min_length=8, max_length=500)]
    path: ReadOnly = None
    created_at: ReadOnly = None


class ChatConnection(Schema):
    id: UUID
    product: Product
    name: str
    path: str
    created_at: Instant


class ChatConnectionPage(Schema):
    items: list[ChatConnection]
    next_cursor: str | None
    as_of: Instant


class ChatIdentityWrite(Input):
    product: ReadOnly = None
    chat_id: ReadOnly = None
    email: Email
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class ChatIdentity(Schema):
    product: Product
    chat_id: str
    email: str
    created_at: Instant
    updated_at: Instant


class ChatIdentityPage(Schema):
    items: list[ChatIdentity]
    next_cursor: str | None
    as_of: Instant


class SlackAnswer(Schema):
    response_type: Literal["in_channel", "ephemeral"]
    text: str


class TeamsUser(Schema):
    id: str
    aad_object_id: Annotated[str | None, Field(alias="aadObjectId")] = None


class TeamsMention(Schema):
    """An entity of a message; those that are no mentions lack the members of one."""

    mentioned: TeamsUser | None = None
    text: str | None = None


class TeamsMessage(Schema):
    """As much of an activity as is read; the product sends more."""

    id: str
    text: str = ""
    sender: Annotated[TeamsUser, Field(alias="from")]
    entities: list[TeamsMention] = []


class TeamsAnswer(Schema):
    type: Literal["message"]
    text: str
