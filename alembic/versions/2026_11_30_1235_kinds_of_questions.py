"""Which question a comment answers; of what kind a question is, beside the value of its answer.

A choice is kept as the place of the option in the question's `options`, counted from 0; choices as the sum of
2 to the power of each place.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_30_1235"
down_revision = "2026_11_30_1230"
branch_labels = None
depends_on = None

ANSWER_VALUES = """
CREATE OR REPLACE VIEW answer_values WITH (security_invoker = true) AS
SELECT r.organization_id, r.survey_id, r.respondent_key, c.group_ordinal, c.segments,
       q.question ->> 'key' AS question,
       CASE WHEN a.value >= 0 THEN a.value END AS value,
       a.value = -1 AS is_dont_know{more}
FROM responses r
JOIN survey_cells c ON c.organization_id = r.organization_id
    AND c.survey_id = r.survey_id AND c.ordinal = r.cell_ordinal
JOIN surveys s ON s.organization_id = r.organization_id AND s.id = r.survey_id
JOIN questionnaires v ON v.organization_id = s.organization_id
    AND v.key = s.questionnaire AND v.version = s.questionnaire_version
CROSS JOIN LATERAL unnest(r.answers) WITH ORDINALITY AS a (value, position)
JOIN LATERAL jsonb_array_elements(v.content -> 'questions') WITH ORDINALITY AS q (question, position)
    ON q.position = a.position
"""
KIND = ",\n       coalesce(q.question ->> 'kind', 'scale') AS kind"


def acting_role() -> str:
    return '"' + context.config.attributes["role"] + '"'


def upgrade() -> None:
    op.add_column("comments", sa.Column("question", sa.Text(), nullable=True))
    op.execute(ANSWER_VALUES.format(more=KIND))


def downgrade() -> None:
    op.execute("DROP VIEW answer_values")
    op.execute(ANSWER_VALUES.format(more=""))
    op.execute(f"GRANT SELECT ON answer_values TO {acting_role()}")
    op.drop_column("comments", "question")
