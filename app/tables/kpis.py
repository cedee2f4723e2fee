from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, Timestamps, within_organization


class Kpi(OrganizationRow, Timestamps, table=True):
    """A number the organisation keeps of its results."""

    __tablename__ = "kpis"

    key: str = Field(primary_key=True)
    title: dict[str, str] = Field(sa_type=JSONB)
    unit: str | None = None
    better: str


class KpiValue(DependentRow, Timestamps, table=True):
    """What a team, or the organisation (`team_id` null), reached in a period."""

    __tablename__ = "kpi_values"
    __table_args__ = (
        UniqueConstraint("organization_id", "kpi", "period", "team_id", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(
            ["organization_id", "kpi"], ["kpis.organization_id", "kpis.key"], ondelete="CASCADE"
        ),
        within_organization(["team_id"], "teams", ondelete="CASCADE"),
        Index(None, "organization_id", "team_id"),
    )

    id: UUID = Field(primary_key=True)
    kpi: str
    team_id: UUID | None = None
    period: str
    value: float
