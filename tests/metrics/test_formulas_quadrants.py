import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics.formulas import QUADRANTS, pomp, quadrant_of, quadrant_shares

NAN = float("nan")
SCORES = st.lists(st.tuples(st.integers(0, 16), st.integers(0, 16)), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("satisfaction", "engagement", "quadrant"),
    [
        (62.5, 62.5, "thriving"),
        (62.5, 62.4, "content"),
        (62.4, 62.5, "stretched"),
        (62.4, 62.4, "detached"),
        (100, 0, "content"),
        (0, 100, "stretched"),
    ],
)
def test_a_score_on_the_cut_is_high(satisfaction: float, engagement: float, quadrant: str) -> None:
    (index,) = quadrant_of(np.array([satisfaction]), np.array([engagement]))
    assert QUADRANTS[index] == quadrant


def test_a_mean_that_rounding_puts_just_under_the_cut_is_high() -> None:
    thirds = pomp([[4, 3, 1, 4, 3, 4, 1, 3]], 1, 4).cumsum(axis=1)[:, -1] / 8 - 1e-13
    assert thirds == pytest.approx(62.5)
    assert quadrant_of(thirds, thirds)[0] == QUADRANTS.index("thriving")


@given(SCORES)
def test_shares_sum_to_one_inside_their_intervals(sixteenths: list[tuple[int, int]]) -> None:
    satisfaction, engagement = np.array(sixteenths).T * 6.25
    shares = quadrant_shares(satisfaction, engagement)
    assert shares is not None
    assert sum(share.share for share in shares.values()) == pytest.approx(1)
    for share in shares.values():
        assert 0 <= share.ci.low <= share.share + 1e-12
        assert share.share - 1e-12 <= share.ci.high <= 1
    assert quadrant_shares(satisfaction[::-1], engagement[::-1]) == shares
    swapped = quadrant_shares(engagement, satisfaction)
    assert swapped is not None
    assert swapped["content"] == shares["stretched"]


def test_only_persons_with_both_scores_count() -> None:
    shares = quadrant_shares(np.array([70.0, NAN, 70.0]), np.array([70.0, 70.0, NAN]))
    assert shares is not None
    assert [shares[name].count for name in QUADRANTS] == [1, 0, 0, 0]
    assert quadrant_shares(np.array([NAN]), np.array([70.0])) is None
    assert quadrant_shares(np.array([]), np.array([])) is None
