"""The mappings that come with the service."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "mappings"


@cache
def mappings() -> dict[str, dict[str, Any]]:
    """By name, such as bamboohr; read once."""
    files = sorted(FOLDER.glob("*.yaml"))
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}
