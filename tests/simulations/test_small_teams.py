import pytest

from tests.simulations.small_teams import decisions


@pytest.mark.nightly
def test_what_a_small_team_is_advised_is_about_as_often_right_as_it_is_said_to_be() -> None:
    drawn, raw = (found.mean(axis=0) for found in decisions(runs=8))
    assert drawn[0] == pytest.approx(drawn[1], abs=0.06)
    assert abs(drawn[0] - drawn[1]) <= abs(raw[0] - raw[1])
