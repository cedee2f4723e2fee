"""Reference values and data that nobody in this project computed; they lie beside the repository."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[3] / "shared/golden"
RELATIVE = 1e-6  # the tolerance of every entry used here


def entries() -> dict[str, Any]:
    every: dict[str, Any] = json.loads(_path("reference.json").read_text())
    del every["_meta"]
    return every


def reference(entry: str) -> Any:
    return entries()[entry]["value"]


def columns(file: str, *names: str) -> list[NDArray[np.float64]]:
    """NaN where the file has nothing."""
    with _path(file).open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [np.array([float(row[name] or "nan") for row in rows]) for name in names]


def column(file: str, name: str) -> NDArray[np.float64]:
    return columns(file, name)[0]


def texts(file: str, name: str) -> NDArray[np.str_]:
    with _path(file).open(newline="") as lines:
        return np.array([row[name] for row in csv.DictReader(lines)])


def close(expected: Any) -> Any:
    return pytest.approx(expected, rel=RELATIVE)


def _path(file: str) -> Path:
    if not FOLDER.is_dir():
        pytest.skip(f"no golden data beside the repository: {FOLDER.name} is missing")
    return FOLDER / file
