"""What an operator can correct: the message of each says how."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from app.core.archive import BackupRefused
from app.core.database import DBAPIError
from app.core.errors import AppError, is_passing, words_of
from app.core.migrations import MigrationRefused
from app.core.one_line import on_one_line
from app.core.reaching import DatabaseUnusable
from app.core.secrets import SecretMissing
from app.core.settings import variable_of
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
    MigrationRefused,
    OSError,
)


IN_SETTINGS_ERROR = re.compile(r'field "(\w+)"')


def line_of_setting(fault: Mapping[str, Any]) -> str:
    """By its environment variable, which is what somebody set."""
    said = fault.get("ctx", {}).get("error") or words_of(fault)
    if not fault["loc"]:
        return on_one_line(said)
    return on_one_line(f"{variable_of(str(fault['loc'][0]))} cannot be used: {said}").rstrip(".")


def line_of(error: Exception) -> str | None:
    """None of what only we can correct."""
    if isinstance(error, ValidationError):
        return line_of_setting(error.errors()[0])
    if isinstance(error, SettingsError):
        named = IN_SETTINGS_ERROR.search(str(error))
        return f"{variable_of(named[1]) if named else 'a setting'} is no JSON: write it as settings.md has it"
    if isinstance(error, DBAPIError):
        return f"the database cannot be used: {on_one_line(error.orig)}" if is_passing(error) else None
    return on_one_line(error) if isinstance(error, ONE_LINERS) else None
