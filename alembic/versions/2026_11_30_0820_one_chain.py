"""Which wave a release is compared with: no other may be, for the two differ by single persons."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_0820"
down_revision = "2026_11_30_0815"
branch_labels = None
depends_on = None

FOLLOW = """
UPDATE releases r SET follows = f.before FROM (
    SELECT DISTINCT ON (s.organization_id, b.id) s.organization_id, s.id, b.id AS before
    FROM surveys s
    CROSS JOIN LATERAL (
        SELECT p.id FROM surveys p
        WHERE p.organization_id = s.organization_id AND p.status = 'released'
          AND p.series IS NOT DISTINCT FROM s.series
          AND (p.closed_at, p.id) < (s.closed_at, s.id) AND p.released_at < s.released_at
        ORDER BY p.closed_at DESC, p.id DESC LIMIT 1
    ) b
    WHERE s.status = 'released'
    ORDER BY s.organization_id, b.id, s.released_at, s.id
) f
WHERE r.organization_id = f.organization_id AND r.survey_id = f.id AND r.is_final
"""
"""Where two were compared with one already, the first of them has it."""


def upgrade() -> None:
    op.add_column("releases", sa.Column("follows", sa.Uuid(), nullable=True))
    op.execute(FOLLOW)
    op.create_foreign_key(
        "fk_releases_organization_id_follows",
        "releases",
        "surveys",
        ["organization_id", "follows"],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )
    op.create_unique_constraint(
        "uq_releases_organization_id_follows", "releases", ["organization_id", "follows"]
    )


def downgrade() -> None:
    op.drop_constraint("uq_releases_organization_id_follows", "releases")
    op.drop_constraint("fk_releases_organization_id_follows", "releases")
    op.drop_column("releases", "follows")
