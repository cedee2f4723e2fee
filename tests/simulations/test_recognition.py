from tests.simulations.recognition import coverage, coverage_of_doses, coverage_within


def test_engagement_before_is_held_equal_also_where_it_is_measured_badly() -> None:
    before, now, error_before, error_now = coverage(400, noise=12.0, runs=60)
    assert now >= 0.9
    assert abs(error_now) < 0.3
    assert before < 0.7, "as it was observed it seemed to go with recognition"
    assert error_before > 0.4


def test_doses_and_persons_beside_themselves_hold_the_truth() -> None:
    worst, trend = coverage_of_doses(400, runs=60)
    assert min(worst, trend, coverage_within(120, runs=60)) >= 0.86
