"""What a release keeps to answer filters, and what it spends on noise."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_0000"
down_revision = "2026_11_23_2330"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
OF_ORGANIZATION = f"organization_id = {CURRENT}"


def upgrade() -> None:
    op.create_table(
        "release_cells",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("places", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("numbers", postgresql.ARRAY(sa.Float()), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id", "number"],
            ["releases.organization_id", "releases.survey_id", "releases.number"],
            name=op.f("fk_release_cells_organization_id_survey_id_number"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "survey_id", "number", "cell", name=op.f("pk_release_cells")
        ),
    )
    op.execute("ALTER TABLE release_cells ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE release_cells FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON release_cells USING ({OF_ORGANIZATION}) WITH CHECK ({OF_ORGANIZATION})"
    )
    role = '"' + context.config.attributes["role"] + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON release_cells TO {role}")

    op.add_column("releases", sa.Column("epsilon_spent", sa.Float(), nullable=False, server_default="0"))
    op.add_column("organizations", sa.Column("benchmark_epsilon", sa.Float(), nullable=True))
    op.add_column(
        "organizations", sa.Column("benchmark_budget", sa.Float(), nullable=False, server_default="10")
    )


def downgrade() -> None:
    op.drop_column("organizations", "benchmark_budget")
    op.drop_column("organizations", "benchmark_epsilon")
    op.drop_column("releases", "epsilon_spent")
    op.drop_table("release_cells")
