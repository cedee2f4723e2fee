from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.people.history.rules import Held, Past, Period, changed_past, earlier_periods, held_on
from app.people.teams.rules import MAXIMUM_LEVELS, Refusal, levels_of, refused_teams

TEAMS = st.sampled_from("abcdefgh")
FORESTS = st.permutations("abcdefgh").flatmap(
    lambda order: st.fixed_dictionaries(
        {team: st.sampled_from([None, *order[:place]]) for place, team in enumerate(order)}
    )
)


def chain(length: int) -> dict[str, str | None]:
    return {f"t{level}": f"t{level - 1}" if level else None for level in range(length)}


def test_parents_may_come_in_any_order() -> None:
    assert refused_teams({}, {"c": "b", "b": "a", "a": None}, []) == {}


def test_a_missing_parent_is_unknown_and_one_that_failed_is_named_so() -> None:
    refused = refused_teams({}, {"a": "nowhere", "b": "a", "c": "bad"}, ["bad"])
    assert refused == {
        "a": Refusal.UNKNOWN_PARENT,
        "b": Refusal.FAILED_PARENT,
        "c": Refusal.FAILED_PARENT,
    }


def test_a_team_that_failed_but_exists_can_be_a_parent() -> None:
    assert refused_teams({"a": None}, {"b": "a"}, ["a"]) == {}


def test_a_cycle_refuses_the_teams_on_it_and_those_that_need_them() -> None:
    refused = refused_teams({}, {"a": "b", "b": "a", "below": "a", "self": "self", "fine": None}, [])
    assert refused == {
        "a": Refusal.CYCLE,
        "b": Refusal.CYCLE,
        "self": Refusal.CYCLE,
        "below": Refusal.FAILED_PARENT,
    }


def test_a_cycle_refuses_only_the_teams_that_moved() -> None:
    assert refused_teams({"a": None, "b": "a"}, {"a": "b", "b": "a"}, []) == {"a": Refusal.CYCLE}


def test_teams_that_stay_because_of_a_refusal_are_judged_again() -> None:
    existing = {"z": None, "y": None, "x": "y"}
    refused = refused_teams(existing, {"y": "x", "x": "z", "z": "x"}, [])
    assert levels_of(existing | {k: v for k, v in {"y": "x", "x": "z", "z": "x"}.items() if k not in refused})
    assert refused == {"x": Refusal.CYCLE, "z": Refusal.CYCLE, "y": Refusal.CYCLE}


def test_fifty_levels_are_accepted_and_the_rest_of_a_thousand_refused() -> None:
    refused = refused_teams({}, chain(1000), [])
    assert refused == {f"t{level}": Refusal.TOO_DEEP for level in range(MAXIMUM_LEVELS, 1000)}


def test_a_move_that_pushes_others_too_deep_is_refused_itself() -> None:
    existing = chain(MAXIMUM_LEVELS) | {"top": None}
    assert refused_teams(existing, {"t0": "top"}, []) == {"t0": Refusal.TOO_DEEP}


@given(FORESTS, st.dictionaries(TEAMS, st.none() | TEAMS))
def test_what_is_not_refused_makes_a_tree(
    existing: dict[str, str | None], wanted: dict[str, str | None]
) -> None:
    refused = refused_teams(existing, wanted, [])
    after = existing | {team: parent for team, parent in wanted.items() if team not in refused}
    assert levels_of(after).keys() == after.keys()


@given(FORESTS, FORESTS)
def test_a_whole_forest_replaces_another(
    existing: dict[str, str | None], wanted: dict[str, str | None]
) -> None:
    assert refused_teams(existing, wanted, []) == {}


FIRST = Period(date(2020, 1, 1), date(2021, 6, 30))
SECOND = Period(date(2022, 3, 1), None)


def test_a_rehire_keeps_the_earlier_period() -> None:
    assert earlier_periods([], FIRST, SECOND) == [FIRST]
    left = SECOND._replace(ends_on=date(2023, 1, 31))
    assert earlier_periods([FIRST], left, Period(date(2024, 1, 1), None)) == [FIRST, left]


def test_a_rehire_of_somebody_there_since_always() -> None:
    always = Period(None, date(2021, 6, 30))
    assert earlier_periods([], always, SECOND) == [always]


def test_other_changes_are_corrections() -> None:
    assert earlier_periods([], FIRST, FIRST._replace(ends_on=None)) == []
    assert earlier_periods([], FIRST, Period(date(2021, 1, 1), None)) == []
    assert earlier_periods([], Period(date(2020, 1, 1), None), SECOND) == []


def test_taking_a_rehire_back_drops_the_earlier_period() -> None:
    assert earlier_periods([FIRST], SECOND, FIRST) == []
    assert earlier_periods([FIRST], SECOND, Period(None, None)) == []


DAY = date(2026, 1, 1)
CHANGES = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), max_size=12)


def held(team: str) -> Held:
    return Held(team, None, {})


@given(CHANGES)
def test_a_past_is_what_the_last_word_on_each_day_was(changes: list[tuple[int, str]]) -> None:
    """Against a calendar that is written over day by day."""
    past: list[Past] = []
    present = held("start")
    calendar = dict.fromkeys(range(-5, 40), "start")
    for since, team in changes:
        past = changed_past(past, present, held(team), DAY + timedelta(since))
        present = held(team)
        calendar |= dict.fromkeys(range(since, 40), team)
    assert {day: held_on(past, present, DAY + timedelta(day)).team for day in calendar} == calendar
    ends = [one.ends_on for one in past]
    assert ends == sorted(set(ends))
    teams = [one.held.team for one in (*past, Past(date.max, present))]
    assert all(one != following for one, following in pairwise(teams))


def test_nothing_was_before_the_first_day_there_is() -> None:
    assert changed_past([], held("a"), held("b"), date.min) == []
