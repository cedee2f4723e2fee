import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.embedded.servers import REPOSITORY, USER, StartUser, User, servers_below
from tests.waiting import as_in_a_terminal


@pytest.fixture
def start_user(tmp_path: Path) -> Iterator[StartUser]:
    users: list[User] = []

    def start(folder: Path, *options: str) -> User:
        command = [sys.executable, "-c", USER, str(folder), *options]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        users.append(
            subprocess.Popen(
                command,
                cwd=REPOSITORY,
                start_new_session=True,
                preexec_fn=as_in_a_terminal,  # noqa: PLW1509 nothing of ours runs in another thread
                **pipes,
            )
        )
        return users[-1]

    yield start
    for user in users:
        user.kill()
        user.communicate()
    for process in servers_below(tmp_path):
        os.kill(process, signal.SIGKILL)
