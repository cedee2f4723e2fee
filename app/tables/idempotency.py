from datetime import datetime

from sqlmodel import Field

from app.tables.base import OrganizationRow, instant


class IdempotencyRecord(OrganizationRow, table=True):
    __tablename__ = "idempotency_records"

    operation: str = Field(primary_key=True)
    key_mac: bytes = Field(primary_key=True)
    body_mac: bytes
    status: int
    headers: str
    answer: bytes | None = None
    created_at: datetime = instant(now=True)
