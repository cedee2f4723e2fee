import pytest

from tests.simulations.quadrants import RELIABILITIES, errors_of_shares


@pytest.mark.parametrize("reliability", RELIABILITIES)
def test_expected_shares_lie_nearer_to_the_truth_than_the_observed(reliability: float) -> None:
    observed, expected = errors_of_shares(reliability, n=300, runs=60)
    assert expected < observed
