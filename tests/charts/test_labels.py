"""Labels of points, placed: none over another, over a point or out of the frame."""

from itertools import combinations
from random import Random

import pytest

from app.charts.labels import MOST, Box, Label, Point, named, placed
from app.charts.letters import shortened, width_of, wrapped

FRAME = Box(0, 0, 560, 400)


def points_of(count: int, seed: int, spread: float = 1.0) -> list[Point]:
    random = Random(seed)
    return [
        Point(
            named("Team of " + "abc " * random.randint(1, 8)),
            280 + spread * random.uniform(-270, 270),
            200 + spread * random.uniform(-190, 190),
        )
        for _ in range(count)
    ]


def kept(labels: list[Label | None]) -> list[Label]:
    return [label for label in labels if label is not None]


@pytest.mark.parametrize("count", [1, 8, 15, 40])
@pytest.mark.parametrize("spread", [1.0, 0.3, 0.0])
def test_no_label_lies_over_another_or_a_point_or_outside(count: int, spread: float) -> None:
    for seed in range(5):
        points = points_of(count, seed, spread)
        corner = Box(0, 0, 160, 24)
        labels = placed(points, FRAME, [corner])
        assert len(labels) == count
        boxes = [label.box for label in kept(labels)]
        assert not any(one.shared_with(other) for one, other in combinations(boxes, 2))
        assert not any(
            box.shared_with(other) for box in boxes for other in [corner, *(one.box for one in points)]
        )
        assert not any(box.outside(FRAME) for box in boxes)


@pytest.mark.parametrize("letter", ["漢", "か", "한", "Ａ", "😀", "🏳"])
def test_wide_letters_are_an_em_each(letter: str) -> None:
    assert width_of(letter * 190, 14) >= 190 * 14
    assert width_of(shortened(letter * 190, 200), 14) <= 200


def test_at_most_so_many_are_named() -> None:
    found = placed(points_of(40, 1), FRAME)
    assert 5 < len(kept(found)) <= MOST
    assert found[MOST:] == [None] * (40 - MOST)


def test_where_there_is_room_everybody_is_named() -> None:
    apart = [Point("Sales", 100 + 120 * column, 60 + 90 * row) for column in range(4) for row in range(3)]
    assert len(kept(placed(apart, FRAME))) == 12


def test_labels_that_lie_over_each_other_would_be_found() -> None:
    """The control: where points fall together, labels as they come would overlap."""
    boxes = [
        Box(point.x + 12, point.y - 9, point.x + 12 + width_of(point.name), point.y + 9)
        for point in points_of(15, 3, 0.1)
    ]
    assert any(one.shared_with(other) for one, other in combinations(boxes, 2))


def test_lines_break_between_words_and_fit() -> None:
    lines = wrapped("Arbo en veiligheid van alle vestigingen", 120)
    assert " ".join(lines) == "Arbo en veiligheid van alle vestigingen"
    assert len(lines) > 1
    assert all(width_of(line) <= 120 for line in lines)
    assert all(width_of(line) <= 60 for line in wrapped("Onafscheidelijkheidsverklaring", 60))
    assert wrapped("", 60) == []
    assert wrapped("per maand", 44) == ["per", "maand"], "no letter stands alone before a hyphen"


def test_a_word_that_is_too_long_is_cut_with_a_hyphen_and_leaves_no_scrap() -> None:
    lines = wrapped("Verantwoordelijkheid", 136)
    assert lines == ["Verantwoordelijk-", "heid"]
    assert all(width_of(line) <= 136 for line in lines)


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert shortened("Sales", 100) == "Sales"
    short = shortened("Sales of everything everywhere", 100)
    assert short.endswith("…")
    assert width_of(short) <= 100
