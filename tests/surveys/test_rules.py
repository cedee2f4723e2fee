"""Which cells people and responses fall in, by the rules alone."""

from collections import Counter
from itertools import product
from random import Random

from app.surveys.audience.rules import (
    ORGANIZATION,
    OTHER,
    UNKNOWN,
    Cell,
    OpenCells,
    categories_of,
    categories_to_report,
    coarser_places,
    freeze_cells,
    with_room_for_anybody,
)

CHAIN = {0: None, 1: 0, 2: 1}


def test_a_segment_that_is_missing_is_unknown() -> None:
    assert categories_of({"site": "U", "age": "30"}, ["tenure", "site"]) == (UNKNOWN, "U")
    assert categories_of({"site": "U"}, []) == ()


def test_what_is_coarser_gives_up_the_last_dimension_first_and_the_team_last() -> None:
    assert list(coarser_places((2, ("f", "U")), CHAIN)) == [
        (2, ("f", "U")),
        (2, ("f", OTHER)),
        (2, (OTHER, OTHER)),
        (1, (OTHER, OTHER)),
        (0, (OTHER, OTHER)),
    ]
    assert list(coarser_places((1, ()), CHAIN)) == [(1, ()), (0, ())]


def test_categories_are_reported_by_dimension_and_name_with_the_others_last() -> None:
    cells = [Cell(0, ("z", UNKNOWN), 1), Cell(0, (OTHER, "a"), 1), Cell(1, ("zz", OTHER), 1)]
    assert categories_to_report(cells, ["site", "tenure"]) == [
        ("site", "z"),
        ("site", "zz"),
        ("site", OTHER),
        ("tenure", "a"),
        ("tenure", OTHER),
        ("tenure", UNKNOWN),
    ]


def test_unmerged_cells_are_exactly_the_people() -> None:
    places = [(1, ("U",))] * 5 + [(0, ("U",)), (1, ("D",))] + [(0, ("E",))] * 5
    found = freeze_cells(places, [None, 0], 5, is_merged=False)
    assert found.cells == (
        Cell(0, ("U",), 1),
        Cell(0, (OTHER,), 5),
        Cell(1, ("U",), 5),
        Cell(1, (OTHER,), 1),
    )
    assert found.index == (2,) * 5 + (0, 3) + (1,) * 5
    assert freeze_cells([], [None], 5, is_merged=False).cells == ()


def random_people(random: Random) -> tuple[list[tuple[int, tuple[str, ...]]], list[int | None], int]:
    parents: list[int | None] = [None, *(random.randrange(team) for team in range(1, random.randint(2, 9)))]
    dimensions = random.randint(0, 2)
    people = [
        (random.randrange(len(parents)), tuple(random.choice(["a", "b", UNKNOWN]) for _ in range(dimensions)))
        for _ in range(random.randint(0, 60))
    ]
    return people, parents, dimensions


def test_an_open_survey_stores_nothing_that_singles_out_fewer_than_the_minimum_of_those_on_file() -> None:
    """Whatever is said: the cell holds k people on file, or it tells the team alone, and that team keeps its
    people or has none."""
    coarsened = kept = 0
    for seed in range(400):
        people, parents, dimensions = random_people(Random(seed))
        k, names = 3 + seed % 3, ["first", "second"][:dimensions]
        merged = freeze_cells(people, parents, k, is_merged=True)
        cells = with_room_for_anybody(merged.cells, people, len(parents), dimensions)
        rules = OpenCells(
            dimensions=names,
            categories=set(categories_to_report(cells, names)),
            teams={},
            parents=dict(enumerate(parents)),
            cells={(cell.team, cell.categories): number for number, cell in enumerate(cells)},
        )
        on_file = Counter(merged.index)
        teams_on_file = {team for team, _ in people}
        teams_kept = {cell.team for cell in merged.cells}
        said = product(range(len(parents)), product(["a", "b", "never seen", None], repeat=dimensions))
        for team, values in said:
            segments = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            cell = cells[rules.cell_of(team, segments)]
            is_team_alone = len(set(cell.categories)) <= 1 and set(cell.categories) <= {OTHER, UNKNOWN}
            if cell in merged.cells:
                assert on_file[merged.cells.index(cell)] >= min(k, len(people))
            else:
                assert is_team_alone
                assert cell.team not in teams_on_file or cell.team in teams_kept
            coarsened += cell.team != team
            kept += cell.team == team
    assert coarsened > 500
    assert kept > 500


def test_an_open_survey_always_takes_a_response_without_a_team() -> None:
    for seed in range(100):
        people, parents, dimensions = random_people(Random(seed))
        merged = freeze_cells(people, parents, 5, is_merged=True)
        cells = with_room_for_anybody(merged.cells, people, len(parents), dimensions)
        assert (ORGANIZATION, (UNKNOWN,) * dimensions) in {(cell.team, cell.categories) for cell in cells}
