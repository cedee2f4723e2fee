"""The schema's way up and down, and what a login without an administrator's rights is told."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.core import migrations
from app.core.database import Database
from app.core.settings import Settings
from app.organizations import service as organizations
from tests.conftest import on_database, run_sql

NewDatabase = Callable[..., Awaitable[Database]]


@pytest.fixture
async def new_database(server_url: str, settings: Settings) -> AsyncIterator[NewDatabase]:
    """Makes empty databases; they go when the test ends."""
    made: list[Database] = []
    names: list[str] = []

    async def make(owner: str | None = None, url: str | None = None) -> Database:
        name = f"betrokken_migration_{os.getpid()}_{len(names)}"
        await run_sql(server_url, f"CREATE DATABASE {name}" + (f" OWNER {owner}" if owner else ""))
        names.append(name)
        made.append(Database(on_database(url or server_url, name), settings))
        return made[-1]

    yield make
    for database in made:
        await database.close()
    await run_sql(server_url, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


async def run(database: Database, work: Callable[[Connection], object]) -> None:
    async with database.engine.connect() as connection:
        await connection.run_sync(work)
        await connection.commit()


async def tables_of(database: Database) -> set[str]:
    async with database.system_session(reason="test") as session:
        found = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        return set(found)


async def test_there_is_one_head(database: Database) -> None:
    def heads(connection: Connection) -> None:
        scripts = ScriptDirectory.from_config(migrations.alembic_config(connection, database.role))
        assert scripts.get_heads() == [migrations.revisions()[0]]

    await run(database, heads)


async def test_the_tables_are_those_of_the_code(database: Database) -> None:
    """`alembic check`: app/tables/ and alembic/versions/ say the same."""
    await run(database, lambda sync: command.check(migrations.alembic_config(sync, database.role)))


async def test_up_down_and_up_again(new_database: NewDatabase) -> None:
    database = await new_database()
    await migrations.migrate(database)
    full = await tables_of(database)
    await migrations.migrate(database)
    assert await tables_of(database) == full
    await run(
        database, lambda sync: command.downgrade(migrations.alembic_config(sync, database.role), "base")
    )
    assert await tables_of(database) == {"alembic_version"}
    await migrations.migrate(database)
    assert await tables_of(database) == full


async def test_two_processes_at_once_wait_for_one_another(new_database: NewDatabase) -> None:
    database = await new_database()
    environment = os.environ | {"DATABASE_URL": database.url}
    migrating = [
        await asyncio.create_subprocess_exec(sys.executable, "-m", "app", "migrate", env=environment)
        for _ in range(2)
    ]
    assert [await process.wait() for process in migrating] == [0, 0]
    assert "people" in await tables_of(database)


async def may_make_roles(owner: asyncpg.Connection) -> None:
    if not await owner.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        pytest.skip("the login of DATABASE_URL is no superuser: it cannot make the roles this test needs")


@pytest.fixture
async def login(server_url: str, owner: asyncpg.Connection) -> AsyncIterator[tuple[str, str]]:
    """A role that may log in, and nothing more; its URL."""
    await may_make_roles(owner)
    name = f"plain_{uuid4().hex[:12]}"
    await owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
    await owner.execute(f'GRANT "{name}" TO CURRENT_USER')
    yield name, server_url
    await owner.execute(f"DROP ROLE {name}")


def acting_as(url: str, login: str) -> str:
    """The URL whose connections are of `login`; the embedded server lets in only its own account."""
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}options=-c%20role%3D{login}"


async def test_a_login_without_rights_is_told_what_to_run(
    login: tuple[str, str], new_database: NewDatabase, owner: asyncpg.Connection
) -> None:
    name, url = login
    missing = f"betrokken_{uuid4().hex[:8]}"
    database = await new_database(name, acting_as(url, name))
    database.role = missing
    with pytest.raises(migrations.MigrationRefused) as refused:
        await migrations.migrate(database)
    assert re.search(f'CREATE ROLE "{missing}" NOLOGIN; GRANT "{missing}" TO "{name}";$', str(refused.value))
    await owner.execute(str(refused.value).partition("runs: ")[2])
    await migrations.migrate(database)
    async with database.system_session(reason="test") as session:
        organization_id = await organizations.create_organization(session, "Acme")
    async with database.tenant_session(organization_id) as session:
        assert await session.scalar(text("SELECT current_user::text")) == missing
        assert await session.scalar(text("SELECT name FROM organizations")) == "Acme"
    await run(database, lambda sync: command.downgrade(migrations.alembic_config(sync, missing), "base"))
    await database.close()
    await owner.execute(f"DROP ROLE {missing}")


async def test_a_role_that_is_not_bound_is_refused(
    new_database: NewDatabase, owner: asyncpg.Connection
) -> None:
    await may_make_roles(owner)
    name = f"unbound_{uuid4().hex[:8]}"
    await owner.execute(f"CREATE ROLE {name} NOLOGIN BYPASSRLS")
    database = await new_database()
    database.role = name
    with pytest.raises(migrations.MigrationRefused, match="BETROKKEN_DATABASE_ROLE"):
        await migrations.migrate(database)
    await owner.execute(f"DROP ROLE {name}")
