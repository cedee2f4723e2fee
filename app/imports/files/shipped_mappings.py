"""The mappings that come with the service."""

from functools import cache
from pathlib import Path
from typing import Any

from app.core.shipped import read_yaml

FOLDER = Path(__file__).parent / "mappings"


@cache
def mappings() -> dict[str, dict[str, Any]]:
    """By name, such as bamboohr; read once."""
    files = sorted(FOLDER.glob("*.yaml"))
    return {file.stem: read_yaml(file) for file in files}
