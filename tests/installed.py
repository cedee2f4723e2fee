"""Programs of others that `make test` installs from their locks into .venv; a test without them says so."""

import sys
from pathlib import Path

import pytest

READERS, NPM = Path(sys.prefix) / "readers", Path(sys.prefix) / "npm"


def reader_programs() -> Path:
    """Where khal and vdirsyncer are."""
    return has_been_installed(READERS) / "bin"


def node_modules_in(folder: Path) -> Path:
    """npm's packages, for a script in this folder."""
    here = folder / "node_modules"
    here.symlink_to(has_been_installed(NPM) / "node_modules")
    return here


def has_been_installed(folder: Path) -> Path:
    if not (folder / ".installed").exists():
        pytest.skip(f"{folder.name} is not installed beside Python: `make test` does it")
    return folder
