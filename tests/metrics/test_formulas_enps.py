from math import hypot

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics.formulas import Enps, enps
from tests.metrics.golden import close, column, reference, texts

RATINGS = st.lists(st.integers(0, 10), min_size=1, max_size=60).map(np.array)


def score(ratings: NDArray[np.integer]) -> Enps:
    result = enps(ratings)
    assert result is not None
    return result


def sentiment() -> NDArray[np.int64]:
    return column("job_retention.csv", "sentiment").astype(np.int64)


def test_sentiment_as_the_r_package_nps_scores_it() -> None:
    expected, result = reference("enps.job_retention_sentiment"), score(sentiment())
    assert (result.n, result.promoters, result.passives, result.detractors) == tuple(
        expected[name] for name in ("n", "promoters", "passives", "detractors")
    )
    assert [result.score, result.se] == close([expected["enps"], expected["se"]])
    assert [result.wald.low, result.wald.high] == close([expected["lower"], expected["upper"]])


def test_intention_as_the_r_package_nps_scores_it() -> None:
    expected = reference("enps.job_retention_intention")
    result = score(column("job_retention.csv", "intention").astype(np.int64))
    assert [result.score, result.se] == close([expected["enps"], expected["se"]])
    assert (result.promoters, result.passives, result.detractors) == (120, 537, 3113)


def test_errors_of_two_groups_add_up_as_the_r_package_nps_has_it() -> None:
    expected = reference("enps_diff.job_retention_low_vs_high")
    levels, ratings = texts("job_retention.csv", "level"), sentiment()
    low, high = score(ratings[levels == "Low"]), score(ratings[levels == "High"])
    assert [low.score, high.score] == close([expected["enps_low"], expected["enps_high"]])
    assert (low.n, high.n) == (expected["n_low"], expected["n_high"])
    assert hypot(low.se, high.se) == close(expected["se_diff"])


def test_the_adjusted_interval_by_hand() -> None:
    result = score(np.array([10] * 4 + [8] * 2 + [0]))
    up, down = 4.75 / 10, 1.75 / 10
    half = 1.959963984540054 * 100 * ((up + down - (up - down) ** 2) / 10) ** 0.5
    assert (result.ci.low, result.ci.high) == pytest.approx((30 - half, 30 + half))


@given(RATINGS)
def test_score_and_interval_stay_within_their_range(ratings: NDArray[np.int64]) -> None:
    result = score(ratings)
    assert result.promoters + result.passives + result.detractors == result.n == len(ratings)
    assert -100 <= result.ci.low < result.ci.high <= 100
    assert -100 <= result.score <= 100
    assert score(ratings[::-1]) == result


def test_all_promoters_still_leave_room_for_doubt() -> None:
    result = score(np.array([10] * 8))
    assert (result.score, result.se, result.wald.low) == (100, 0, 100)
    assert result.ci.low < result.ci.high == 100


def test_nobody_gives_no_score_and_other_scales_are_refused() -> None:
    assert enps(np.array([], dtype=np.int64)) is None
    for off in (-1, 11):
        with pytest.raises(ValueError, match="off 0-10"):
            enps(np.array([5, off]))
