import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics.formulas import (
    centralisation,
    cross_share_at_random,
    density,
    gini,
    gini_by_chance,
    isolates,
    mixing,
    reciprocity,
    weak_components,
)

AMOUNTS = st.lists(st.integers(0, 50), max_size=30).map(lambda amounts: np.array(amounts, dtype=np.float64))
EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40)


@given(AMOUNTS)
def test_concentration_is_bounded_and_blind_to_order_and_unit(amounts: NDArray[np.float64]) -> None:
    result = gini(amounts)
    if not amounts.any():
        assert (result.value, result.corrected, result.top_tenth) == (None, None, None)
        assert result.undefined == ("zero_total" if amounts.size else "too_few")
        return
    assert result.value is not None
    assert result.top_tenth is not None
    assert 0 <= result.value < 1
    assert np.ceil(len(amounts) / 10) / len(amounts) - 1e-12 <= result.top_tenth <= 1
    assert gini(amounts[::-1]) == result
    assert gini(np.append(amounts, np.nan)) == result
    assert gini(7 * amounts).value == pytest.approx(result.value, abs=1e-12)
    pairs = np.abs(amounts[:, None] - amounts[None, :]).mean()
    assert result.value == pytest.approx(pairs / (2 * amounts.mean()), abs=1e-12)


def test_concentration_of_all_alike_of_one_holder_and_of_one_person() -> None:
    assert gini([3, 3, 3]).value == 0
    assert gini([0, 0, 0, 8]).corrected == 1
    alone = gini([5])
    assert (alone.value, alone.corrected, alone.top_tenth, alone.undefined) == (0, None, 1, "too_few")
    with pytest.raises(ValueError, match="0 or more"):
        gini([1, -1])


def test_concentration_of_a_hundred_thousand() -> None:
    assert gini(np.arange(100_000)).value == pytest.approx(1 / 3, abs=1e-4)


@given(EDGES)
def test_networks_are_bounded_and_blind_to_order_repeats_and_names(edges: list[tuple[int, int]]) -> None:
    returned, dense = reciprocity(edges), density(edges, 10)
    distinct = {edge for edge in edges if edge[0] != edge[1]}
    assert returned.edges == dense.edges == len(distinct)
    if returned.value is None:
        assert (returned.undefined, dense.value) == ("no_edge", 0)
        return
    assert returned.value == sum((b, a) in distinct for a, b in distinct) / len(distinct)
    assert dense.value == len(distinct) / 90
    renamed = [(1000 - b, 1000 - a) for a, b in edges]
    assert reciprocity(renamed[::-1] + renamed) == returned
    assert density(renamed, 10) == dense


def test_networks_of_nobody_of_one_and_of_more_than_there_are() -> None:
    for n in (0, 1):
        assert (density([], n).value, density([], n).undefined) == (None, "too_few")
    assert density([], 2).value == 0
    assert density([(0, 1), (1, 0)], 2).value == 1
    with pytest.raises(ValueError, match="more persons"):
        density([(0, 1), (1, 2)], 2)


@given(AMOUNTS)
def test_centralisation_is_blind_to_order_and_to_what_all_have(degrees: NDArray[np.float64]) -> None:
    result = centralisation(degrees)
    assert (result.value is None) == (len(degrees) < 2) == (result.undefined == "too_few")
    assert centralisation(degrees[::-1]) == result
    assert centralisation(degrees + 1) == result


def test_centralisation_of_a_star_and_of_a_ring() -> None:
    assert centralisation([4, 0, 0, 0, 0]).value == 1
    assert centralisation([1, 1, 1, 1, 1]).value == 0
    assert centralisation(np.append(np.zeros(99_999), 99_999)).value == 1


def test_a_hundred_thousand_edges() -> None:
    edges = np.random.default_rng(6).integers(1000, size=(100_000, 2))
    result = density(edges, 1000)
    assert result.value == pytest.approx(1 - np.exp(-0.1), abs=0.002)
    assert reciprocity(edges).value == pytest.approx(result.value, abs=0.01)


def test_events_within_one_team_and_between_two() -> None:
    within, between = mixing([1, 2], [1, 2], [3, 1]), mixing([1, 1], [1, 2], [1, 3])
    assert (within.events, within.cross, within.ei_index) == (4, 0, -1)
    assert (between.events, between.cross, between.ei_index) == (4, 0.75, 0.5)
    assert (mixing([], [], []).cross, mixing([], [], []).undefined) == (None, "no_edge")


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30))
def test_at_random_every_ordered_pair_is_as_likely(teams: list[int]) -> None:
    pairs = [(a, b) for i, a in enumerate(teams) for j, b in enumerate(teams) if i != j]
    expected = sum(a != b for a, b in pairs) / len(pairs)
    assert cross_share_at_random(teams) == pytest.approx(expected, abs=1e-12)


def test_nobody_meets_at_random_alone() -> None:
    assert cross_share_at_random([1]) is None
    assert cross_share_at_random([]) is None


@given(EDGES)
def test_components_shrink_by_one_with_every_edge_that_joins(edges: list[tuple[int, int]]) -> None:
    parts = list(range(10))
    for a, b in edges:
        parts = [parts[a] if part == parts[b] else part for part in parts]
    assert weak_components(edges, 10) == len(set(parts))
    named = {person for edge in edges if edge[0] != edge[1] for person in edge}
    assert isolates(edges, 10) == 10 - len(named)


@pytest.mark.parametrize(("mean", "n"), [(0.4, 50), (3.0, 12), (40.0, 200)])
def test_the_concentration_of_chance_is_that_of_many_drawn(mean: float, n: int) -> None:
    random = np.random.default_rng(3)
    drawn = [value for _ in range(400) if (value := gini(random.poisson(mean, n)).value) is not None]
    assert gini_by_chance(mean, n) == pytest.approx(np.mean(drawn), rel=0.03)


def test_nothing_received_has_no_concentration_by_chance() -> None:
    assert gini_by_chance(0, 10) is None
