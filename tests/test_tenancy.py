"""Two belts: every query names the organisation, and row-level security holds where one forgets."""

import re
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.database import Database
from app.core.settings import Settings
from tests.conftest import Tenant, new_tenant
from tests.world import MARK, furnish, rows_of, tenant_tables

APP = Path(__file__).parents[1] / "app"
ROLE = Settings().database_role
APPEND_ONLY = {"audit_entries"}
"""What nobody may change or delete, not even their own: tests/privacy/test_audit.py."""
KEYS_AND_INDEXES = """
SELECT c.relname AS "table", i.relname AS name, a.attname AS first
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
"""
PROTECTION = """
SELECT c.relname AS "table", c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
       array_agg(pg_get_expr(p.polqual, p.polrelid)) AS reads,
       array_agg(pg_get_expr(p.polwithcheck, p.polrelid)) AS writes
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY c.oid
"""


@pytest.fixture(scope="module")
async def furnished(app: FastAPI) -> Tenant:
    acme = await new_tenant(app, MARK)
    await furnish(acme)
    return acme


async def test_organization_id_leads_every_key_and_index(owner: asyncpg.Connection) -> None:
    tables = await tenant_tables(owner)
    found = [row for row in await owner.fetch(KEYS_AND_INDEXES) if row["table"] in tables]
    assert {row["table"] for row in found} == set(tables)
    assert not [row["name"] for row in found if row["first"] != "organization_id"]


async def test_foreign_keys_cannot_leave_the_organization(owner: asyncpg.Connection) -> None:
    tables = await tenant_tables(owner)
    rows = await owner.fetch(
        "SELECT conrelid::regclass::text AS own, pg_get_constraintdef(oid) AS rule FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
    )
    rules = [row["rule"] for row in rows if row["own"] in tables]
    assert rules
    assert not [rule for rule in rules if not rule.startswith("FOREIGN KEY (organization_id")]


async def test_every_table_forces_its_policy(owner: asyncpg.Connection) -> None:
    rows = {row["table"]: row for row in await owner.fetch(PROTECTION)}
    for table in await tenant_tables(owner):
        assert rows[table]["is_forced"], table
        for rule in (rows[table]["reads"], rows[table]["writes"]):
            assert len(rule) == 1, table
            assert re.search(r"organization_id = \( ?SELECT .*app\.organization_id", rule[0]), table


async def test_views_read_as_who_asks(owner: asyncpg.Connection) -> None:
    views = await owner.fetch(
        "SELECT reloptions FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
    )
    assert views
    assert all("security_invoker=true" in (view["reloptions"] or []) for view in views)


async def test_the_acting_role_is_bound(owner: asyncpg.Connection, database: Database) -> None:
    row = await owner.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin"
        " FROM pg_roles WHERE rolname = $1",
        ROLE,
    )
    assert set(row.values()) == {False}
    owned = await owner.fetchval("SELECT count(*) FROM pg_class WHERE relowner = $1::regrole", ROLE)
    assert owned == 0
    async with database.tenant_session(UUID(int=1)) as session:
        assert await session.scalar(text("SELECT current_user")) == ROLE


async def test_without_an_organization_nothing_is_seen(furnished: Tenant, owner: asyncpg.Connection) -> None:
    tables = await tenant_tables(owner)
    await owner.execute("RESET app.organization_id")
    async with owner.transaction():
        await owner.execute(f"SET LOCAL ROLE {ROLE}")
        for table in [*tables, "organizations", "answer_values"]:
            assert await owner.fetch(f"SELECT * FROM {table}") == [], table
        await owner.execute("SELECT set_config('app.organization_id', $1, true)", str(furnished.id))
        for table in [*tables, "organizations", "answer_values"]:
            assert await owner.fetchval(f"SELECT count(*) FROM {table}") > 0, table


async def test_no_statement_reaches_another_organization(
    furnished: Tenant, other: Tenant, owner: asyncpg.Connection
) -> None:
    before = await rows_of(owner, str(furnished.id))
    assert all(before.values())
    async with other.database.tenant_session(other.id) as session:
        for table in before:
            theirs = {"theirs": furnished.id}
            where = f"{table} WHERE organization_id = :theirs"
            assert await session.scalar(text(f"SELECT count(*) FROM {where}"), theirs) == 0
            if table in APPEND_ONLY:
                continue
            assert (await session.execute(text(f"DELETE FROM {where}"), theirs)).rowcount == 0
            moved = f"UPDATE {table} SET organization_id = organization_id WHERE organization_id = :theirs"
            assert (await session.execute(text(moved), theirs)).rowcount == 0
    assert await rows_of(owner, str(furnished.id)) == before


GIVEN_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
WHERE attrelid = CAST($1 AS text)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
"""Those that PostgreSQL does not compute by itself."""


async def test_no_row_is_written_for_another_organization(
    furnished: Tenant, other: Tenant, owner: asyncpg.Connection
) -> None:
    """Rows of Acme, copied by its owner, offered by Globex."""
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(furnished.id))
    for table in await tenant_tables(owner):
        row = await owner.fetchval(
            f"SELECT row_to_json(t)::text FROM {table} t WHERE organization_id = $1 LIMIT 1", furnished.id
        )
        columns = await owner.fetchval(GIVEN_COLUMNS, table)
        rows = f"json_populate_record(NULL::{table}, CAST(:row AS json))"
        insert = text(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {rows}")
        with pytest.raises(DBAPIError, match="row-level security"):
            async with other.database.tenant_session(other.id) as session:
                await session.execute(insert, {"row": row})


async def test_a_row_cannot_be_handed_over(furnished: Tenant, other: Tenant) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with furnished.database.tenant_session(furnished.id) as session:
            await session.execute(text("UPDATE api_keys SET organization_id = :id"), {"id": other.id})


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM credentials", "DELETE FROM credentials", "SELECT 1 FROM alembic_version"]
)
async def test_the_acting_role_cannot_read_credentials(statement: str, acme: Tenant) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with acme.database.tenant_session(acme.id) as session:
            await session.execute(text(statement))


async def test_a_pooled_connection_forgets_its_organization(
    database_url: str, settings: Settings, acme: Tenant
) -> None:
    setting = text(
        "SELECT current_user::text, current_setting('app.organization_id', true), pg_backend_pid()"
    )
    pool_of_one = Database(database_url, settings.model_copy(update={"database_pool_size": 1}))
    async with pool_of_one.system_session(reason="test") as session:
        login, nothing, process = (await session.execute(setting)).one()
    async with pool_of_one.tenant_session(acme.id) as session:
        assert (await session.execute(setting)).one() == (ROLE, str(acme.id), process)
    with pytest.raises(ZeroDivisionError):
        async with pool_of_one.tenant_session(acme.id):
            raise ZeroDivisionError
    async with pool_of_one.system_session(reason="test") as session:
        who, organization, same_process = (await session.execute(setting)).one()
    assert (who, organization or None, same_process) == (login, nothing, process)
    await pool_of_one.close()


def test_sessions_come_from_two_doors_alone() -> None:
    makers = re.compile(
        r"AsyncSession\(|create_async_engine\(|sessionmaker\(|asyncpg\.connect\(|\bdial\(|\.engine\.(connect|begin)\("
    )
    users = {
        str(file.relative_to(APP))
        for file in APP.rglob("*.py")
        if makers.search(file.read_text(encoding="utf-8"))
    }
    doors = {"core/database.py", "core/migrations.py"}
    assert users <= doors | {"core/lines.py", "core/backup.py"}, (
        "the one only dials, the other is of one moment"
    )


def test_every_system_session_says_why() -> None:
    for file in APP.rglob("*.py"):
        for call in re.findall(r"\.system_session\(([^)]*)\)", file.read_text(encoding="utf-8")):
            assert re.match(r'reason="[a-z ]{5,}"', call), f"{file.name}: system_session({call})"
