"""Reference values and data that nobody in this project computed: tests/golden/README.md says who did."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[1] / "golden"
RELATIVE = 1e-6  # the tolerance of every entry used here


def entries() -> dict[str, Any]:
    every = _reference()
    del every["_meta"]
    return every


def digests() -> dict[str, str]:
    """SHA-256 of each file the values were computed of."""
    pinned: dict[str, str] = _reference()["_meta"]["sha256"]
    return pinned


def reference(entry: str) -> Any:
    return entries()[entry]["value"]


def columns(file: str, *names: str) -> list[NDArray[np.float64]]:
    """NaN where the file has nothing."""
    with (FOLDER / file).open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [np.array([float(row[name] or "nan") for row in rows]) for name in names]


def column(file: str, name: str) -> NDArray[np.float64]:
    return columns(file, name)[0]


def texts(file: str, name: str) -> NDArray[np.str_]:
    with (FOLDER / file).open(newline="") as lines:
        return np.array([row[name] for row in csv.DictReader(lines)])


def close(expected: Any) -> Any:
    return pytest.approx(expected, rel=RELATIVE)


def _reference() -> dict[str, Any]:
    everything: dict[str, Any] = json.loads((FOLDER / "reference.json").read_text())
    return everything
