import pytest

from tests.simulations.drivers import Surveys, coverage, coverage_of_shares, opened, percentiles, served


@pytest.mark.nightly
@pytest.mark.parametrize(("n", "truth"), [(100, 0.05), (100, 0.7), (200, 0.3)])
def test_the_interval_of_r2_holds_the_truth(n: int, truth: float) -> None:
    assert 0.92 <= coverage(served, n, truth, runs=200) <= 0.99


@pytest.mark.nightly
def test_where_nothing_is_explained_the_interval_reaches_0() -> None:
    assert coverage(served, 100, 0.0, runs=200) >= 0.95


def test_the_percentile_interval_would_be_found_too_narrow() -> None:
    assert coverage(percentiles, 100, 0.05, runs=60) < 0.85


@pytest.mark.nightly
@pytest.mark.parametrize(("teams", "alike"), [(10, 0.0), (25, 0.3)])
def test_drivers_say_nothing_of_noise(teams: int, alike: float) -> None:
    assert opened(100, teams, alike, runs=40) <= 0.05


@pytest.mark.nightly
@pytest.mark.parametrize("alike", [0.0, 0.2])
def test_the_intervals_of_shares_hold_the_truth_of_a_lever_that_stands_alone(alike: float) -> None:
    before, of_first, of_all, ranks = coverage_of_shares(Surveys("one alone", 200, 0.3, 0.7, alike), runs=60)
    assert of_first >= 0.88
    assert of_all >= 0.91
    assert ranks >= 0.91
    assert of_first >= before


def test_percentiles_would_be_found_too_narrow() -> None:
    before, of_first, *_ = coverage_of_shares(Surveys("one alone", 100, 0.3, 0.5, 0.0), runs=40)
    assert before < 0.85
    assert of_first >= 0.9
