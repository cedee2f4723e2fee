"""The arrows of CONTRIBUTING.md: between slices by import-linter, by role of a module in tests/roles.py."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import grimp
import pytest

from tests.roles import EXCEPTIONS, OTHERS, faults, role_of
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", include_external_packages=True, cache_dir=None)


def test_imports_follow_the_arrows() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_module_has_a_role_and_keeps_to_it(graph: grimp.ImportGraph) -> None:
    assert faults(graph) == set()
    assert all(reason for _, reason in OTHERS.values())
    assert all(EXCEPTIONS.values())


def test_no_module_is_missed(graph: grimp.ImportGraph) -> None:
    files = {file.relative_to(ROOT).with_suffix("") for file in (ROOT / "app").rglob("*.py")}
    modules = {".".join(file.parts).removesuffix(".__init__") for file in files}
    assert modules == {module for module in graph.modules if module.split(".")[0] == "app"}
    assert len(modules) > 300


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("app.recognition.queries", "app.recognition.service"),
        ("app.recognition.chat.queries", "app.recognition.chat.service"),
        ("app.recognition.chat.queries", "app.recognition.service"),
        ("app.recognition.chat.service", "app.recognition.chat.api"),
        ("app.recognition.chat.service", "app.calendar.jobs"),
        ("app.recognition.rules", "app.recognition.queries"),
        ("app.recognition.rules", "app.recognition.schemas"),
        ("app.recognition.schemas", "app.recognition.queries"),
        ("app.recognition.queries", "app.recognition.schemas"),
        ("app.people.persons.service", "fastapi"),
        ("app.people.persons.queries", "fastapi"),
        ("app.people.persons.schemas", "starlette"),
        ("app.people.persons.service", "sqlalchemy"),
        ("app.people.persons.api", "sqlmodel"),
        ("app.metrics.releases.builder", "sqlalchemy"),
        ("app.metrics.views.groups", "starlette"),
        ("app.metrics.formulas.gap", "app.core.database"),
        ("app.metrics.formulas", "app.metrics.schemas.common"),
        ("app.metrics.disclosure.tree", "app.tables.metrics"),
        ("app.metrics.blocks.wave", "sqlalchemy"),
        ("app.metrics.schemas.disclosure", "app.metrics.releases.queries"),
        ("app.tables.people", "app.core.settings"),
        ("app.core.audit", "app.people.persons.service"),
        ("app.scim.mapping", "httpx"),
        ("app.people", "fastapi"),
    ],
)
def test_a_planted_import_is_found(graph: grimp.ImportGraph, module: str, imported: str) -> None:
    planted = deepcopy(graph)
    assert {module, imported} <= planted.modules
    planted.add_import(importer=module, imported=imported)
    expected = "has no role" if module == "app.people" else f"must not import {imported}"
    assert f"{module} {expected}" in faults(planted)


def test_a_planted_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, from the source on."""
    sources = {
        "queries.py": "",
        "service.py": "from sqlalchemy import Row",
        "chat/service.py": "from fastapi import Request",
        "chat/queries.py": "def late():\n    from planted.chat.service import Request",
        "chat/things.py": "",
    }
    room = tmp_path / "planted"
    (room / "chat").mkdir(parents=True)
    for file, source in {"__init__.py": "", "chat/__init__.py": "", **sources}.items():
        (room / file).write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    graph = grimp.build_graph("planted", include_external_packages=True, cache_dir=None)
    assert faults(graph, "planted", {"planted.gone": ("pure", "")}, {("planted.queries", "httpx"): ""}) == {
        "planted.service must not import sqlalchemy",
        "planted.chat.service must not import fastapi",
        "planted.chat.queries must not import planted.chat.service",
        "planted.chat.things has no role",
        "planted.gone is listed, but is not there",
        "planted.queries does not import httpx",
    }


def test_the_outermost_folder_says_the_role() -> None:
    assert role_of("app.metrics.schemas.disclosure") == "schemas"
    assert role_of("app.core.jobs") == "core"
    assert role_of("app.auth.queries") == "queries"
