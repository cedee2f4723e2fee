"""Runs migrations over asyncpg, one runner at a time, never waiting long for a lock that the service holds.

`app.core.migrations` passes the connection and the acting role in `config.attributes`.
"""

from alembic import context
from sqlalchemy import Connection, Text, text
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString

from app import tables  # noqa: F401 fills the metadata
from app.tables.base import METADATA

MIGRATION_LOCK = 0x6265_7472_6F6B


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and (name or "").startswith("pgqueuer"))


def is_other_type(
    _context: object, _found: object, _wanted: object, found: TypeEngine[object], wanted: TypeEngine[object]
) -> bool | None:
    """Every str of a table is text; None leaves other types to alembic's own comparison."""
    return False if isinstance(found, Text) and isinstance(wanted, AutoString) else None


def run(connection: Connection) -> None:
    connection.execute(text("SET statement_timeout = '15min'"))
    context.configure(
        connection=connection, target_metadata=METADATA, include_name=is_ours, compare_type=is_other_type
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("SET lock_timeout = '10s'"))
        context.run_migrations()


run(context.config.attributes["connection"])
