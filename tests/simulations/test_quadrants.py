import pytest

from tests.simulations.quadrants import OWN, RELIABILITIES, errors_of_shares


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("reliability", RELIABILITIES)
def test_expected_shares_lie_nearer_to_the_truth_than_the_observed(reliability: float, own: float) -> None:
    observed, _, expected = errors_of_shares(reliability, own, n=300, runs=6)
    assert expected < observed


def test_what_a_facet_has_of_its_own_is_not_taken_for_error() -> None:
    observed, before, expected = errors_of_shares(0.9, 0.6, n=300, runs=12)
    assert expected < observed < before
