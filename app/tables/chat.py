from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from app.tables.base import OrganizationRow, Timestamps, instant


class ChatConnection(OrganizationRow, table=True):
    """A command of a chat product that may record events; the secret its requests are signed with."""

    __tablename__ = "chat_connections"

    id: UUID = Field(primary_key=True)
    product: str
    name: str
    sealed_secret: bytes
    created_at: datetime = instant(now=True)


class ChatIdentity(OrganizationRow, Timestamps, table=True):
    """Whose e-mail address a user of a chat product has."""

    __tablename__ = "chat_identities"

    product: str = Field(primary_key=True)
    chat_id: str = Field(primary_key=True)
    email: str
    is_vouched: bool = Field(sa_column_kwargs={"server_default": "false"})
    """Written by who may record events of anybody: they make no more of it (R14)."""
