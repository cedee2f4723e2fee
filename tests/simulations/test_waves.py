from tests.simulations.waves import coverage, independent, served


def test_the_interval_over_waves_of_the_same_teams_holds_the_truth() -> None:
    assert coverage(served, 12, 4, 0.5, runs=120) >= 0.9


def test_waves_taken_as_independent_would_be_found_too_narrow() -> None:
    assert coverage(independent, 20, 4, 0.0, runs=300) < 0.9
