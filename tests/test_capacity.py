"""What is said of capacity in the guide is what the command makes of the measurements."""

from dataclasses import replace

import pytest

from tests.benchmarks.capacity import CASES, Case, NotMeasured, costs_of, measured, needs_of, table
from tests.benchmarks.rows import GUIDE


def test_the_guide_has_what_follows_from_the_measurements() -> None:
    is_fresh = table(measured()) in GUIDE.read_text(encoding="utf-8")
    assert is_fresh, "run python -m tests.benchmarks.capacity --keep"


def test_more_people_and_dearer_work_need_more() -> None:
    costs = costs_of(measured())
    few, many = (needs_of(Case(10, people), costs) for people in (500, 5_000_000))
    assert few.cores < many.cores
    assert few.gigabytes_of_disk * 9_000 < many.gigabytes_of_disk < few.gigabytes_of_disk * 11_000
    assert few.dollars_a_month < many.dollars_a_month
    dear = replace(costs, answer=costs.answer * 1000)
    assert all(needs_of(case, dear).cores > needs_of(case, costs).cores for case in CASES)


def test_what_is_short_first_is_what_is_dearest() -> None:
    costs = costs_of(measured())
    slow = replace(costs, answers_a_second=0.001)
    assert "answers in the busiest hour" in needs_of(CASES[0], slow).first
    heavy = replace(costs, memory_of_respondent=1.0)
    assert needs_of(CASES[2], heavy).first == "memory of one release: 2,000.0 GB"


def test_answers_are_reckoned_singly_as_they_come_and_not_as_where_they_gather() -> None:
    costs = costs_of(measured())
    assert costs.answers_a_second < costs.gathered_a_second
    first = needs_of(CASES[0], costs).first
    assert f"{costs.answers_a_second:,.0f} that one process takes singly" in first
    assert f"({costs.gathered_a_second:,.0f} where they come to one survey at once)" in first


def test_what_was_not_measured_is_named_with_its_command() -> None:
    with pytest.raises(NotMeasured, match="benchmarks submissions --keep"):
        costs_of([])
