"""The image's health check: it asks where the first process of the container listens, whatever that is."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core import alive
from app.serving import open_door

LISTEN = {"BETROKKEN_WORKER_LISTEN": "0.0.0.0:8001"}


@pytest.mark.parametrize(
    ("command", "environment", "door"),
    [
        ("betrokken serve --host 0.0.0.0", LISTEN, "http://127.0.0.1:8000"),
        ("betrokken serve --host 0.0.0.0 --port 9000", {}, "http://127.0.0.1:9000"),
        ("betrokken serve --port=9000 --workers 4", {}, "http://127.0.0.1:9000"),
        ("docker-init -- python betrokken serve --port 80 --port 81", {}, "http://127.0.0.1:81"),
        ("betrokken serve --host :: --port 9000", {}, "http://[::1]:9000"),
        ("betrokken serve --host 10.1.2.3", {}, "http://10.1.2.3:8000"),
        ("betrokken demo --port 8100", {}, "http://127.0.0.1:8100"),
        ("betrokken worker", LISTEN, "http://127.0.0.1:8001"),
        ("betrokken worker", {"BETROKKEN_WORKER_LISTEN": "[::]:8009"}, "http://[::1]:8009"),
        ("betrokken worker", {"BETROKKEN_WORKER_LISTEN": "8002"}, "http://127.0.0.1:8002"),
        ("betrokken worker", {}, None),
        ("betrokken migrate", LISTEN, None),
    ],
)
def test_it_follows_the_port_and_knows_a_worker(
    command: str, environment: dict[str, str], door: str | None
) -> None:
    assert alive.door_of(command.split(), environment) == door


def test_nobody_there_is_not_alive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with open_door("127.0.0.1", 0) as closed:
        port = closed.getsockname()[1]
    first = tmp_path / "cmdline"
    first.write_bytes(f"betrokken\0serve\0--port\0{port}\0".encode())
    monkeypatch.setattr(alive, "FIRST", first)
    with pytest.raises(OSError, match="refused"):
        alive.main()


def test_asking_loads_nothing_of_the_service() -> None:
    code = "import sys, app.core.alive; print(*(m for m in sys.modules if m.startswith('app')), sep=' ')"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["app", "app.core", "app.core.alive"]
