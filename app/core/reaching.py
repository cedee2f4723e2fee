"""The first word to a database: who is away is waited for, and whoever cannot be had is said in one line."""

import asyncio
import logging
import time

import asyncpg

from app.core.database import Database
from app.core.one_line import on_one_line

log = logging.getLogger("betrokken.database")

TEMPORARY = ("08", "53", "55", "57")
"""Lost, full, locked, starting or stopping."""
LONGEST_PAUSE = 5.0
UNREADABLE = (asyncpg.InterfaceError, ValueError, OverflowError)


class DatabaseUnusable(RuntimeError):
    """The message is one line and says what to do; it never holds a password."""


async def reach(database: Database, patience: float = 0.0) -> None:
    """Comes back once the database lets us in; a database that is away may take `patience` seconds."""
    deadline, pause = time.monotonic() + patience, 0.5
    while refusal := await _refusal(database):
        if not _is_temporary(refusal) or time.monotonic() + pause > deadline:
            raise DatabaseUnusable(_advice(refusal)) from refusal
        log.warning("waiting_for_database", extra={"reason": _reason(refusal), "next_try_in": pause})
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _refusal(database: Database) -> Exception | None:
    try:
        connection = await database.connect()
    except (OSError, asyncpg.PostgresError, *UNREADABLE) as error:
        return error
    await connection.close(timeout=5)
    return None


def _is_temporary(error: Exception) -> bool:
    return isinstance(error, OSError) or _sqlstate(error).startswith(TEMPORARY)


def _sqlstate(error: Exception) -> str:
    return getattr(error, "sqlstate", None) or ""


def _reason(error: Exception) -> str:
    return on_one_line(error) or type(error).__name__


def _advice(error: Exception) -> str:
    """What an address that cannot be read holds is not shown: pieces of it may be a password."""
    if isinstance(error, UNREADABLE):
        return "DATABASE_URL is no address of a PostgreSQL: write postgresql://user:password@host:5432/name"
    if isinstance(error, OSError):
        return (
            f"the database cannot be reached ({_reason(error)}): "
            "see that it runs, and that DATABASE_URL has the right host and port"
        )
    if _sqlstate(error).startswith("28"):
        return f"the database does not let us in ({_reason(error)}): correct the login in DATABASE_URL"
    if _sqlstate(error).startswith("3D"):
        return f"the database is not there ({_reason(error)}): create it, or correct DATABASE_URL"
    return f"the database cannot be used now ({_reason(error)}): try again later, or look into its log"
