"""`make` installs what the locks say, on any later day, with the pip that each Python brings."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

REPOSITORY = Path(__file__).parents[2]
LOCKS = [REPOSITORY / f"requirements{of}.lock" for of in ("", "-charts", "-demo", "-dev")]
OWN = ("Makefile", "pyproject.toml", "README.md", "LICENSE", "app", "alembic", "openapi")
PATIENCE = 1800
ASK = """
import ensurepip, json, sys, venv
print(json.dumps([sys.base_prefix, sys.version_info[:2], ensurepip.version()]))
"""
RESOLVES_PAST_A_LOCK = (23, 2, 1)
OFFLINE = ("NewConnectionError", "NameResolutionError")
BACKEND = """
import shutil
def build_editable(folder, *_):
    return shutil.copy("project-1-py3-none-any.whl", folder).rpartition("/")[2]
"""
PROJECT = """
[project]
name = "project"
version = "1"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def wheel(folder: Path, name: str, version: str, *lines: str) -> str:
    """An empty package with these lines in its metadata; says its line of a lock."""
    info, path = f"{name}-{version}.dist-info", folder / f"{name}-{version}-py3-none-any.whl"
    metadata = "\n".join(("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines))
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", metadata + "\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """With this repository's Makefile, and a lock older than the newest release of what an extra asks for."""
    folder, index = tmp_path / "project", tmp_path / "index"
    folder.mkdir()
    index.mkdir()
    extra = ("Provides-Extra: more", 'Requires-Dist: beside; extra == "more"')
    wheel(index, "asked", "2", *extra)
    locked = [
        wheel(index, "asked", "1", *extra),
        wheel(index, "asks", "1", "Requires-Dist: asked[more]"),
        wheel(index, "beside", "1"),
    ]
    (folder / "requirements-demo.lock").write_text("".join(locked))
    wheel(folder, "project", "1", "Requires-Dist: asks")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT)
    shutil.copy(REPOSITORY / "Makefile", folder)
    return folder


class Python(NamedTuple):
    program: Path
    version: tuple[int, int]
    pip: tuple[int, ...]


def pythons() -> list[Python]:
    """Those of this machine that can serve and can make environments, the one with the oldest pip first."""
    folders = [Path(sys.base_prefix) / "bin", *map(Path, os.get_exec_path()), Path("/usr/bin")]
    folders += sorted(Path.home().glob(".pyenv/versions/*/bin"))
    programs = [folder / f"python3{minor}" for folder in folders for minor in ("", ".11", ".12", ".13")]
    found: dict[tuple[str, tuple[int, int]], Python] = {}
    for program in filter(Path.is_file, dict.fromkeys(programs)):
        told = subprocess.run(
            [program, "-c", ASK], capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        if told.returncode == 0:
            prefix, version, pip = json.loads(told.stdout)
            number = tuple(int(part) for part in pip.split("."))
            found.setdefault((prefix, tuple(version)), Python(program, tuple(version), number))
    able = [python for python in found.values() if (3, 11) <= python.version <= (3, 13)]
    return sorted(able, key=lambda python: python.pip)


def make(folder: Path, target: str, python: Python, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", target, f"PYTHON={python.program}"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def make_demo(project: Path, python: Python) -> subprocess.CompletedProcess[str]:
    """From the folder index alone, whatever this machine's pip is told elsewhere."""
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project.parent / "index")}
    return make(project, ".venv/.demo", python, PIP_CONFIG_FILE=os.devnull, **index)


def installed(project: Path) -> set[str]:
    command = [project / ".venv" / "bin" / "python", "-m", "pip", "list", "--format=freeze"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {line for line in listed if line.partition("==")[0] not in ("pip", "setuptools")}


def test_a_release_that_came_out_after_the_lock_changes_nothing(project: Path) -> None:
    done = make_demo(project, pythons()[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(project) == {"asked==1", "asks==1", "beside==1", "project==1"}


@pytest.mark.nightly
def test_an_old_pip_that_resolves_again_refuses_the_lock(project: Path) -> None:
    """The control: so the index is one that would have shown it."""
    python = pythons()[0]
    if python.pip > RESOLVES_PAST_A_LOCK:
        pytest.skip(f"no Python here brings a pip as old as {'.'.join(map(str, RESOLVES_PAST_A_LOCK))}")
    makefile = (project / "Makefile").read_text()
    (project / "Makefile").write_text(makefile.replace(" --no-deps", ""))
    done = make_demo(project, python)
    assert done.returncode
    assert "must have their versions pinned" in done.stderr


@pytest.mark.nightly
def test_what_the_lock_forgets_is_noticed(project: Path) -> None:
    lock = project / "requirements-demo.lock"
    lock.write_text("".join(lock.read_text().splitlines(keepends=True)[1:]))
    done = make_demo(project, pythons()[0])
    assert done.returncode
    assert "requires asked, which is not installed" in done.stdout


def pinned(lock: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9].*?==.*?(?= \\$)", lock.read_text("utf-8"), re.MULTILINE))


def test_what_the_image_and_the_demo_run_on_is_what_is_tested() -> None:
    image, larger, demo, tests = map(pinned, LOCKS)
    assert image < larger < tests
    assert image < demo < tests


def test_no_lock_names_an_address() -> None:
    locks = [*LOCKS, *(REPOSITORY / "tests").rglob("*.lock")]
    assert len(locks) > len(LOCKS)
    assert not [lock for lock in locks if "://" in lock.read_text("utf-8")]
    packages = json.loads((REPOSITORY / "tests" / "npm" / "package-lock.json").read_text("utf-8"))["packages"]
    fetched = [package for path, package in packages.items() if path]
    assert all("integrity" in package and "resolved" not in package for package in fetched)


@pytest.mark.nightly
@pytest.mark.parametrize("lock", ["demo", "installed"])
def test_every_python_here_installs_the_lock_and_imports_the_service(lock: str, tmp_path: Path) -> None:
    for number, python in enumerate(pythons()):
        folder = tmp_path / str(number)
        folder.mkdir()
        for path in (*OWN, *(file.name for file in LOCKS)):
            copy = shutil.copytree if (REPOSITORY / path).is_dir() else shutil.copy
            copy(REPOSITORY / path, folder / path)
        done = make(folder, f".venv/.{lock}", python)
        if any(sign in done.stderr for sign in OFFLINE):
            pytest.skip("no Python package index is to be had here")
        assert done.returncode == 0, f"{python}: {done.stdout}{done.stderr}"
        command = [folder / ".venv" / "bin" / "python", "-c", "import app.main, app.cli"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=PATIENCE)
        shutil.rmtree(folder)
