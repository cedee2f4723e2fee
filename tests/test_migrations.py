"""The schema's way up and down, and what a login without an administrator's rights is told."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

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

ROLE = Settings().database_role
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
        assert tuple(one.revision for one in scripts.walk_revisions()) == migrations.revisions()

    await run(database, heads)


async def test_the_tables_are_those_of_the_code(database: Database) -> None:
    """`alembic check`: app/tables/ and alembic/versions/ say the same."""
    await run(database, lambda sync: command.check(migrations.alembic_config(sync, database.role)))


async def test_a_schema_of_a_later_version_is_left_as_it_is(new_database: NewDatabase) -> None:
    """Whoever goes back to the version before finds their data served."""
    database = await new_database()
    await migrations.migrate(database, migrations.revisions()[-1])
    await run(database, lambda sync: sync.execute(text("UPDATE alembic_version SET version_num = 'later'")))
    before = await tables_of(database)
    await migrations.migrate(database)
    assert await tables_of(database) == before
    await migrations.require_migrated(database)


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


@pytest.mark.nightly  # two processes, each of which makes every table
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
        organization_id = await organizations.create_organization(session, "Acme", database.keyring)
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


ACME, ROLLED_OUT, ANYBODY = UUID(int=1), UUID(int=2), UUID(int=3)
ENTER = text("SELECT set_config('app.organization_id', :id, true)")
BEFORE_CELLS = f"""
INSERT INTO organizations (id, name, locale, time_zone, minimum_group_size, minimum_comment_group_size,
    leap_day_rule, working_days) VALUES ('{ACME}', 'Acme', 'nl', 'UTC', 5, 10, 'feb_28', '{{1}}');
INSERT INTO people (organization_id, id, external_id, name, is_active, segments)
VALUES ('{ACME}', '{ACME}', 'E-1', 'x', true, '{{}}');
INSERT INTO surveys (organization_id, id, name, status, questionnaire, mode, access)
VALUES ('{ACME}', '{ROLLED_OUT}', 'Old', 'released', 'q', 'confidential', 'invited'),
    ('{ACME}', '{ANYBODY}', 'Open', 'open', 'q', 'anonymous', 'open');
INSERT INTO survey_groups
    (organization_id, survey_id, ordinal, kind, external_id, name, parent, depth, invited)
VALUES ('{ACME}', '{ROLLED_OUT}', 0, 'organization', '', 'Acme', NULL, 0, 0),
    ('{ACME}', '{ROLLED_OUT}', 1, 'team', 'a', 'A', 0, 0, 7),
    ('{ACME}', '{ANYBODY}', 0, 'organization', '', 'Acme', NULL, 0, NULL);
INSERT INTO survey_members (organization_id, survey_id, person_id, group_ordinal)
VALUES ('{ACME}', '{ROLLED_OUT}', '{ACME}', 1);
INSERT INTO responses (organization_id, survey_id, respondent_key, group_ordinal, answers)
VALUES ('{ACME}', '{ROLLED_OUT}', '{ACME}', 1, '{{4}}');
INSERT INTO releases (organization_id, survey_id, number, is_final, formula_version, released_at)
VALUES ('{ACME}', '{ROLLED_OUT}', 1, true, '1', now());
INSERT INTO release_results (organization_id, survey_id, number, metric, group_ordinal, body)
VALUES ('{ACME}', '{ROLLED_OUT}', 1, 'm', 1, '{{}}')
"""
SINCE_CELLS = f"""
UPDATE survey_cells SET invited = 4 WHERE invited = 7;
INSERT INTO survey_cells (organization_id, survey_id, ordinal, group_ordinal, segments, invited)
VALUES ('{ACME}', '{ROLLED_OUT}', 2, 1, '{{"site": "U"}}', 3);
INSERT INTO survey_groups
    (organization_id, survey_id, ordinal, kind, external_id, name, parent, depth, segment)
VALUES ('{ACME}', '{ROLLED_OUT}', 2, 'segment', 'U', 'U', 0, 0, 'site');
INSERT INTO release_results (organization_id, survey_id, number, metric, group_ordinal, body)
VALUES ('{ACME}', '{ROLLED_OUT}', 1, 'm', 2, '{{}}');
UPDATE survey_members SET cell_ordinal = 2;
UPDATE responses SET cell_ordinal = 2
"""
BY_GROUP = (
    "SELECT ordinal, external_id, invited FROM survey_groups ORDER BY survey_id, ordinal",
    "SELECT group_ordinal FROM survey_members",
    "SELECT group_ordinal, answers FROM responses",
    "SELECT group_ordinal FROM release_results",
)
BY_CELL = (
    "SELECT ordinal, group_ordinal, segments, invited FROM survey_cells ORDER BY survey_id, ordinal",
    "SELECT cell_ordinal FROM survey_members",
    "SELECT cell_ordinal, answers FROM responses",
    "SELECT DISTINCT report_by, release_policy FROM surveys",
)


async def told(database: Database, *statements: str) -> list[list[tuple[object, ...]]]:
    """What each statement finds, for the login that owns the tables, in the one organisation."""
    async with database.system_session(reason="test") as session:
        await session.execute(ENTER, {"id": str(ACME)})
        results = [await session.execute(text(statement.replace(":", r"\:"))) for statement in statements]
        return [list(map(tuple, result)) if result.returns_rows else [] for result in results]


async def move_to(database: Database, revision: str, way: Callable[..., None] = command.upgrade) -> None:
    await run(database, lambda sync: way(migrations.alembic_config(sync, ROLE), revision))


@pytest.mark.parametrize("is_plain", [False, True], ids=["administrator", "plain login"])
async def test_cells_keep_what_was_there_on_the_way_up_and_down(
    is_plain: bool, login: tuple[str, str], new_database: NewDatabase
) -> None:
    """Also for a login that is bound by row-level security and sees no organisation."""
    name, url = login
    database = await (new_database(name, acting_as(url, name)) if is_plain else new_database())
    await move_to(database, "2026_11_23_2000")
    await told(database, *BEFORE_CELLS.split(";"))
    before = await told(database, *BY_GROUP)
    assert before == [[(0, "", 0), (1, "a", 7), (0, "", None)], [(1,)], [(1, [4])], [(1,)]]
    await move_to(database, "2026_11_23_2100")
    assert await told(database, *BY_CELL) == [
        [(0, 0, {}, 0), (1, 1, {}, 7), (0, 0, {}, None)],
        [(1,)],
        [(1, [4])],
        [([], "on_close")],
    ]
    await told(database, *SINCE_CELLS.split(";"))
    await move_to(database, "2026_11_23_2000", command.downgrade)
    assert await told(database, *BY_GROUP) == before
    await database.close()
