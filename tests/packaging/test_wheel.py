"""What pip installs of this project serves by itself: built, installed and started in an empty folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.acceptance.process import PATIENCE, eventually, free_port, is_ready

REPOSITORY = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=4 * PATIENCE)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def built(target: str, source: Path, folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder, cwd=source)
    (product,) = folder.iterdir()
    return product


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as an installer does that finds no wheel: from the source distribution."""
    with tarfile.open(built("sdist", REPOSITORY, tmp_path_factory.mktemp("sdist"))) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2 has none
        archive.extractall(unpacked := tmp_path_factory.mktemp("unpacked"))
    (source,) = unpacked.iterdir()
    return built("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with the wheel and, of this one, all but the project itself: its .pth is not read."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", environment / "bin" / "python")
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=environment)
    return environment / "bin"


@pytest.fixture
def served(programs: Path, tmp_path: Path) -> Iterator[str]:
    """On its own PostgreSQL, in a folder where nothing else is."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("BETROKKEN_", "PYTHON"))
    }
    kept.pop("DATABASE_URL", None)
    port = free_port()
    command = [programs / "betrokken", "serve", "--port", str(port)]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, env=kept, stdout=log, stderr=log) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: process.poll() is not None or is_ready(url))
            assert process.poll() is None, (tmp_path / "log").read_text()
            yield url
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


@pytest.mark.nightly
def test_it_serves_in_an_empty_folder(served: str) -> None:
    assert httpx.get(f"{served}/health/ready").json()["status"] == "ok"
    assert httpx.get(f"{served}/openapi.yaml").text == (REPOSITORY / "openapi" / "openapi.yaml").read_text(
        "utf-8"
    )


def tracked(*folders: str) -> set[str]:
    if not shutil.which("git") or not (REPOSITORY / ".git").exists():
        pytest.skip("git does not know which files are the project's: this is no checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.splitlines())


def test_it_has_what_the_checkout_has_and_nothing_else(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = tracked("app") | {
        f"app/{name}" for name in tracked("alembic", "openapi/openapi.yaml", "openapi/openapi.json")
    }
    assert names == expected
