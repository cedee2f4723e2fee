"""The guides are run as they stand, one after another in one organisation, as a newcomer would."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.process import PATIENCE, Service
from tests.clients.test_clients import key_of

GUIDES = Path(__file__).parents[2] / "openapi" / "guides"
LAST_WORDS = {
    "nightly-sync": '"name":"Bram Smits"',
    "survey-round": '"engagement":{"score":',
    "kudos-from-chat": '"response_type":"in_channel"',
    "dashboard": "304",
    "charts": "image/png",
    "connections": "1 created",
}
"""In the order they build on one another, what the last line each prints has in it."""


def commands(guide: str) -> str:
    return "\n".join(re.findall(r"```sh\n(.*?)```", (GUIDES / f"{guide}.md").read_text("utf-8"), re.DOTALL))


def test_every_guide_with_commands_is_run() -> None:
    assert {file.stem for file in GUIDES.glob("*.md") if commands(file.stem)} == set(LAST_WORDS)


@pytest.mark.nightly
@pytest.mark.acceptance
@pytest.mark.skipif(not all(map(shutil.which, ("curl", "openssl"))), reason="curl or openssl is missing")
def test_the_guides_do_what_they_say(service: Service, tmp_path: Path) -> None:
    key = key_of(service.organization("Guides"))
    beside = f"{Path(sys.executable).parent}:{service.environment['PATH']}"
    environment = {**service.environment, "PATH": beside, "URL": service.url, "KEY": key}
    for guide, words in LAST_WORDS.items():
        done = subprocess.run(
            ["sh", "-c", "set -eu\n" + commands(guide)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=10 * PATIENCE,
        )
        assert done.returncode == 0, f"{guide}: {done.stdout[-1500:]}{done.stderr}"
        assert words in done.stdout.strip().splitlines()[-1], f"{guide}: {done.stdout[-1500:]}"
        assert '"failed":0' in done.stdout or '"failed"' not in done.stdout, guide
