from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, instant, within_organization


class Import(OrganizationRow, table=True):
    """A file that was sent, and how far it has been read."""

    __tablename__ = "imports"
    __table_args__ = (Index(None, "organization_id", "created_at", "id"),)

    id: UUID = Field(primary_key=True)
    kind: str
    format: str
    dry_run: bool
    missing: str
    survey_id: UUID | None = None
    mapping: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    reading: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """The charset that was said; once it is looked at, what the file is and what of it is not read."""
    status: str
    size: int = Field(default=0, sa_type=BigInteger)
    """Bytes of the file after decompression."""
    position: int = Field(default=0, sa_type=BigInteger)
    """Where the next row begins, and the line it begins on."""
    line: int = 1
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    not_in_file: int | None = None
    ended: int = 0
    reported: int = 0
    """Lines of the report so far."""
    problem: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    created_at: datetime = instant(now=True)
    started_at: datetime | None = instant(nullable=True)
    finished_at: datetime | None = instant(nullable=True)


class ImportChunk(DependentRow, table=True):
    """A part of the file, compressed; all but the last are of one size. Gone once the file is read."""

    __tablename__ = "import_chunks"
    __table_args__ = (within_organization(["import_id"], "imports", ondelete="CASCADE"),)

    import_id: UUID = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    data: bytes


class ImportReportLine(DependentRow, table=True):
    """What was wrong with a row. It never repeats what the row held, its identifier aside."""

    __tablename__ = "import_report_lines"
    __table_args__ = (within_organization(["import_id"], "imports", ondelete="CASCADE"),)

    import_id: UUID = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    line: int | None = None
    external_id: str | None = None
    pointer: str | None = None
    column_name: str | None = None
    code: str
    detail: str
