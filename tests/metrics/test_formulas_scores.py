import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from app.metrics.formulas import Pool, favourable, pomp, scale_scores

NAN = float("nan")
SCALES = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda ends: (ends[0], sum(ends)))
MATRICES = st.tuples(st.integers(1, 12), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([NAN, 0.0, 25.0, 50.0, 75.0, 100.0]))
)


@given(SCALES, st.data())
def test_pomp_stays_within_0_and_100_and_reversing_mirrors_it(
    scale: tuple[int, int], data: st.DataObject
) -> None:
    low, high = scale
    answers = np.array(data.draw(st.lists(st.integers(low, high), min_size=1)), dtype=np.float64)
    scores = pomp(answers, low, high)
    assert ((scores >= 0) & (scores <= 100)).all()
    assert pomp(answers, low, high, True) == pytest.approx(100 - scores)
    assert pomp(low + high - answers, low, high) == pytest.approx(100 - scores)
    assert pomp(answers + 7, low + 7, high + 7) == pytest.approx(scores)


def test_pomp_keeps_what_is_missing_and_refuses_what_is_off_the_scale() -> None:
    assert np.isnan(pomp([NAN], 1, 5)).all()
    with pytest.raises(ValueError, match="off its scale"):
        pomp([6], 1, 5)
    with pytest.raises(ValueError, match="off its scale"):
        pomp([0], 1, 5)
    with pytest.raises(ValueError, match="low < high"):
        pomp([3], 3, 3)


@pytest.mark.parametrize(("low", "high", "answer"), [(0, 8, 5), (0, 16, 10), (1, 9, 6), (0, 80, 50)])
def test_an_answer_on_the_cut_lies_exactly_on_it(low: int, high: int, answer: int) -> None:
    assert pomp([answer], low, high)[0] == 62.5
    assert pomp([low + high - answer], low, high, True)[0] == 62.5


@pytest.mark.parametrize(
    ("items", "score"),
    [
        ([10.0], 10.0),
        ([NAN], None),
        ([10.0, NAN], 10.0),
        ([NAN, NAN], None),
        ([10.0, NAN, NAN], None),
        ([10.0, 20.0, NAN], 15.0),
        ([10.0, 20.0, NAN, NAN, NAN], None),
        ([10.0, 20.0, 60.0, NAN, NAN], 30.0),
    ],
)
def test_half_of_the_items_rounded_up_must_be_there(items: list[float], score: float | None) -> None:
    (result,) = scale_scores(np.array([items]))
    assert (None if np.isnan(result) else result) == score


@given(MATRICES)
def test_scale_scores_stay_between_the_answers_whatever_their_order(items: NDArray[np.float64]) -> None:
    scores = scale_scores(items)
    for row, score in zip(items, scores, strict=True):
        present = row[~np.isnan(row)]
        assert np.isnan(score) == (2 * present.size < row.size or present.size == 0)
        if not np.isnan(score):
            assert present.min() - 1e-9 <= score <= present.max() + 1e-9
    order = np.random.default_rng(items.size).permutation(len(items))
    np.testing.assert_array_equal(scale_scores(items[order]), scores[order])
    np.testing.assert_allclose(scale_scores(items[:, ::-1]), scores, rtol=1e-12)


def test_scale_scores_of_nobody_and_of_many() -> None:
    assert scale_scores(np.empty((0, 3))).shape == (0,)
    assert (scale_scores(np.full((100_000, 3), 40.0)) == 40).all()


@pytest.mark.parametrize(
    ("high", "low", "favourables", "unfavourables"),
    [
        (5, 1, {4, 5}, {1, 2}),
        (7, 1, {5, 6, 7}, {1, 2, 3}),
        (10, 0, {7, 8, 9, 10}, {0, 1, 2, 3}),
        (4, 1, {3, 4}, {1, 2}),
    ],
)
def test_one_rule_sorts_the_options_of_every_scale(
    high: int, low: int, favourables: set[int], unfavourables: set[int]
) -> None:
    for option in range(low, high + 1):
        shares = favourable(pomp([option], low, high))
        assert shares is not None
        assert (shares.favourable == 1) == (option in favourables)
        assert (shares.unfavourable == 1) == (option in unfavourables)


@given(MATRICES)
def test_favourable_shares_sum_to_one_or_are_undefined(values: NDArray[np.float64]) -> None:
    shares = favourable(values)
    assert (shares is None) == np.isnan(values).all()
    if shares is not None:
        assert shares.favourable + shares.neutral + shares.unfavourable == pytest.approx(1)
        mirrored = favourable(100 - values)
        assert mirrored is not None
        assert (mirrored.favourable, mirrored.unfavourable) == (shares.unfavourable, shares.favourable)


def pool(answers: NDArray[np.float64], of_kind: NDArray[np.float64]) -> Pool:
    a, f = answers, of_kind
    return Pool(len(a), a.sum(), f.sum(), (a * a).sum(), (f * f).sum(), (a * f).sum())


def test_where_everybody_answers_as_much_the_error_of_a_pooled_share_is_that_of_a_mean() -> None:
    of_kind = np.array([0.0, 1, 2, 4, 4, 3, 0, 1])
    share = pool(np.full(8, 4.0), of_kind).share()
    assert share is not None
    assert share.mean == pytest.approx((of_kind / 4).mean())
    assert share.sd == pytest.approx((of_kind / 4).std(ddof=1))


def test_the_error_of_a_pooled_share_is_that_of_dropping_persons_one_by_one() -> None:
    """The jackknife comes to the same for many persons."""
    random = np.random.default_rng(3)
    answers = random.integers(1, 6, 2000).astype(np.float64)
    of_kind = random.binomial(answers.astype(int), random.uniform(size=2000)).astype(np.float64)
    share = pool(answers, of_kind).share()
    assert share is not None
    assert share.sd is not None
    left_out = (of_kind.sum() - of_kind) / (answers.sum() - answers)
    assert share.sd / 2000**0.5 == pytest.approx(left_out.std() * 1999**0.5, rel=0.01)


def test_a_pooled_share_of_nobody_or_of_equal_persons() -> None:
    assert pool(np.empty(0), np.empty(0)).share() is None
    alone = pool(np.array([4.0]), np.array([1.0])).share()
    assert alone is not None
    assert (alone.mean, alone.sd) == (0.25, None)
    alike = pool(np.array([2.0, 4, 6]), np.array([1.0, 2, 3])).share()
    assert alike is not None
    assert (alike.mean, alike.sd, alike.has_spread) == (0.5, 0, False)
