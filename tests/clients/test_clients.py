"""Clients made from the contract by others' generators compile under strict types and do the main job."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.contract import contract
from tests.acceptance.process import PATIENCE, Api, Service
from tests.contract import operations
from tests.installed import node_modules_in

HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / "openapi" / "openapi.yaml"
PACKAGE = "betrokken_client"
GENERATOR_CONFIG = f"package_name_override: {PACKAGE}\npost_hooks: []\n"
MYPY_CONFIG = f"""
[mypy]
strict = True
[mypy-{PACKAGE}.client]
disable_error_code = arg-type
"""
"""The one exception: the generator's own fixed file passes `*args: object` on, whatever the contract says."""
PRINTED = "1 8 8 8 47 75"
pytestmark = pytest.mark.acceptance


def run(*command: str | Path, cwd: Path, patience: float = 4 * PATIENCE) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=patience)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def key_of(api: Api) -> str:
    return api.headers["authorization"].removeprefix("Bearer ")


@pytest.fixture(scope="module")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated package and the script that uses it."""
    folder = tmp_path_factory.mktemp("python")
    (folder / "generator.yaml").write_text(GENERATOR_CONFIG)
    generate = (program("openapi-python-client"), "generate", "--path", CONTRACT, "--meta", "none")
    run(*generate, "--output-path", PACKAGE, "--config", "generator.yaml", cwd=folder)
    shutil.copy(HERE / "python" / "main_job.py", folder)
    return folder


@pytest.mark.nightly
def test_the_python_client_is_complete(python_client: Path) -> None:
    modules = {file.stem for file in (python_client / PACKAGE / "api").rglob("*.py")}
    assert not {operation.id for operation in operations()} - modules


@pytest.mark.nightly  # mypy reads more than a thousand files
def test_the_python_client_is_strictly_typed(python_client: Path) -> None:
    (python_client / "mypy.ini").write_text(MYPY_CONFIG)
    run(program("mypy"), "main_job.py", PACKAGE, "--config-file", "mypy.ini", cwd=python_client)


@pytest.mark.nightly
def test_the_python_client_does_the_main_job(python_client: Path, service: Service) -> None:
    key = key_of(service.organization("Python"))
    assert run(sys.executable, "main_job.py", service.url, key, cwd=python_client).strip() == PRINTED


@pytest.fixture(scope="module")
def typescript_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated types, the script that uses them and npm's packages."""
    folder = tmp_path_factory.mktemp("typescript")
    bin_of_npm = node_modules_in(folder) / ".bin"
    shutil.copytree(HERE / "typescript", folder, dirs_exist_ok=True)
    run(bin_of_npm / "openapi-typescript", CONTRACT, "--output", "schema.d.ts", cwd=folder)
    run(bin_of_npm / "tsc", "--project", "tsconfig.json", cwd=folder)
    return folder


@pytest.mark.nightly
def test_the_typescript_client_is_strictly_typed_and_does_the_main_job(
    typescript_client: Path, service: Service
) -> None:
    key = key_of(service.organization("TypeScript"))
    script = typescript_client / "built" / "main_job.mjs"
    assert run("node", script, service.url, key, cwd=typescript_client).strip() == PRINTED


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("event", "printed"),
    [
        ("person.left", "E-1042 leaves on 2026-12-31"),
        ("survey.released", "release 1 of 0198f0d4-1a2b-7c3d-8e4f-5a6b7c8d9e0f, the last"),
        ("webhook.test", "webhook.test"),
    ],
)
def test_a_receiver_in_typescript_knows_events_by_their_types(
    event: str, printed: str, typescript_client: Path
) -> None:
    media = contract()["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]
    script = typescript_client / "built" / "receiver.mjs"
    assert run("node", script, json.dumps(media["example"]), cwd=typescript_client).strip() == printed
