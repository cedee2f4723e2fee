"""Cells of team and segments in the place of groups, reporting by segment, comments, rolling releases."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_2100"
down_revision = "2026_11_23_2000"
branch_labels = None
depends_on = None

TENANT = "organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
NEW_TABLES = ["survey_cells", "comments"]
CHANGED_TABLES = [
    "surveys",
    "survey_cells",
    "survey_groups",
    "survey_members",
    "responses",
    "release_results",
]
SAME_CELL = (
    "c.organization_id = t.organization_id AND c.survey_id = t.survey_id AND c.ordinal = t.cell_ordinal"
)

ANSWER_VALUES = """
CREATE VIEW answer_values WITH (security_invoker = true) AS
SELECT r.organization_id, r.survey_id, r.respondent_key, {place},
       q.question ->> 'key' AS question,
       CASE WHEN a.value >= 0 THEN a.value END AS value,
       a.value = -1 AS is_dont_know
FROM responses r {join_of_place}
JOIN surveys s ON s.organization_id = r.organization_id AND s.id = r.survey_id
JOIN questionnaires v ON v.organization_id = s.organization_id
    AND v.key = s.questionnaire AND v.version = s.questionnaire_version
CROSS JOIN LATERAL unnest(r.answers) WITH ORDINALITY AS a (value, position)
JOIN LATERAL jsonb_array_elements(v.content -> 'questions') WITH ORDINALITY AS q (question, position)
    ON q.position = a.position
"""
BY_GROUP = ANSWER_VALUES.format(place="r.group_ordinal", join_of_place="")
BY_CELL = ANSWER_VALUES.format(
    place="c.group_ordinal, c.segments",
    join_of_place=(
        "JOIN survey_cells c ON c.organization_id = r.organization_id"
        " AND c.survey_id = r.survey_id AND c.ordinal = r.cell_ordinal"
    ),
)


def acting_role() -> str:
    return '"' + context.config.attributes["role"] + '"'


@contextmanager
def seen_by_their_owner(*tables: str) -> Iterator[None]:
    """A login that is no superuser is bound as everybody is, and would find no row to change."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {acting_role()}")


def replace_view(definition: str) -> None:
    op.execute(definition)
    op.execute(f"GRANT SELECT ON answer_values TO {acting_role()}")


def upgrade() -> None:
    op.execute("DROP VIEW answer_values")
    create_tables()
    with seen_by_their_owner("survey_groups"):
        op.execute(
            "INSERT INTO survey_cells (organization_id, survey_id, ordinal, group_ordinal, segments, invited)"
            " SELECT organization_id, survey_id, ordinal, ordinal, '{}', invited FROM survey_groups"
        )
    for table in NEW_TABLES:
        protect(table)
    op.drop_column("survey_groups", "invited")
    op.add_column("survey_groups", sa.Column("segment", sa.Text(), nullable=True))
    for table in ("survey_members", "responses"):
        op.alter_column(table, "group_ordinal", new_column_name="cell_ordinal")
    op.add_column("responses", sa.Column("included_in", sa.SmallInteger(), nullable=True))
    add_filled("surveys", sa.Column("report_by", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    add_filled("surveys", sa.Column("release_policy", sa.Text(), nullable=False, server_default="on_close"))
    replace_view(BY_CELL)


def add_filled(table: str, column: sa.Column[object]) -> None:
    """The default is for the rows there are; later ones say what they are."""
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def create_tables() -> None:
    op.create_table(
        "survey_cells",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("group_ordinal", sa.Integer(), nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("invited", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_survey_cells_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "ordinal", name=op.f("pk_survey_cells")),
    )
    op.create_index(
        op.f("ix_survey_cells_organization_id_survey_id_group_ordinal"),
        "survey_cells",
        ["organization_id", "survey_id", "group_ordinal"],
        unique=False,
    )
    op.create_table(
        "comments",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_ordinal", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_comments_organization_id_survey_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "id", name=op.f("pk_comments")),
    )


def downgrade() -> None:
    """Loses the segments and the comments; every response stays with its team."""
    op.execute("DROP VIEW answer_values")
    op.add_column("survey_groups", sa.Column("invited", sa.Integer(), nullable=True))
    with seen_by_their_owner(*CHANGED_TABLES):
        count_invited_by_group()
        for table in ("survey_members", "responses"):
            op.execute(
                f"UPDATE {table} t SET cell_ordinal = c.group_ordinal FROM survey_cells c WHERE {SAME_CELL}"
            )
        op.execute(
            "DELETE FROM release_results r USING survey_groups g WHERE g.kind = 'segment'"
            " AND g.organization_id = r.organization_id AND g.survey_id = r.survey_id"
            " AND g.ordinal = r.group_ordinal"
        )
        op.execute("DELETE FROM survey_groups WHERE kind = 'segment'")
    op.drop_column("surveys", "release_policy")
    op.drop_column("surveys", "report_by")
    op.drop_column("responses", "included_in")
    for table in ("survey_members", "responses"):
        op.alter_column(table, "cell_ordinal", new_column_name="group_ordinal")
    op.drop_column("survey_groups", "segment")
    for table in NEW_TABLES:
        op.drop_table(table)
    replace_view(BY_GROUP)


def count_invited_by_group() -> None:
    op.execute(
        "UPDATE survey_groups g SET invited = (SELECT coalesce(sum(c.invited), 0) FROM survey_cells c"
        "  WHERE c.organization_id = g.organization_id AND c.survey_id = g.survey_id"
        "   AND c.group_ordinal = g.ordinal)"
        " FROM surveys s WHERE s.organization_id = g.organization_id AND s.id = g.survey_id"
        "  AND s.access = 'invited' AND g.kind <> 'segment'"
    )
