"""Rows of one person as contracts: what they tell of their past, and at what cost."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.imports.contracts.service import Contracts, put_in_order

TODAY = date(2026, 11, 23)
DAYS = [None, "2015-01-01", "2016-01-01", "2017-12-31", "2024-01-01"]
ROWS = st.fixed_dictionaries(
    {
        "external_id": st.just("E-1"),
        "name": st.just("Noor"),
        "team": st.sampled_from("ABC"),
        "starts_on": st.sampled_from(DAYS),
        "ends_on": st.sampled_from(DAYS),
    }
)


def told(*rows: dict[str, Any]) -> Contracts:
    found = Contracts()
    put_in_order(found, "E-1", dict(enumerate(rows)), {}, TODAY)
    return found


@given(st.lists(ROWS, min_size=2, max_size=6))
def test_a_past_ends_on_a_day_of_its_own_between_the_first_and_the_present(rows: list[Any]) -> None:
    for earlier in told(*rows).earlier.values():
        ends = [past.ends_on for past in earlier.pasts]
        assert ends == sorted(set(ends))
        assert all(earlier.since <= day < earlier.until for day in ends)


def test_of_contracts_of_one_first_day_the_longest_was_held() -> None:
    """Whether or not that day is known."""
    for first in (None, "2014-01-01"):
        a, b, now = (
            {"external_id": "E-1", "name": "Noor", "team": team, "starts_on": starts_on, "ends_on": ends_on}
            for team, starts_on, ends_on in [
                ("A", first, "2015-12-31"),
                ("B", first, "2017-12-31"),
                ("C", "2018-01-01", None),
            ]
        )
        [past] = told(now, a, b).earlier["E-1"].pasts
        assert (past.ends_on, past.held.team) == (date(2017, 12, 31), "B")


class Asked(dict[Any, Any]):
    """Names that are looked up, never gone through: a file has as many as rows."""

    def __iter__(self) -> Any:
        raise AssertionError("all names were gone through for one row")


def test_a_manager_is_found_at_the_same_cost_however_many_names_a_file_has() -> None:
    found = Contracts(is_mapped=True, names=Asked())
    found.see("E-1", {"lookup": {"name": "Noor"}})
    assert found.manager({"lookup": {"manager_id": "7"}, "manager": "E-2"}) == "E-2"
    found.see("E-3", {"lookup": {"id": "7"}})
    assert found.manager({"lookup": {"manager_id": "7"}, "manager": "E-2"}) == "E-3"
    assert found.manager({"lookup": {"manager_id": "8"}, "manager": "E-2"}) is None
