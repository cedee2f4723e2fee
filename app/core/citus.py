"""Spreads the tables over the machines of Citus, by organisation: what `betrokken migrate --citus` does.

All in one transaction: either the tables are spread with their keys and policies, or all is as it was.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.bonds import FORCED, FOREIGN_KEYS, bonds_of, put_back, run, take_off
from app.core.database import Database
from app.core.migrations import LONGEST_STATEMENT, MigrationRefused

COPIED = ("organizations", "credentials")
"""On every machine whole: what is looked up before the organisation is known, and what all refer to."""
NO_CITUS = (
    "This database has no Citus: an administrator adds citus to shared_preload_libraries,"
    " runs CREATE EXTENSION citus; and adds the workers."
)
SUB_SELECT = re.compile(r"\( ?SELECT (.*) AS \"?\w+\"?\)", re.DOTALL)
"""As PostgreSQL writes the one in our policies."""

IS_CITUS = text("""SELECT to_regclass('pg_dist_partition') IS NOT NULL""")
ONE_BY_ONE = text("""SELECT set_config('citus.multi_shard_modify_mode', 'sequential', true)""")
"""A later table may refer to an earlier one: each is spread over one line to each machine."""
HOLD_MIGRATIONS = text("""SELECT pg_advisory_xact_lock(108187884875627)""")
TABLES_TO_SPREAD = text("""
SELECT c.relname AS name, format('%I', c.relname) AS quoted
FROM pg_class c
WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind = 'r'
    AND c.relname !~ '^(pgqueuer|pg_dist_)' AND c.relname NOT IN ('alembic_version', 'setup_links')
    AND NOT EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = c.oid)
ORDER BY c.relname <> ALL (CAST(:copied AS text[])), c.relname
""")
TRIGGERS_OF = text("""
SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass)
FROM pg_trigger
WHERE NOT tgisinternal AND CAST(CAST(tgrelid AS regclass) AS text) = ANY(CAST(:tables AS text[]))
ORDER BY tgrelid::regclass::text, tgname
""")
POLICIES_OF = text("""
SELECT format('ALTER POLICY %I ON %s', polname, polrelid::regclass) AS altering,
    pg_get_expr(polqual, polrelid) AS reads, pg_get_expr(polwithcheck, polrelid) AS writes
FROM pg_policy
WHERE CAST(CAST(polrelid AS regclass) AS text) = ANY(CAST(:tables AS text[]))
ORDER BY polrelid::regclass::text, polname
""")
COPY_WHOLE = text("""SELECT create_reference_table(CAST(CAST(:table AS text) AS regclass))""")
SPREAD = text("""
SELECT create_distributed_table(CAST(CAST(:table AS text) AS regclass), 'organization_id')
""")
MAY_LOG_IN = text("""SELECT rolcanlogin FROM pg_roles WHERE rolname = :role""")


async def spread(database: Database) -> str:
    """One line of what was done. Repeats harmlessly: what is spread stays as it is."""
    patient = database.for_long_statements(LONGEST_STATEMENT)
    try:
        async with patient.system_session(reason="spread over machines") as session:
            return await _spread(await session.connection(), database.role)
    finally:
        await patient.close()


async def _spread(connection: AsyncConnection, role: str) -> str:
    if not await connection.scalar(IS_CITUS):
        raise MigrationRefused(NO_CITUS)
    await connection.execute(HOLD_MIGRATIONS)
    await connection.execute(ONE_BY_ONE)
    await _let_in(connection, role)
    tables = (await connection.execute(TABLES_TO_SPREAD, {"copied": list(COPIED)})).all()
    if not tables:
        return "Every table is spread over the machines of Citus already."
    keys = await _spread_tables(connection, tables)
    copied = sum(table.name in COPIED for table in tables)
    return (
        f"Citus: {len(tables) - copied} tables are spread by organisation, {copied} are copied to every"
        f" machine, {keys} foreign keys were dropped and added again."
    )


async def _let_in(connection: AsyncConnection, role: str) -> None:
    """Citus connects to its machines as the role that acts."""
    if await connection.scalar(MAY_LOG_IN, {"role": role}):
        return
    login = f'ALTER ROLE "{role}" LOGIN'
    try:
        await run(connection, login)
    except DBAPIError as error:
        raise MigrationRefused(
            f"Citus connects as the acting role, which may not log in: an administrator runs: {login};"
        ) from error


async def _spread_tables(connection: AsyncConnection, tables: Sequence[Row[Any]]) -> int:
    """How many foreign keys were dropped and added again."""
    these = {"tables": [table.quoted for table in tables]}
    keys = await bonds_of(connection, FOREIGN_KEYS, these["tables"])
    forced = await bonds_of(connection, FORCED, these["tables"])
    triggers = (await connection.scalars(TRIGGERS_OF, these)).all()
    policies = (await connection.execute(POLICIES_OF, these)).all()
    await take_off(connection, [*keys, *forced])
    await run(connection, *triggers, *map(without_sub_select, policies))
    for table in tables:
        way = COPY_WHOLE if table.name in COPIED else SPREAD
        await connection.execute(way, {"table": table.quoted})
    await put_back(connection, [*forced, *keys])
    return len(keys)


def without_sub_select(policy: Row[Any]) -> str:
    """Citus takes none in a policy. It was there for speed: PostgreSQL evaluates it once a statement."""
    parts = (("USING", policy.reads), ("WITH CHECK", policy.writes))
    plain = ((word, SUB_SELECT.sub(r"\1", rule)) for word, rule in parts if rule is not None)
    rules = (f"{word} ({rule})" for word, rule in plain)
    return f"{policy.altering} {' '.join(rules)}"
