from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import DependentRow, instant, within_organization


class Recognition(DependentRow, table=True):
    __tablename__ = "recognitions"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_id"),
        within_organization(["giver_id"], "people"),
        Index(None, "organization_id", "giver_id"),
        Index(None, "organization_id", "occurred_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    external_id: str | None = None
    giver_id: UUID
    message: str
    value: str | None = None
    visibility: str
    occurred_at: datetime = instant()
    created_at: datetime = instant(now=True)


class RecognitionReceiver(DependentRow, table=True):
    __tablename__ = "recognition_receivers"
    __table_args__ = (
        within_organization(["recognition_id"], "recognitions", ondelete="CASCADE"),
        within_organization(["person_id"], "people"),
        Index(None, "organization_id", "person_id"),
    )

    recognition_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    position: int
