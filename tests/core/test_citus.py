"""`migrate --citus` against functions that stand in for Citus and refuse what its source says it refuses.

On a Citus of its own it runs in tests/acceptance/test_citus.py.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from app.core import citus
from app.core.bonds import FOREIGN_KEYS, bonds_of, put_back, take_off
from app.core.database import Database
from app.core.migrations import MigrationRefused, migrate
from app.core.settings import Settings
from app.organizations import service as organizations
from tests.conftest import database_like, run_sql

STAND_INS = """
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, partmethod "char" NOT NULL);
CREATE FUNCTION take_in(what regclass, method "char") RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND what IN (conrelid, confrelid)) THEN
        RAISE 'a foreign key leads to what is not distributed';
    ELSIF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = what AND NOT tgisinternal) THEN
        RAISE 'cannot distribute relation because it has triggers';
    ELSIF EXISTS (
        SELECT FROM pg_policy
        WHERE polrelid = what
            AND concat(pg_get_expr(polqual, what), pg_get_expr(polwithcheck, what)) ILIKE '%select%'
    ) THEN
        RAISE 'Subqueries are not supported in policies on distributed tables';
    ELSIF (SELECT relforcerowsecurity FROM pg_class WHERE oid = what) THEN
        RAISE 'COPY FROM not supported with row-level security';
    END IF;
    INSERT INTO pg_dist_partition VALUES (what, method);
END $$;
CREATE FUNCTION create_reference_table(what regclass) RETURNS void LANGUAGE sql
    AS $$ SELECT take_in(what, 'n') $$;
CREATE FUNCTION create_distributed_table(what regclass, by text) RETURNS void LANGUAGE sql
    AS $$ SELECT take_in(what, 'h') $$
"""
KEYS = """
SELECT conrelid::regclass::text || conname || pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' ORDER BY 1
"""
RULES = """
SELECT c.relname, c.relforcerowsecurity, p.polname, concat(pg_get_expr(polqual, c.oid)) AS reads,
    concat(pg_get_expr(polwithcheck, c.oid)) AS writes
FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid ORDER BY c.relname, p.polname
"""
OWN_NAME = text("SELECT string_agg(name, ' ') FROM organizations")
SELECTED = text("""
INSERT INTO teams (organization_id, external_id, name)
SELECT :organization_id, name, name FROM unnest(ARRAY['a']) AS name WHERE false
""")
TOLD_TO_CITUS = text(
    "SELECT current_setting('citus.propagate_set_commands', true), current_setting('app.organization_id')"
)


@pytest.fixture
async def plain(server_url: str, template: str, settings: Settings) -> AsyncIterator[Database]:
    async with database_like(server_url, "citus", template) as url:
        database = Database(url, settings)
        yield database
        await database.close()


@pytest.fixture
async def line(plain: Database) -> AsyncIterator[asyncpg.Connection]:
    line = await asyncpg.connect(plain.url)
    yield line
    await line.close()


@pytest.fixture
async def role(server_url: str, plain: Database) -> AsyncIterator[str]:
    """One of its own: that of the service is the other tests' too."""
    name = f"acting_{uuid4().hex[:8]}"
    await run_sql(server_url, f"CREATE ROLE {name} NOLOGIN")
    yield name
    await run_sql(server_url, f"DROP ROLE {name}")


async def spread_as(database: Database, role: str) -> str:
    serving, database.role = database.role, role
    try:
        return await citus.spread(database)
    finally:
        database.role = serving


async def test_without_citus_it_says_what_is_missing(plain: Database, role: str) -> None:
    with pytest.raises(MigrationRefused, match=r"^This database has no Citus: .* CREATE EXTENSION citus;"):
        await spread_as(plain, role)


async def test_every_table_is_spread_and_keeps_its_keys_and_rules(
    plain: Database, line: asyncpg.Connection, role: str
) -> None:
    await line.execute(STAND_INS)
    keys, rules = await line.fetch(KEYS), await line.fetch(RULES)
    done = await spread_as(plain, role)
    spread = dict(await line.fetch("SELECT logicalrelid::text, partmethod::text FROM pg_dist_partition"))
    assert {name for name, method in spread.items() if method == "n"} == set(citus.COPIED)
    assert done.startswith(f"Citus: {len(spread) - 2} tables are spread by organisation, 2 are copied")
    assert f" {len(keys)} foreign keys " in done
    assert await line.fetch(KEYS) == keys
    for before, after in zip(rules, await line.fetch(RULES), strict=True):
        assert [*after][:3] == [*before][:3]
        for rule, plain_rule in ((before["reads"], after["reads"]), (before["writes"], after["writes"])):
            assert "SELECT" not in plain_rule
            assert plain_rule == rule.replace("( SELECT ", "").replace(' AS "nullif")', "")
    assert await line.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", role)
    assert await spread_as(plain, role) == "Every table is spread over the machines of Citus already."


async def test_a_migration_of_triggers_leaves_out_what_is_spread(
    plain: Database, line: asyncpg.Connection, role: str
) -> None:
    """As of a database that was spread before the triggers changed."""
    before, of_triggers = "2026_11_30_2200", "2026_11_30_2210"
    await line.execute(STAND_INS)
    await spread_as(plain, role)
    await line.execute("UPDATE alembic_version SET version_num = $1", before)
    await migrate(plain, of_triggers)
    assert await line.fetchval("SELECT version_num FROM alembic_version") == of_triggers
    assert not await line.fetch(citus.TRIGGERS_OF.text.replace(":tables", "ARRAY['surveys']"))


async def test_what_fails_midway_changes_nothing(
    plain: Database, line: asyncpg.Connection, role: str
) -> None:
    await line.execute(STAND_INS)
    await line.execute("ALTER TABLE pg_dist_partition ADD CHECK (logicalrelid <> 'webhooks'::regclass)")
    keys, rules = await line.fetch(KEYS), await line.fetch(RULES)
    with pytest.raises(Exception, match="violates check constraint"):
        await spread_as(plain, role)
    assert (await line.fetch(KEYS), await line.fetch(RULES)) == (keys, rules)


async def test_the_machines_are_told_whose_transaction_it_is(
    plain: Database, line: asyncpg.Connection, role: str
) -> None:
    """Citus passes on what is set by SET LOCAL, and nothing that is set by set_config."""
    await line.execute(STAND_INS)
    await spread_as(plain, role)
    async with plain.system_session(reason="test") as session:
        ids = [await organizations.create_organization(session, name, plain.keyring) for name in "AB"]
    for organization_id, name in zip(ids, "AB", strict=True):
        async with plain.tenant_session(organization_id) as session:
            assert await session.scalar(OWN_NAME) == name
            assert (await session.execute(TOLD_TO_CITUS)).one() == ("local", str(organization_id))


async def test_rows_that_are_selected_are_returned_there_and_nowhere_else(
    plain: Database, line: asyncpg.Connection, role: str
) -> None:
    """So Citus inserts them without COPY, which row-level security refuses."""
    async with plain.system_session(reason="test") as session:
        own = await organizations.create_organization(session, "A", plain.keyring)
    async with plain.tenant_session(own) as session:
        assert not (await session.execute(SELECTED)).returns_rows
    await line.execute(STAND_INS)
    await spread_as(plain, role)
    async with plain.tenant_session(own) as session:
        assert (await session.execute(SELECTED)).returns_rows


async def test_where_no_trigger_tells_nothing_is_remembered(
    plain: Database, line: asyncpg.Connection, role: str
) -> None:
    await plain.memory._wait_for_triggers(line)
    await line.execute(STAND_INS)
    await spread_as(plain, role)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(plain.memory._wait_for_triggers(line), 0.2)


async def test_the_keys_of_a_partition_are_those_of_the_whole(
    plain: Database, line: asyncpg.Connection
) -> None:
    await line.execute("""
        CREATE TABLE sorted (id uuid REFERENCES organizations, kind text) PARTITION BY LIST (kind);
        CREATE TABLE sorted_by_hand PARTITION OF sorted FOR VALUES IN ('hand');
    """)
    keys = await line.fetch(KEYS)
    async with plain.system_session(reason="test") as session:
        connection = await session.connection()
        found = await bonds_of(connection, FOREIGN_KEYS, ["sorted", "sorted_by_hand"])
        assert len(found) == 1
        await take_off(connection, found)
        await put_back(connection, found)
    assert await line.fetch(KEYS) == keys
