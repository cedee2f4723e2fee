"""The suite of `make faults`, in short; and that it finds a service that acknowledges before it commits."""

import pytest

from tests.conftest import GIVEN_DATABASE
from tests.faults.injections import KINDS
from tests.faults.run import run
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


def test_a_few_faults_lose_nothing_that_was_acknowledged() -> None:
    outcome = run(SHORT, len(SHORT), healed_within=PATIENCE)
    assert outcome.faults == []
    assert [row.injected for row in outcome.rows.values()] == [1] * len(SHORT)
    assert outcome.acknowledged > 0


@pytest.mark.nightly
def test_a_planted_mistake_is_found() -> None:
    outcome = run(["service killed"], 30, healed_within=PATIENCE, program="tests.faults.planted")
    assert any("was acknowledged and is lost" in fault for fault in outcome.faults)


@pytest.mark.nightly
def test_there_are_as_many_kinds_as_the_guide_says() -> None:
    assert len(KINDS) >= 20
