"""Files that come along with the code."""

from pathlib import Path
from typing import Any, Final

import yaml

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, which takes a tenth of the time; Python's own where PyYAML was built without it."""


def read_yaml(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 a safe loader
