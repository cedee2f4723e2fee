"""The arrows of CONTRIBUTING.md: between slices by import-linter, by role of a module in tests/roles.py."""

import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import grimp
import pytest

from tests.roles import EXCEPTIONS, OTHERS, OUTSIDE, SPEAKS, faults, role_of, silent
from tests.structure import count, floors
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", include_external_packages=True, cache_dir=None)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def test_imports_follow_the_arrows() -> None:
    found = lint_imports(ROOT)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (
            "recognition/rules.py",
            "import app.surveys.rules",
            "app.recognition is not allowed to import app.surveys",
        ),
        ("people/queries.py", "import app.scim.errors", "app.people is not allowed to import app.scim"),
        ("core/audit.py", "import app.people.rules", "app.core is not allowed to import app.people"),
        (
            "recognition/chat/queries.py",
            "import app.recognition.chat.service",
            "app.recognition.chat.queries is not allowed to import app.recognition.chat.service",
        ),
        ("metrics/formulas/gap.py", "import app.metrics.definitions", "app.core"),
        ("weather/rules.py", "", "app.weather"),
    ],
)
def test_a_line_that_crosses_the_arrows_is_found(tmp_path: Path, file: str, line: str, said: str) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    planted = tmp_path / "app" / file
    planted.parent.mkdir(exist_ok=True)
    (planted.parent / "__init__.py").touch()
    with planted.open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    found = lint_imports(tmp_path)
    assert found.returncode == 1, found.stderr
    assert said in " ".join(found.stdout.split())


def test_every_module_has_a_role_and_keeps_to_it(graph: grimp.ImportGraph) -> None:
    assert faults(graph) == set()
    assert silent(graph) == set()
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
        ("app.mail.letters", "fastapi"),
        ("app.mail.letters", "app.core.settings"),
        ("app.mail.planned", "sqlalchemy"),
        ("app.mail.dispatcher", "sqlalchemy"),
        ("app.core.settings", "fastapi"),
        ("app.core.secrets", "sqlalchemy"),
        ("app.core.jobs", "starlette"),
        ("app.auth.principal", "fastapi"),
        ("app.cli.demonstrating", "fastapi"),
        ("app.people", "fastapi"),
    ],
)
def test_a_planted_import_is_found(graph: grimp.ImportGraph, module: str, imported: str) -> None:
    planted = deepcopy(graph)
    assert {module, imported} <= planted.modules
    planted.add_import(importer=module, imported=imported)
    expected = "has no role" if module == "app.people" else f"must not import {imported}"
    assert f"{module} {expected}" in faults(planted)


WEB_SPEAKERS, SQL_SPEAKERS = frozenset({"api"}), frozenset({"queries", "tables"})
SPEAKERS = {
    "fastapi": WEB_SPEAKERS,
    "starlette": WEB_SPEAKERS,
    "sqlalchemy": SQL_SPEAKERS,
    "sqlmodel": SQL_SPEAKERS,
    "asyncpg": SQL_SPEAKERS,
    "httpx": frozenset({"sender", "mail"}),
}


def test_each_package_is_found_in_every_module_that_does_not_speak_it(graph: grimp.ImportGraph) -> None:
    """Planted in all of them at once: a package is for those of some roles, and for those that are listed."""
    planted = deepcopy(graph)
    modules = [module for module in graph.modules if role_of(module)]
    every = {(module, package) for module in modules for package in OUTSIDE}
    for module, package in every:
        planted.add_import(importer=module, imported=package)
    found = faults(planted)
    unfound = {pair for pair in every if f"{pair[0]} must not import {pair[1]}" not in found}
    listed = {
        (module, package)
        for packages, names in SPEAKS.values()
        for module in names.split()
        for package in packages
    }
    assert unfound - listed == {pair for pair in every - listed if role_of(pair[0]) in SPEAKERS[pair[1]]}
    assert SPEAKERS.keys() == OUTSIDE


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


@pytest.mark.parametrize(
    ("arrows", "number"),
    [
        ({"a": set(), "b": set()}, 1),
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, 3),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, 2),
    ],
)
def test_floors_are_the_longest_way_down(arrows: dict[str, set[str]], number: int) -> None:
    assert floors(arrows) == number
    assert count(arrows) == sum(len(below) for below in arrows.values())
