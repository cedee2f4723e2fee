"""The image, built and started."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.process import environment_of, free_port, is_ready
from tests.packaging.image import Builder, missing
from tests.silence import way_to
from tests.waiting import until

pytestmark = pytest.mark.nightly
MOST_MEGABYTES = 400
"""On top of the base."""
USER = "10001:10001"
OF_IMAGE = {
    "PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
    "BETROKKEN_DATA_DIR": "/var/lib/betrokken",
    "HOME": "/nonexistent",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if reason := missing():
        pytest.skip(reason)
    builder = Builder(tmp_path_factory.mktemp("image"))
    try:
        try:
            builder.make_base()
        except subprocess.CalledProcessError:
            pytest.skip("debootstrap could not fetch a Debian")
        builder.build()
        yield builder.mounted()
    finally:
        builder.buildah("rm", "--all")
        builder.buildah("rmi", "--all", "--force")


def inside(root: Path, *command: str) -> list[str]:
    return [shutil.which("chroot") or "chroot", f"--userspec={USER}", str(root), *command]


def test_it_is_not_large(root: Path) -> None:
    folders = [root / name for name in ("opt/venv", "srv/betrokken")]
    told = subprocess.run(["du", "-smc", *folders], capture_output=True, text=True, check=True).stdout
    assert int(told.splitlines()[-1].split()[0]) < MOST_MEGABYTES, told


def test_it_tells_its_version(root: Path) -> None:
    done = subprocess.run(
        inside(root, "betrokken", "--version"), env=OF_IMAGE, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()[:1]) == (0, ["betrokken"]), done.stderr


@asynccontextmanager
async def running(root: Path, environment: dict[str, str], *command: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *inside(root, "betrokken", *command), env=environment | OF_IMAGE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_it_serves_and_works_as_its_own_user(root: Path, module_database: str) -> None:
    port, other = free_port(), free_port()
    async with way_to(module_database) as way:
        environment = environment_of(way.url)
        async with (
            running(root, environment, "serve", "--port", str(port)),
            running(root, environment | {"BETROKKEN_WORKER_LISTEN": str(other)}, "worker"),
        ):
            for each in (port, other):
                await until(lambda each=each: asyncio.to_thread(is_ready, f"http://127.0.0.1:{each}"))  # type: ignore[misc]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                assert (await client.get("/docs")).status_code == 200


def test_its_health_check_runs_in_it(root: Path) -> None:
    code = "from app.core import alive; print(alive.door_of(['serve', '--port', '9'], {}))"
    done = subprocess.run(
        inside(root, "python", "-I", "-c", code), env=OF_IMAGE, capture_output=True, text=True, check=False
    )
    assert done.stdout == "http://127.0.0.1:9\n", done.stderr
