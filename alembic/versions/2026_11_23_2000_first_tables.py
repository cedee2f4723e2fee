"""The first tables, row-level security, the acting role's rights and the job queue."""

import re

import sqlalchemy as sa
from alembic import context, op
from pgqueuer.adapters.persistence.qb import DBSettings
from pgqueuer.adapters.persistence.schema_ddl import render_install, render_uninstall
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_2000"
down_revision = None
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
TENANT_TABLES = [
    "api_keys",
    "employments",
    "idempotency_records",
    "occasions",
    "people",
    "questionnaires",
    "recognition_receivers",
    "recognitions",
    "release_results",
    "releases",
    "responses",
    "survey_groups",
    "survey_members",
    "surveys",
    "teams",
    "tombstones",
]
QUEUE_TABLES = ["pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics"]

OLDEST_TRANSACTION = """
CREATE FUNCTION oldest_transaction_started_at() RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT CASE
        WHEN bool_or(query = '<insufficient privilege>') THEN now() - interval '15 minutes'
        ELSE least(min(xact_start), now())
    END
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
$$
"""
ANSWER_VALUES = """
CREATE VIEW answer_values WITH (security_invoker = true) AS
SELECT r.organization_id, r.survey_id, r.respondent_key, r.group_ordinal,
       q.question ->> 'key' AS question,
       CASE WHEN a.value >= 0 THEN a.value END AS value,
       a.value = -1 AS is_dont_know
FROM responses r
JOIN surveys s ON s.organization_id = r.organization_id AND s.id = r.survey_id
JOIN questionnaires v ON v.organization_id = s.organization_id
    AND v.key = s.questionnaire AND v.version = s.questionnaire_version
CROSS JOIN LATERAL unnest(r.answers) WITH ORDINALITY AS a (value, position)
JOIN LATERAL jsonb_array_elements(v.content -> 'questions') WITH ORDINALITY AS q (question, position)
    ON q.position = a.position
"""


def acting_role() -> str:
    return '"' + context.config.attributes["role"] + '"'


def statements_of(script: str) -> list[str]:
    """The statements of a script: ended by a semicolon at a line's end, outside dollar quotes."""
    parts = re.split(r"(\$\$.*?\$\$)", script, flags=re.DOTALL)
    marked = "".join(part if part.startswith("$$") else re.sub(r";\s*(\n|$)", "\0", part) for part in parts)
    return [statement for statement in marked.split("\0") if statement.strip()]


def protect(table: str, rule: str, *, force: bool) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    if force:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")


def allow() -> None:
    role = acting_role()
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TENANT_TABLES)} TO {role}")
    op.execute(f"GRANT SELECT, UPDATE ON organizations TO {role}")
    op.execute(f"GRANT INSERT ON credentials TO {role}")
    op.execute(f"GRANT SELECT ON answer_values TO {role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(QUEUE_TABLES)} TO {role}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    op.execute("REVOKE EXECUTE ON FUNCTION oldest_transaction_started_at() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION oldest_transaction_started_at() TO {role}")


def upgrade() -> None:
    access()
    teams_and_people()
    surveys_and_releases()
    recognition()
    for table in TENANT_TABLES:
        protect(table, f"organization_id = {CURRENT}", force=True)
    protect("credentials", f"organization_id = {CURRENT}", force=False)
    protect("organizations", f"id = {CURRENT}", force=False)
    op.execute(OLDEST_TRANSACTION)
    op.execute(ANSWER_VALUES)
    for statement in statements_of(render_install(DBSettings())):
        op.execute(statement)
    allow()


def access() -> None:
    create_organizations()
    create_api_keys()
    create_credentials()
    create_idempotency_records()


def create_organizations() -> None:
    op.create_table(
        "organizations",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("minimum_group_size", sa.Integer(), nullable=False),
        sa.Column("minimum_comment_group_size", sa.Integer(), nullable=False),
        sa.Column("leap_day_rule", sa.Text(), nullable=False),
        sa.Column("working_days", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("card_sender", sa.Text(), nullable=True),
        sa.Column("answers_months", sa.Integer(), nullable=True),
        sa.Column("leavers_months", sa.Integer(), nullable=True),
        sa.Column("default_series", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )


def create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_api_keys_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_api_keys")),
    )


def create_credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_credentials_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_credentials")),
    )
    op.create_index(op.f("ix_credentials_organization_id"), "credentials", ["organization_id"], unique=False)


def create_idempotency_records() -> None:
    op.create_table(
        "idempotency_records",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key_mac", sa.LargeBinary(), nullable=False),
        sa.Column("body_mac", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_idempotency_records_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "operation", "key_mac", name=op.f("pk_idempotency_records")
        ),
    )


def teams_and_people() -> None:
    create_teams()
    create_people()
    create_employments()
    create_tombstones()
    create_occasions()


def create_teams() -> None:
    op.create_table(
        "teams",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("lead", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "parent_id"],
            ["teams.organization_id", "teams.id"],
            name=op.f("fk_teams_organization_id_parent_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_teams_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_teams")),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_teams_organization_id_external_id")
        ),
    )
    op.create_index(
        op.f("ix_teams_organization_id_parent_id"), "teams", ["organization_id", "parent_id"], unique=False
    )
    op.create_index(
        op.f("ix_teams_organization_id_updated_at_id"),
        "teams",
        ["organization_id", "updated_at", "id"],
        unique=False,
    )


def create_people() -> None:
    op.create_table(
        "people",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("manager", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["teams.organization_id", "teams.id"],
            name=op.f("fk_people_organization_id_team_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_people_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_people")),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_people_organization_id_external_id")
        ),
    )
    op.create_index(
        op.f("ix_people_organization_id_team_id"), "people", ["organization_id", "team_id"], unique=False
    )
    op.create_index(
        op.f("ix_people_organization_id_updated_at_id"),
        "people",
        ["organization_id", "updated_at", "id"],
        unique=False,
    )


def create_employments() -> None:
    op.create_table(
        "employments",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_employments_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "person_id", "starts_on", name=op.f("pk_employments")),
    )


def create_tombstones() -> None:
    op.create_table(
        "tombstones",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_tombstones_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "kind", "external_id", name=op.f("pk_tombstones")),
    )
    op.create_index(
        op.f("ix_tombstones_organization_id_kind_deleted_at"),
        "tombstones",
        ["organization_id", "kind", "deleted_at"],
        unique=False,
    )


def create_occasions() -> None:
    op.create_table(
        "occasions",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("leap_day_rule", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_occasions_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "person_id", "key", name=op.f("pk_occasions")),
    )
    op.create_index(
        op.f("ix_occasions_organization_id_month_day"),
        "occasions",
        ["organization_id", "month", "day"],
        unique=False,
    )


def surveys_and_releases() -> None:
    create_questionnaires()
    create_surveys()
    create_survey_groups()
    create_survey_members()
    create_responses()
    create_releases()
    create_release_results()


def create_questionnaires() -> None:
    op.create_table(
        "questionnaires",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_questionnaires_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "key", "version", name=op.f("pk_questionnaires")),
    )


def create_surveys() -> None:
    op.create_table(
        "surveys",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("questionnaire", sa.Text(), nullable=False),
        sa.Column("questionnaire_version", sa.Integer(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("minimum_group_size", sa.Integer(), nullable=True),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("participation_count", sa.Integer(), nullable=True),
        sa.Column("participation_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_surveys_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_surveys")),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_surveys_organization_id_external_id")
        ),
    )
    op.create_index(
        op.f("ix_surveys_organization_id_created_at_id"),
        "surveys",
        ["organization_id", "created_at", "id"],
        unique=False,
    )


def create_survey_groups() -> None:
    op.create_table(
        "survey_groups",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("invited", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_survey_groups_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "ordinal", name=op.f("pk_survey_groups")),
    )


def create_survey_members() -> None:
    op.create_table(
        "survey_members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("group_ordinal", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_survey_members_organization_id_person_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_survey_members_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "person_id", name=op.f("pk_survey_members")),
    )
    op.create_index(
        op.f("ix_survey_members_organization_id_person_id"),
        "survey_members",
        ["organization_id", "person_id"],
        unique=False,
    )


def create_responses() -> None:
    op.create_table(
        "responses",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("respondent_key", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("group_ordinal", sa.Integer(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("answers", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_responses_organization_id_survey_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "respondent_key", name=op.f("pk_responses")),
    )


def create_releases() -> None:
    op.create_table(
        "releases",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("formula_version", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_releases_organization_id_survey_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "number", name=op.f("pk_releases")),
    )


def create_release_results() -> None:
    op.create_table(
        "release_results",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("group_ordinal", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id", "number"],
            ["releases.organization_id", "releases.survey_id", "releases.number"],
            name=op.f("fk_release_results_organization_id_survey_id_number"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "survey_id",
            "number",
            "metric",
            "group_ordinal",
            name=op.f("pk_release_results"),
        ),
    )


def recognition() -> None:
    create_recognitions()
    create_recognition_receivers()


def create_recognitions() -> None:
    op.create_table(
        "recognitions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("giver_id", sa.Uuid(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "giver_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_recognitions_organization_id_giver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_recognitions")),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_recognitions_organization_id_external_id")
        ),
    )
    op.create_index(
        op.f("ix_recognitions_organization_id_giver_id"),
        "recognitions",
        ["organization_id", "giver_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_recognitions_organization_id_occurred_at_id"),
        "recognitions",
        ["organization_id", "occurred_at", "id"],
        unique=False,
    )


def create_recognition_receivers() -> None:
    op.create_table(
        "recognition_receivers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("recognition_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_recognition_receivers_organization_id_person_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "recognition_id"],
            ["recognitions.organization_id", "recognitions.id"],
            name=op.f("fk_recognition_receivers_organization_id_recognition_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "recognition_id", "person_id", name=op.f("pk_recognition_receivers")
        ),
    )
    op.create_index(
        op.f("ix_recognition_receivers_organization_id_person_id"),
        "recognition_receivers",
        ["organization_id", "person_id"],
        unique=False,
    )


def downgrade() -> None:
    for statement in statements_of(render_uninstall(DBSettings())):
        op.execute(statement)
    op.execute("DROP VIEW answer_values")
    op.execute("DROP FUNCTION oldest_transaction_started_at()")
    op.drop_index(
        op.f("ix_recognition_receivers_organization_id_person_id"), table_name="recognition_receivers"
    )
    op.drop_table("recognition_receivers")
    op.drop_index(op.f("ix_survey_members_organization_id_person_id"), table_name="survey_members")
    op.drop_table("survey_members")
    op.drop_table("release_results")
    op.drop_index(op.f("ix_recognitions_organization_id_occurred_at_id"), table_name="recognitions")
    op.drop_index(op.f("ix_recognitions_organization_id_giver_id"), table_name="recognitions")
    op.drop_table("recognitions")
    op.drop_index(op.f("ix_occasions_organization_id_month_day"), table_name="occasions")
    op.drop_table("occasions")
    op.drop_table("employments")
    op.drop_table("survey_groups")
    op.drop_table("responses")
    op.drop_table("releases")
    op.drop_index(op.f("ix_people_organization_id_updated_at_id"), table_name="people")
    op.drop_index(op.f("ix_people_organization_id_team_id"), table_name="people")
    op.drop_table("people")
    op.drop_index(op.f("ix_tombstones_organization_id_kind_deleted_at"), table_name="tombstones")
    op.drop_table("tombstones")
    op.drop_index(op.f("ix_teams_organization_id_updated_at_id"), table_name="teams")
    op.drop_index(op.f("ix_teams_organization_id_parent_id"), table_name="teams")
    op.drop_table("teams")
    op.drop_index(op.f("ix_surveys_organization_id_created_at_id"), table_name="surveys")
    op.drop_table("surveys")
    op.drop_table("questionnaires")
    op.drop_table("idempotency_records")
    op.drop_index(op.f("ix_credentials_organization_id"), table_name="credentials")
    op.drop_table("credentials")
    op.drop_table("api_keys")
    op.drop_table("organizations")
