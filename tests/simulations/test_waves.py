import pytest

from tests.simulations.waves import coverage, found_by_chance, independent, served


@pytest.mark.nightly
def test_the_interval_over_waves_of_the_same_teams_holds_the_truth() -> None:
    assert coverage(served, 12, 4, 0.5, runs=120) >= 0.9


def test_waves_taken_as_independent_would_be_found_too_narrow() -> None:
    assert coverage(independent, 20, 4, 0.0, runs=300) < 0.9


@pytest.mark.nightly
def test_chance_finds_something_in_a_kpi_in_one_of_twenty_where_all_tests_count() -> None:
    by_p, by_q = found_by_chance(12, 2, runs=200)
    assert by_q <= 0.07
    assert by_p > 0.08, "each test by itself finds more"
