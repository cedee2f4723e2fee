"""What the tables share. Tables only: no behaviour, no relationships."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, DateTime, ForeignKeyConstraint, MetaData, Text, func
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
METADATA: MetaData = SQLModel.metadata


def instant(*, now: bool = False, nullable: bool = False) -> Any:
    """A timestamptz column; with `now`, the database fills in the transaction's start."""
    default: dict[str, Any] = {"sa_column_kwargs": {"server_default": func.now()}} if now else {}
    if nullable:
        return Field(default=None, sa_type=DateTime(timezone=True), nullable=True)
    return Field(sa_type=DateTime(timezone=True), nullable=False, **default)


def search_key(source: str) -> Any:
    """A column that is equal where `source` differs in case only, kept by the database."""
    computed = {"server_default": Computed(f"search_key({source})", persisted=True)}
    return Field(
        default=None, sa_type=Text, nullable=True, exclude=True, repr=False, sa_column_kwargs=computed
    )


def within_organization(
    columns: list[str], table: str, *, ondelete: str = "RESTRICT"
) -> ForeignKeyConstraint:
    """A foreign key that cannot leave the organisation: organization_id goes in front."""
    target = ["organization_id", *(["id"] if len(columns) == 1 else columns)]
    return ForeignKeyConstraint(
        ["organization_id", *columns], [f"{table}.{name}" for name in target], ondelete=ondelete
    )


class OrganizationRow(SQLModel):
    """organization_id leads the primary key of every table of an organisation."""

    organization_id: UUID = Field(primary_key=True, foreign_key="organizations.id", ondelete="CASCADE")


class DependentRow(SQLModel):
    """A row whose own foreign key already keeps it inside its organisation."""

    organization_id: UUID = Field(primary_key=True)


class Timestamps(SQLModel):
    created_at: datetime = instant(now=True)
    updated_at: datetime = instant(now=True)
