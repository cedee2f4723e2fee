import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.metrics.disclosure import (
    Decision,
    Node,
    Precision,
    decide,
    shown_dz,
    shown_gap,
    shown_score,
    shown_sd,
    shown_share,
)

Group = tuple[str, str | None, int]


def tree(
    *groups: Group, silent: dict[str, int] | None = None, incomplete: dict[str, int] | None = None
) -> list[Node]:
    """Groups by name, name of the parent and n; parents first. Without `silent` there is no frame."""
    ordinals = {name: ordinal for ordinal, (name, _, _) in enumerate(groups)}
    depths: dict[str | None, int] = {None: -1}
    nodes = []
    for name, parent, n in groups:
        depths[name] = depths[parent] + 1
        responded = n + (incomplete or {}).get(name, 0)
        nodes.append(
            Node(
                ordinal=ordinals[name],
                parent=None if parent is None else ordinals[parent],
                depth=depths[name],
                key=name,
                n=n,
                invited=None if silent is None else responded + silent.get(name, 0),
                responded=responded,
            )
        )
    return nodes


def decisions(nodes: list[Node], k: int = 5) -> dict[str, Decision]:
    decided = decide(nodes, k)
    return {node.key: decided[node.ordinal] for node in nodes}


def outcomes(nodes: list[Node], k: int = 5) -> dict[str, str]:
    return {key: decision.reason or decision.precision or "" for key, decision in decisions(nodes, k).items()}


def showing_invited(nodes: list[Node], k: int = 5) -> set[str]:
    return {key for key, decision in decisions(nodes, k).items() if decision.shows_invited}


def test_a_group_under_the_minimum_takes_the_sibling_with_it_that_would_give_it_away() -> None:
    nodes = tree(
        ("all", None, 90),
        ("a", "all", 45),
        ("a1", "a", 25),
        ("a2", "a", 18),
        ("a3", "a", 2),
        ("b", "all", 45),
    )
    assert outcomes(nodes) == {
        "all": "exact",
        "a": "exact",
        "a1": "exact",
        "a2": "complementary",
        "a3": "below_minimum",
        "b": "exact",
    }


def test_direct_members_cover_a_small_sibling() -> None:
    nodes = tree(("all", None, 45), ("a", "all", 20), ("b", "all", 20), ("c", "all", 2))
    assert outcomes(nodes) == {"all": "exact", "a": "exact", "b": "exact", "c": "below_minimum"}


def test_direct_members_too_few_to_show_by_subtraction_cost_a_group() -> None:
    nodes = tree(("all", None, 43), ("a", "all", 20), ("b", "all", 20))
    assert outcomes(nodes) == {"all": "exact", "a": "exact", "b": "complementary"}


def test_a_group_that_is_all_of_its_parent_may_be_shown() -> None:
    assert outcomes(tree(("all", None, 30), ("a", "all", 30))) == {"all": "exact", "a": "exact"}


def test_the_larger_group_goes_first_and_then_the_smaller_key() -> None:
    by_size = tree(("all", None, 45), ("a", "all", 20), ("b", "all", 21), ("c", "all", 4))
    assert outcomes(by_size)["a"] == "complementary"
    by_key = tree(("all", None, 44), ("b", "all", 20), ("a", "all", 20), ("c", "all", 4))
    assert outcomes(by_key)["b"] == "complementary"


def test_a_group_is_weighed_against_the_nearest_group_shown_above_it() -> None:
    nodes = tree(("all", None, 42), ("a", "all", 39), ("a1", "a", 20), ("a2", "a", 19))
    assert outcomes(nodes) == {"all": "exact", "a": "complementary", "a1": "exact", "a2": "complementary"}


def test_an_organisation_under_the_minimum_shows_nothing() -> None:
    assert set(outcomes(tree(("all", None, 4), ("a", "all", 4))).values()) == {"below_minimum"}


def test_too_few_invited_is_too_few() -> None:
    nodes = [Node(0, None, 0, "all", n=5, invited=4, responded=5)]
    assert outcomes(nodes) == {"all": "below_minimum"}


@pytest.mark.parametrize(("k", "outcome"), [(3, "banded"), (4, "below_minimum")])
def test_the_minimum_is_the_one_given(k: int, outcome: str) -> None:
    assert outcomes(tree(("all", None, 3)), k) == {"all": outcome}


def test_around_a_banded_group_only_whole_numbers() -> None:
    nodes = tree(
        ("all", None, 120),
        ("a", "all", 60),
        ("a1", "a", 19),
        ("a2", "a", 20),
        ("a3", "a", 21),
        ("b", "all", 40),
        ("b1", "b", 20),
    )
    assert outcomes(nodes) == {
        "all": "exact",
        "a": "integer",
        "a1": "banded",
        "a2": "integer",
        "a3": "integer",
        "b": "exact",
        "b1": "exact",
    }


def test_the_organisation_stays_exact_beside_banded_teams() -> None:
    nodes = tree(("all", None, 60), ("a", "all", 12), ("b", "all", 30))
    assert outcomes(nodes) == {"all": "exact", "a": "banded", "b": "integer"}


def test_a_suppressed_level_between_does_not_undo_the_banding() -> None:
    nodes = tree(
        ("all", None, 100),
        ("a", "all", 60),
        ("b", "a", 58),
        ("b1", "b", 40),
        ("b2", "b", 10),
        ("c", "all", 30),
    )
    assert outcomes(nodes) == {
        "all": "exact",
        "a": "integer",
        "b": "complementary",
        "b1": "integer",
        "b2": "banded",
        "c": "exact",
    }


def test_a_small_organisation_is_banded_itself() -> None:
    assert outcomes(tree(("all", None, 19), ("a", "all", 10))) == {"all": "banded", "a": "banded"}


def test_without_a_frame_no_number_of_invited() -> None:
    assert showing_invited(tree(("all", None, 30), ("a", "all", 20))) == set()


@pytest.mark.parametrize(("silent", "shows"), [(0, True), (1, False), (2, False), (3, True)])
def test_one_or_two_silent_are_not_counted_out(silent: int, shows: bool) -> None:
    assert showing_invited(tree(("all", None, 30), silent={"all": silent})) == ({"all"} if shows else set())


@pytest.mark.parametrize(("incomplete", "shows"), [(0, True), (1, False), (2, False), (3, True)])
def test_one_or_two_without_both_scores_are_not_counted_out(incomplete: int, shows: bool) -> None:
    nodes = tree(("all", None, 30), silent={}, incomplete={"all": incomplete})
    assert showing_invited(nodes) == ({"all"} if shows else set())


def test_a_group_hides_its_invited_when_its_own_rest_has_a_silent_one() -> None:
    nodes = tree(("all", None, 70), ("a", "all", 30), ("b", "all", 20), silent={"all": 9, "a": 5, "b": 3})
    assert showing_invited(nodes) == {"a"}


def test_the_number_invited_of_all_is_known_from_when_the_survey_was_open() -> None:
    nodes = tree(("all", None, 50), ("a", "all", 30), silent={"all": 4, "a": 3})
    assert showing_invited(nodes) == set()


def test_a_sibling_hides_its_invited_where_subtraction_would_leave_a_silent_one() -> None:
    nodes = tree(
        ("all", None, 90),
        ("a", "all", 40),
        ("b", "all", 30),
        ("c", "all", 20),
        silent={"all": 9, "a": 5, "b": 3, "c": 1},
    )
    assert showing_invited(nodes) == {"all", "a"}


def test_suppressed_groups_never_show_invited() -> None:
    nodes = tree(("all", None, 30), ("a", "all", 4), silent={"all": 9, "a": 9})
    assert showing_invited(nodes) == {"all"}


@contextmanager
def counted_calls() -> Iterator[list[str]]:
    """The functions that are called meanwhile: what it costs on any machine."""
    calls: list[str] = []
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def test_five_thousand_groups_in_fifty_levels() -> None:
    nodes = [Node(0, None, 0, "0", n=5100, invited=9000, responded=5100)]
    for chain in range(102):
        for level in range(49):
            ordinal = len(nodes)
            parent = ordinal - 1 if level else 0
            n = 50 - level
            nodes.append(
                Node(ordinal, parent, level + 1, f"{chain}-{level}", n=n, invited=2 * n, responded=n)
            )
    with counted_calls() as calls:
        decided = decide(nodes, 5)
    assert len(calls) < 100 * len(nodes), "few of each group, however many there are"
    assert len(decided) == 4999
    assert sum(decision.status == "ok" for decision in decided.values()) == 1 + 102 * 10


@pytest.mark.parametrize(
    ("value", "precision", "score"),
    [
        (62.499, "exact", 62.499),
        (62.5, "integer", 62),
        (63.5, "integer", 64),
        (99.7, "integer", 100),
        (-3.6, "integer", 0),
        (100.2, "exact", 100),
        (62.5, "banded", 62),
        (99.7, "banded", 95),
        (0.2, "banded", 5),
        (-20.0, "banded", 5),
        (120.0, "banded", 95),
    ],
)
def test_scores(value: float, precision: Precision, score: float) -> None:
    assert shown_score(value, precision) == score


@pytest.mark.parametrize(
    ("value", "precision", "gap"),
    [
        (-4.13, "exact", -4.13),
        (-4.5, "integer", -4),
        (-99.0, "banded", -90),
        (99.0, "banded", 90),
        (2.5, "banded", 2),
    ],
)
def test_gaps(value: float, precision: Precision, gap: float) -> None:
    assert shown_gap(value, precision) == gap


@pytest.mark.parametrize(
    ("value", "precision", "share"),
    [
        (0.614, "exact", 0.614),
        (0.614, "integer", 0.61),
        (0.0, "integer", 0.0),
        (0.0, "banded", 0.05),
        (1.0, "banded", 0.95),
        (0.62, "banded", 0.6),
        (0.63, "banded", 0.65),
        (0.125, "banded", 0.1),
    ],
)
def test_shares(value: float, precision: Precision, share: float) -> None:
    assert shown_share(value, precision) == share


def test_spread_and_effect_size_are_never_banded() -> None:
    assert (shown_sd(16.9, "exact"), shown_sd(16.9, "integer"), shown_sd(16.9, "banded")) == (16.9, 17, None)
    assert (shown_dz(-0.226, "exact"), shown_dz(-0.226, "integer"), shown_dz(-0.226, "banded")) == (
        -0.226,
        -0.23,
        None,
    )


def test_the_noise_of_summing_does_not_decide_a_half() -> None:
    for noise in (-1e-12, 0, 1e-12):
        assert shown_score(63.5 + noise, "integer") == 64
        assert shown_gap(-12.5 + noise, "banded") == -12
        assert shown_share(0.375 + noise, "banded") == 0.4
        assert shown_share(0.125 + noise, "integer") == 0.12


def test_no_negative_zero_is_shown() -> None:
    shown = [shown_gap(-0.2, "integer"), shown_gap(-0.2, "banded"), shown_dz(-0.001, "integer")]
    assert [str(value) for value in shown] == ["0", "0", "0.0"]
