"""What an operator can correct: the message of each says how."""

from pydantic import ValidationError
from pydantic_settings import SettingsError

from app.core.archive import BackupRefused
from app.core.database import DBAPIError
from app.core.errors import AppError, is_passing
from app.core.migrations import MigrationRefused
from app.core.one_line import on_one_line
from app.core.reaching import DatabaseUnusable
from app.core.secrets import SecretMissing
from app.core.tracing import TracingMissing
from app.embedded.errors import EmbeddedUnavailable
from app.imports.client import SendingFailed

ONE_LINERS = (
    AppError,
    BackupRefused,
    DatabaseUnusable,
    EmbeddedUnavailable,
    SecretMissing,
    TracingMissing,
    SendingFailed,
    SettingsError,
    MigrationRefused,
    OSError,
)


def line_of(error: Exception) -> str | None:
    """None of what only we can correct."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"the setting {'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, DBAPIError):
        return f"the database cannot be used: {on_one_line(error.orig)}" if is_passing(error) else None
    return on_one_line(error) if isinstance(error, ONE_LINERS) else None
