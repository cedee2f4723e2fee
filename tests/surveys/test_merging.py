from collections import Counter
from random import Random

import pytest

from app.surveys.audience.rules import OTHER, Cell, MergedCells, merge_categories, merge_cells
from tests.examples import examples

FLAT = [None, 0, 0]
CHAIN = [None, 0, 1]


def cell(team: int, *categories: str, invited: int) -> Cell:
    return Cell(team, categories, invited)


def merged(*cells: Cell, parents: list[int | None], k: int = 5) -> list[Cell]:
    return list(merge_cells(cells, parents, k).cells)


def test_large_categories_stay_what_they_are() -> None:
    assert merge_categories({"m": 9, "f": 5, "unknown": 6}, 5) == {"m": "m", "f": "f", "unknown": "unknown"}


def test_categories_under_the_minimum_become_other() -> None:
    assert merge_categories({"a": 9, "b": 3, "c": 2, "unknown": 4}, 5) == {
        "a": "a",
        "b": OTHER,
        "c": OTHER,
        "unknown": OTHER,
    }


def test_the_smallest_that_is_large_enough_joins_others_who_are_too_few() -> None:
    assert merge_categories({"a": 9, "c": 6, "b": 6, "d": 1}, 5) == {
        "a": "a",
        "b": OTHER,
        "c": "c",
        "d": OTHER,
    }


def test_a_category_called_other_joins_the_others() -> None:
    assert merge_categories({"a": 9, "other": 3, "b": 2}, 5) == {"a": "a", "other": OTHER, "b": OTHER}
    assert merge_categories({"a": 9, "other": 3}, 5) == {"a": OTHER, "other": OTHER}


def test_an_empty_category_draws_nobody_in() -> None:
    assert merge_categories({"a": 9, "b": 0}, 5) == {"a": "a", "b": OTHER}


def test_where_one_category_is_left_all_are_in_it() -> None:
    assert merge_categories({"a": 9, "b": 2}, 5) == {"a": OTHER, "b": OTHER}


def test_cells_of_k_stay_apart() -> None:
    cells = [cell(1, "f", "old", invited=5), cell(1, "f", "young", invited=6), cell(2, "m", "old", invited=7)]
    assert merged(*cells, parents=FLAT) == cells


def test_the_last_dimension_goes_first() -> None:
    assert merged(
        cell(1, "f", "old", invited=3),
        cell(1, "f", "young", invited=4),
        cell(1, "m", "old", invited=5),
        parents=FLAT,
    ) == [cell(1, "f", OTHER, invited=7), cell(1, "m", "old", invited=5)]


def test_then_the_dimension_before_it() -> None:
    assert merged(
        cell(1, "f", "old", invited=3),
        cell(1, "m", "young", invited=4),
        cell(1, "x", "old", invited=5),
        parents=FLAT,
    ) == [cell(1, OTHER, OTHER, invited=7), cell(1, "x", "old", invited=5)]


def test_the_smallest_of_the_cells_alike_joins_those_who_are_too_few() -> None:
    assert merged(
        cell(1, "f", invited=2), cell(1, "m", invited=9), cell(1, "x", invited=6), parents=FLAT
    ) == [cell(1, "m", invited=9), cell(1, OTHER, invited=8)]


def test_a_team_under_the_minimum_moves_up() -> None:
    cells = [cell(2, "f", invited=2), cell(2, "m", invited=2), cell(1, "m", invited=5)]
    assert merged(*cells, parents=CHAIN) == [cell(1, OTHER, invited=9)]


def test_a_team_of_k_keeps_all_its_people() -> None:
    cells = [cell(1, "f", invited=3), cell(1, "m", invited=5), cell(2, "m", invited=9)]
    assert merged(*cells, parents=FLAT) == [cell(1, OTHER, invited=8), cell(2, "m", invited=9)]


def test_what_is_too_few_for_the_organisation_takes_the_smallest_cell() -> None:
    cells = [cell(1, "f", invited=2), cell(2, "m", invited=9), cell(2, "f", invited=7)]
    assert merged(*cells, parents=FLAT) == [cell(0, OTHER, invited=9), cell(2, "m", invited=9)]


def test_an_organisation_under_the_minimum_is_one_cell() -> None:
    cells = [cell(1, "f", invited=2), cell(2, "m", invited=2)]
    assert merge_cells(cells, FLAT, 5) == MergedCells((cell(0, OTHER, invited=4),), (0, 0))
    assert merge_cells([], FLAT, 5) == MergedCells((), ())


def test_without_dimensions_only_teams_merge() -> None:
    cells = [cell(0, invited=5), cell(1, invited=4), cell(2, invited=6)]
    assert merge_cells(cells, FLAT, 5) == MergedCells((cell(0, invited=9), cell(2, invited=6)), (0, 0, 1))


def random_cells(random: Random) -> tuple[list[Cell], list[int | None]]:
    parents: list[int | None] = [None, *(random.randrange(team) for team in range(1, random.randint(2, 9)))]
    dimensions = random.randint(0, 3)
    persons = Counter(
        (random.randrange(len(parents)), tuple(random.choice("abc") for _ in range(dimensions)))
        for _ in range(random.randint(1, 60))
    )
    return [Cell(team, categories, count) for (team, categories), count in persons.items()], parents


@pytest.mark.parametrize("k", [3, 5])
def test_any_cells_end_up_at_k_in_the_same_place_or_one_that_says_less(k: int) -> None:
    merges = 0
    for seed in range(examples(100)):
        cells, parents = random_cells(Random(seed))
        found = merge_cells(cells, parents, k)
        invited = Counter[int]()
        for own, index in zip(cells, found.index, strict=True):
            invited[index] += own.invited
            says = found.cells[index]
            assert says.team in ancestors(own.team, parents)
            assert all(
                after in (before, OTHER)
                for before, after in zip(own.categories, says.categories, strict=True)
            )
        assert [own.invited for own in found.cells] == [invited[index] for index in range(len(found.cells))]
        assert len(found.cells) == 1 or min(invited.values()) >= k
        merges += len(found.cells) < len(cells)
    assert merges > 50


def ancestors(team: int | None, parents: list[int | None]) -> set[int]:
    found = set[int]()
    while team is not None:
        found.add(team)
        team = parents[team]
    return found


def test_the_order_of_the_cells_decides_nothing() -> None:
    for seed in range(examples(60)):
        cells, parents = random_cells(Random(seed))
        order = Random(seed).sample(range(len(cells)), len(cells))
        found, shuffled = (
            merge_cells(cells, parents, 4),
            merge_cells([cells[number] for number in order], parents, 4),
        )
        assert shuffled.cells == found.cells
        assert list(shuffled.index) == [found.index[number] for number in order]
