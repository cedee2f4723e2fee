"""The suite of `make faults`, in short; and that it finds a service that acknowledges before it commits."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.conftest import GIVEN_DATABASE
from tests.faults.injections import KINDS
from tests.faults.load import KINDS as WORK
from tests.faults.run import Outcome, Row, run
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(
    GIVEN_DATABASE is not None, reason="kills its database: only its own, the embedded one"
)
SHORT = [
    "PostgreSQL ended at once",
    "all lines ended by the server",
    "lines cut",
    "clients gone amid a request",
]


@pytest.mark.nightly
def test_a_few_faults_lose_nothing_that_was_acknowledged() -> None:
    outcome = run(SHORT, len(SHORT), healed_within=PATIENCE)
    assert outcome.faults == []
    assert [row.injected for row in outcome.rows.values()] == [1] * len(SHORT)
    assert outcome.acknowledged.keys() == set(WORK)
    assert outcome.is_good


def test_a_kind_that_was_not_injected_is_no_success_and_what_cannot_be_done_is_told() -> None:
    outcome = Outcome({"done": Row(1), "left out": Row(), "cannot": Row(note="skipped: no small disk")})
    assert (outcome.missing, outcome.is_good) == (["left out"], False)
    lines = outcome.table().splitlines()
    assert lines[2].endswith("NOT INJECTED")
    assert lines[3].endswith("skipped: no small disk")
    del outcome.rows["left out"]
    assert outcome.is_good


@pytest.mark.nightly
@pytest.mark.parametrize("work", [(), ("response",), ("invited",)], ids=str)
def test_a_planted_mistake_is_found(work: Sequence[str]) -> None:
    """By the command, with all its load, and by each of the two doors that answers come in by."""
    chosen = [word for kind in work for word in ("--load", kind)]
    found = command("--planted", "--injections", "10", "--only", "service killed", *chosen)
    assert found.returncode == 1, found.stdout
    assert "was acknowledged and is lost" in found.stdout, found.stderr


@pytest.mark.nightly
def test_the_command_fails_where_a_kind_was_left_out() -> None:
    found = command("--injections", "1", "--only", "lines cut", "--only", "new lines refused")
    assert found.returncode == 1, found.stderr
    assert "NOT INJECTED" in found.stdout
    assert "WRONG" not in found.stdout


def command(*options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "tests.faults", "--healed-within", str(PATIENCE), *options]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.mark.nightly
def test_there_are_as_many_kinds_as_the_guide_says() -> None:
    assert len(KINDS) >= 20
