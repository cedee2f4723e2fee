"""The README's first integration is run as it stands, and must print what the README says it printed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.process import PATIENCE, Service

AT_A_GLANCE = 'call "$URL/v1/metrics/overview?survey_id=$SURVEY&by=organization&by=team"'
"""Nobody answered the question of the eNPS."""
README = Path(__file__).parents[2] / "README.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"README.md has no ```{language} block"
    return found[1]


def lasting(answer: Any) -> Any:
    """Without what is another each time: the id of the survey, and when things happened."""
    if isinstance(answer, list):
        return [lasting(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    kept = {name: lasting(value) for name, value in answer.items() if not name.endswith("_at")}
    return kept | {"survey": kept["survey"] | {"id": ...}} if "survey" in kept else kept


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_integration_prints_what_it_says(service: Service) -> None:
    beside = str(Path(sys.executable).parent)
    environment = {
        **service.environment,
        "URL": service.url,
        "PATH": f"{beside}:{service.environment['PATH']}",
    }
    script = f"set -eu\n{block('sh')}\n{AT_A_GLANCE}"
    done = subprocess.run(
        ["sh", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    metrics, overview = [answer for answer in answers if "ci_level" in answer]
    assert lasting(metrics) == lasting(json.loads(block("json")))
    assert [group["enps"]["status"] for group in overview["groups"]] == ["suppressed"] * 2
