"""KPIs and their values."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_2200"
down_revision = "2026_11_23_2130"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
TENANT_TABLES = ["kpis", "kpi_values"]


def upgrade() -> None:
    op.create_table(
        "kpis",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("better", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_kpis_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "key", name=op.f("pk_kpis")),
    )
    op.create_table(
        "kpi_values",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kpi", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "kpi"],
            ["kpis.organization_id", "kpis.key"],
            name=op.f("fk_kpi_values_organization_id_kpi"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["teams.organization_id", "teams.id"],
            name=op.f("fk_kpi_values_organization_id_team_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_kpi_values")),
        sa.UniqueConstraint(
            "organization_id",
            "kpi",
            "period",
            "team_id",
            name=op.f("uq_kpi_values_organization_id_kpi_period_team_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        op.f("ix_kpi_values_organization_id_team_id"),
        "kpi_values",
        ["organization_id", "team_id"],
        unique=False,
    )
    for table in TENANT_TABLES:
        protect(table)


def protect(table: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
    role = '"' + context.config.attributes["role"] + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")


def downgrade() -> None:
    op.drop_index(op.f("ix_kpi_values_organization_id_team_id"), table_name="kpi_values")
    op.drop_table("kpi_values")
    op.drop_table("kpis")
