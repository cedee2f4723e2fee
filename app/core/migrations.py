"""Brings a database to the newest schema, with the acting role that row-level security binds."""

import logging
import re
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.database import Database
from app.core.resources import resource

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger("betrokken.database")

SCRIPTS = resource("alembic")
NAMED = re.compile(r'^(revision|down_revision) = (?:"([^"]+)"|None)$', re.MULTILINE)
OLDEST_POSTGRESQL = 150000
LONGEST_STATEMENT = 15 * 60
MADE_BY_ANOTHER = ("42710", "23505")
"""duplicate_object and unique_violation."""


class MigrationRefused(RuntimeError):
    """The database cannot be migrated as it is; the message says what to do."""


def alembic_config(connection: Connection, role: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes |= {"connection": connection, "role": role}
    return config


@cache
def revisions() -> tuple[str, ...]:
    """Those this version knows, newest first; read as text, so that who serves does not load alembic."""
    files = [dict(NAMED.findall(file.read_text(encoding="utf-8"))) for file in SCRIPTS.glob("versions/*.py")]
    after = {names["down_revision"]: names["revision"] for names in files}
    found = [after[""]]
    while found[-1] in after:
        found.append(after[found[-1]])
    return tuple(reversed(found))


HAS_VERSIONS = text("""SELECT to_regclass('alembic_version') IS NOT NULL""")
VERSION_APPLIED = text("""SELECT version_num FROM alembic_version""")


async def applied_revision(session: AsyncSession | AsyncConnection) -> str | None:
    has_version = await session.scalar(HAS_VERSIONS)
    revision: str | None = await session.scalar(VERSION_APPLIED) if has_version else None
    return revision


async def is_behind(session: AsyncSession) -> bool:
    """Whether the schema is older than this version needs. A newer one serves: migrations stay compatible."""
    version = await applied_revision(session)
    return version is None or version in revisions()[1:]


async def require_migrated(database: Database) -> None:
    async with database.system_session(reason="schema version") as session:
        if await is_behind(session):
            raise MigrationRefused("The database lacks this version's schema: run `betrokken migrate`.")


async def migrate(database: Database, revision: str = "head") -> None:
    """Repeats harmlessly; two at once wait for one another. A schema of a later version is left as it is."""
    patient = database.for_long_statements(LONGEST_STATEMENT)
    try:
        async with patient.engine.connect() as connection:
            await _require_version(connection)
            await _ensure_role(connection, database.role)
            applied = await applied_revision(connection)
            if applied is not None and applied not in revisions():
                log.warning("schema_of_a_later_version", extra={"revision": applied})
                return
            await connection.run_sync(_upgrade, database.role, revision)
            await connection.commit()
    finally:
        await patient.close()


def _upgrade(connection: Connection, role: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415

    command.upgrade(alembic_config(connection, role), revision)


SERVER_VERSION = text("""SELECT current_setting('server_version_num')::int""")


async def _require_version(connection: AsyncConnection) -> None:
    version = await connection.scalar(SERVER_VERSION)
    if version < OLDEST_POSTGRESQL:
        raise MigrationRefused("This PostgreSQL is older than 15; upgrade it first.")


IS_ROLE_UNBOUND = text("""SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :role""")
CURRENT_LOGIN = text("""SELECT current_user""")


async def _ensure_role(connection: AsyncConnection, role: str) -> None:
    """The acting role exists, is harmless, and this login may take it on."""
    is_unbound = await connection.scalar(IS_ROLE_UNBOUND, {"role": role})
    if is_unbound:
        raise MigrationRefused(
            f"The role {role} is not bound by row-level security; set BETROKKEN_DATABASE_ROLE."
        )
    login = await connection.scalar(CURRENT_LOGIN)
    create, grant = f'CREATE ROLE "{role}" NOLOGIN', f'GRANT "{role}" TO "{login}"'
    missing = [create] if is_unbound is None and not await _succeeds(connection, create) else []
    if not await _may_act_as(connection, role) and not await _succeeds(connection, grant):
        missing.append(grant)
    if missing:
        raise MigrationRefused(
            f"The login {login} may not make the acting role; an administrator runs: {'; '.join(missing)};"
        )
    await connection.commit()


async def _succeeds(connection: AsyncConnection, statement: str) -> bool:
    """Roles are the server's, not the database's: another migration may have made this one just now."""
    try:
        async with connection.begin_nested():
            await connection.execute(text(statement))
    except DBAPIError as error:
        return getattr(error.orig, "sqlstate", None) in MADE_BY_ANOTHER
    return True


MAY_ACT_AS = text("""RESET ROLE""")


async def _may_act_as(connection: AsyncConnection, role: str) -> bool:
    if not await _succeeds(connection, f'SET LOCAL ROLE "{role}"'):
        return False
    await connection.execute(MAY_ACT_AS)
    return True
