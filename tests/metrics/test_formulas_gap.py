import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics.formulas import gap
from tests.metrics.golden import close, columns, reference

NAN = float("nan")
PAIRS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=3, max_size=40)


@pytest.mark.parametrize(
    ("entry", "first", "second"),
    [
        ("paired.univbct_gap_JOBSAT1_vs_COMMIT1", "JOBSAT1", "COMMIT1"),
        ("paired.univbct_JOBSAT1_2", "JOBSAT1", "JOBSAT2"),
    ],
)
def test_paired_difference_as_scipy_gives_it(entry: str, first: str, second: str) -> None:
    expected = reference(entry)
    result = gap(*columns("univbct_wide.csv", first, second))
    assert result is not None
    assert result.ci is not None
    assert result.n == expected["n"]
    assert [result.mean, result.sd] == close([expected["diff"], expected["sd_diff"]])
    assert [result.ci.low, result.ci.high] == close([expected["lower"], expected["upper"]])
    assert result.dz == close(expected["cohen_dz"])


@given(PAIRS)
def test_swapping_the_two_turns_the_sign(pairs: list[tuple[int, int]]) -> None:
    satisfaction, engagement = np.array(pairs, dtype=np.float64).T
    there, back = gap(satisfaction, engagement), gap(engagement, satisfaction)
    assert there is not None
    assert back is not None
    assert there.mean == pytest.approx(-back.mean)
    assert (there.dz is None) == (np.ptp(engagement - satisfaction) == 0)
    if there.dz is not None and back.dz is not None:
        assert there.dz == pytest.approx(-back.dz)


@given(PAIRS, st.integers(-50, 50))
def test_a_shift_of_both_changes_nothing(pairs: list[tuple[int, int]], shift: int) -> None:
    satisfaction, engagement = np.array(pairs, dtype=np.float64).T
    assert gap(satisfaction + shift, engagement + shift) == gap(satisfaction, engagement)


def test_a_person_with_one_score_does_not_count() -> None:
    result = gap(np.array([10.0, NAN, 30.0, 10.0]), np.array([20.0, 50.0, NAN, 40.0]))
    assert result is not None
    assert (result.n, result.mean) == (2, 20.0)


def test_equal_differences_leave_no_interval_and_no_effect_size() -> None:
    result = gap(np.array([10.0, 20.0]), np.array([15.0, 25.0]))
    assert result is not None
    assert (result.mean, result.ci, result.dz) == (5.0, None, None)


def test_one_pair_and_none() -> None:
    single = gap(np.array([10.0]), np.array([15.0]))
    assert single is not None
    assert (single.n, single.mean, single.sd, single.ci, single.dz) == (1, 5.0, None, None, None)
    assert gap(np.array([]), np.array([])) is None
    assert gap(np.array([NAN]), np.array([5.0])) is None
