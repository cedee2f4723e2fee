"""The pages' scripts are strictly typed, by types that are made of the contract."""

import shutil
import subprocess
from pathlib import Path

import pytest

from app.pages.api import STATIC
from tests.installed import node_modules_in
from tests.waiting import PATIENCE

HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / "openapi" / "openapi.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the scripts, the generated types and npm's packages."""
    programs = node_modules_in(tmp_path) / ".bin"
    shutil.copytree(STATIC, tmp_path / "static")
    shutil.copy(HERE / "tsconfig.json", tmp_path)
    assert not faults(tmp_path, programs / "openapi-typescript", CONTRACT, "--output", "schema.d.ts")
    return tmp_path


def faults(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=4 * PATIENCE
    )
    return done.stdout + done.stderr if done.returncode else ""


def type_faults(project: Path) -> str:
    return faults(project, project / "node_modules" / ".bin" / "tsc", "--project", "tsconfig.json")


@pytest.mark.nightly  # the contract's types alone take seconds
def test_the_scripts_keep_to_the_contract(project: Path) -> None:
    assert type_faults(project) == ""
    script = project / "static" / "respond" / "main.js"
    planted = script.read_text(encoding="utf-8").replace("form().allow_changes", "form().may_change")
    script.write_text(planted, encoding="utf-8")
    assert "may_change" in type_faults(project)
