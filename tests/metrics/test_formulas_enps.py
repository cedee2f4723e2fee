import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics.formulas import Enps, enps

RATINGS = st.lists(st.integers(0, 10), min_size=1, max_size=60).map(np.array)


def score(ratings: NDArray[np.integer]) -> Enps:
    result = enps(ratings)
    assert result is not None
    return result


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
