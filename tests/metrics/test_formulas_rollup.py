import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics.formulas import Subtrees, mean_ci

PARENTS = np.array([-1, 0, 0, 1, 1, 3])
BELOW = [{0, 1, 2, 3, 4, 5}, {1, 3, 4, 5}, {2}, {3, 5}, {4}, {5}]
PEOPLE = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400)), max_size=60)


def test_depths_and_totals() -> None:
    subtrees = Subtrees(PARENTS)
    assert subtrees.depths().tolist() == [0, 1, 1, 2, 2, 3]
    assert subtrees.totals(np.array([1, 2, 4, 8, 16, 32])).tolist() == [63, 58, 4, 40, 16, 32]


@given(PEOPLE)
def test_every_subtree_has_the_moments_of_its_own_persons(people: list[tuple[int, int]]) -> None:
    members = np.array([node for node, _ in people], dtype=np.int64)
    values = np.array([value / 4 for _, value in people], dtype=np.float64)
    subtrees = Subtrees(PARENTS)
    mean, sd = subtrees.mean_and_sd(members, values)
    for node, below in enumerate(BELOW):
        own = values[np.isin(members, list(below))]
        alone = mean_ci(own)
        assert subtrees.counts(members)[node] == len(own)
        assert subtrees.sums(members, values)[node] == pytest.approx(own.sum())
        assert mean[node] == pytest.approx(0 if alone is None else alone.mean)
        assert sd[node] == pytest.approx(0 if alone is None else alone.sd or 0, abs=1e-9)


def test_equal_values_far_from_the_others_have_no_spread() -> None:
    members = np.array([1] * 100_000 + [2] * 100_000)
    values = np.where(members == 1, 100 / 3, 99.9)
    _, sd = Subtrees(np.array([-1, 0, 0])).mean_and_sd(members, values)
    assert (sd[1:] < 1e-12).all()
    assert sd[0] > 1


def test_a_chain_of_a_thousand_groups() -> None:
    subtrees = Subtrees(np.arange(-1, 999))
    assert subtrees.totals(np.ones(1000, dtype=np.int64)).tolist() == list(range(1000, 0, -1))
