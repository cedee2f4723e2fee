from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from app.metrics.disclosure import (
    Plan,
    admit,
    base_regions,
    erased_few,
    filter_cells,
    may_link,
    plan_release,
)
from app.metrics.sample import Flags, Groups, Instrument, Places, Rollup, Sample
from tests.metrics.companies import NO_ANSWER, sample_of

K = 5
QUESTIONS = {
    "s1": ("satisfaction", "pay"),
    "s2": ("satisfaction", "pay"),
    "s3": ("satisfaction", "safety"),
    "s4": ("satisfaction", "resources"),
    "e1": ("engagement", "bond"),
    "o1": ("outcome", "enps"),
}
INSTRUMENT = Instrument(
    key=list(QUESTIONS),
    low=[1] * 6,
    high=[5] * 6,
    is_reversed=[False] * 6,
    dimension=[dimension for dimension, _ in QUESTIONS.values()],
    facet=[facet for _, facet in QUESTIONS.values()],
    role=["core" if dimension == "engagement" else "basic" for dimension, _ in QUESTIONS.values()],
    lever=[None, None, "resources_and_safety", "resources_and_safety", None, None],
)
FLAT = [None, 0, 0]
"""The organisation and two teams."""


@dataclass(frozen=True)
class Some:
    """So many persons of a team, in a category of each dimension, who skipped these questions."""

    count: int
    team: int
    categories: Mapping[str, str] | None = None
    skipped: Sequence[str] = ()


def sample(*persons: Some, parents: Sequence[int | None] = FLAT) -> Sample:
    everybody = [own for own in persons for _ in range(own.count)]
    names = list((persons[0].categories or {}).keys())
    categories = sorted({(name, own.categories[name]) for own in persons for name in names if own.categories})
    categories.sort(key=lambda category: names.index(category[0]))
    groups = Groups(parents, [f"team-{team}" for team in range(len(parents))], categories)
    of = {
        name: np.array(
            [
                len(parents) + categories.index((name, own.categories[name]))
                for own in everybody
                if own.categories
            ],
            dtype=np.int64,
        )
        for name in names
    }
    answers = [[NO_ANSWER if key in own.skipped else 3 for key in QUESTIONS] for own in everybody]
    places = Places(np.array([own.team for own in everybody], dtype=np.int64), of)
    return sample_of(
        INSTRUMENT, groups, places, np.array(answers, dtype=np.int16).reshape(-1, len(QUESTIONS))
    )


def plan(of: Sample, k: int = K, **options: object) -> Plan:
    invited = Rollup(of.groups, of.places).counts()
    return plan_release(of, invited, k, **options)  # type: ignore[arg-type]


def said(of: Sample, found: Plan) -> dict[str, str]:
    """The reason or precision of every group, by name."""
    names = [*of.groups.keys, *(category for _, category in of.groups.categories)]
    return {
        names[ordinal]: own.reason or own.precision or "" for ordinal, own in sorted(found.decisions.items())
    }


def hidden(found: Plan, measure: str) -> dict[int, str]:
    return dict(found.hidden[measure])


def by(**categories: str) -> dict[str, str]:
    return categories


def test_categories_are_shown_beside_teams_that_mix_them() -> None:
    of = sample(*(Some(10, team, by(gender=gender)) for team in (1, 2) for gender in "fm"))
    assert said(of, plan(of)) == {
        "team-0": "exact",
        "team-1": "exact",
        "team-2": "exact",
        "f": "exact",
        "m": "exact",
    }


def test_a_category_under_the_minimum_takes_the_smallest_other_with_it() -> None:
    of = sample(
        Some(12, 1, by(site="a")),
        Some(9, 1, by(site="b")),
        Some(20, 1, by(site="c")),
        Some(2, 2, by(site="d")),
    )
    found = plan(of)
    assert said(of, found)["d"] == "below_minimum"
    assert said(of, found)["b"] == "complementary"
    assert found.decisions[6].rule == "R1"
    assert found.decisions[4].rule == "R5a"


def test_a_dimension_that_would_single_out_the_few_of_one_team_is_withheld() -> None:
    of = sample(
        Some(10, 1, by(gender="m")),
        Some(10, 2, by(gender="m")),
        Some(3, 2, by(gender="f")),
        Some(9, 1, by(gender="f")),
    )
    assert said(of, plan(of, filters=False))["f"] == "banded"
    of = sample(Some(10, 1, by(gender="m")), Some(3, 2, by(gender="m")), Some(12, 2, by(gender="f")))
    assert {said(of, plan(of))[name] for name in "fm"} == {"crossing"}


def test_a_dimension_of_one_category_is_withheld() -> None:
    of = sample(Some(10, 1, by(gender="m")), Some(10, 2, by(gender="m")))
    assert said(of, plan(of))["m"] == "crossing"


def test_dimensions_are_added_in_their_order_while_they_are_safe_together() -> None:
    """Site a of team 1 are women, but for two, and the other way round."""
    rows = [Some(10, 1, by(gender="f", site="a")), Some(2, 1, by(gender="m", site="a"))]
    rows += [Some(2, 1, by(gender="f", site="b")), Some(10, 1, by(gender="m", site="b"))]
    of = sample(*rows)
    assert plan(of, filters=False).dimensions == ["gender"]
    turned = [replace(own, categories=dict(reversed(list((own.categories or {}).items())))) for own in rows]
    assert plan(sample(*turned), filters=False).dimensions == ["site"]


def test_categories_are_banded_like_teams() -> None:
    of = sample(*(Some(count, 1, by(site=site)) for site, count in (("a", 30), ("b", 12), ("c", 20))))
    assert said(of, plan(of)) == {
        "team-0": "exact",
        "team-1": "exact",
        "team-2": "below_minimum",
        "a": "integer",
        "b": "banded",
        "c": "integer",
    }


def test_categories_show_no_number_invited() -> None:
    of = sample(*(Some(10, team, by(gender=gender)) for team in (1, 2) for gender in "fm"))
    found = plan(of)
    assert [own.shows_invited for _, own in sorted(found.decisions.items())] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_what_is_left_of_a_shown_group_is_told() -> None:
    of = sample(Some(6, 0), Some(10, 1), Some(3, 2))
    found = plan(of)
    assert [found.decisions[ordinal].left for ordinal in range(3)] == [9, 10, None]
    assert [found.decisions[ordinal].rule for ordinal in range(3)] == [None, None, "R1"]


def counted(of: Sample, found: Plan, measure: str) -> list[int]:
    """How many count in it in each group."""
    n = Rollup(of.groups, of.places.of(of.both)).counts(found.counted[measure])
    return [int(own) for own in n]


def test_where_few_lack_a_score_as_many_more_are_left_out_by_lot() -> None:
    of = sample(Some(20, 1, skipped=["o1"]), Some(4, 2, skipped=["o1"]), Some(20, 2))
    found = plan(of)
    assert hidden(found, "outcome:enps") == {1: "below_minimum"}
    assert found.coarse["outcome:enps"] == {1}
    assert counted(of, found, "outcome:enps") == [19, 0, 19]


def test_what_is_left_around_a_group_counts_as_well() -> None:
    of = sample(Some(20, 1), Some(20, 0), Some(3, 0, skipped=["o1"]), Some(6, 1, skipped=["o1"]))
    assert counted(of, plan(of), "outcome:enps")[:2] == [38, 20]


def test_small_groups_tell_scores_coarsely_and_count_in_those_around_them() -> None:
    of = sample(Some(30, 1), Some(8, 2), Some(1, 2, skipped=["o1"]))
    found = plan(of)
    assert found.coarse["outcome:enps"] == found.coarse["facet:pay"] == {2}
    assert counted(of, found, "outcome:enps")[0] == 30, "of nine a lot would leave too few"
    of = sample(Some(30, 1), Some(8, 2), Some(8, 0), Some(1, 2, skipped=["o1"]))
    assert counted(of, plan(of), "outcome:enps")[0] == 42
    assert hidden(found, "outcome:enps") == {}


def test_those_left_out_answered_what_others_skipped() -> None:
    """Their shares of favourable answers would else be of fewer than k."""
    of = sample(Some(28, 1), Some(2, 1, skipped=["s1", "s2"]))
    found = plan(of)
    assert counted(of, found, "facet:pay")[0] == 28 - K
    assert counted(of, found, "facet:safety")[0] == 30


def test_the_same_persons_are_left_out_of_every_score() -> None:
    of = sample(Some(28, 1), Some(2, 1, skipped=["s1"]), Some(2, 1, skipped=["o1"]))
    found = plan(of)
    left_out = [set(np.flatnonzero(~found.counted[own])) for own in ("question:s1", "outcome:enps")]
    assert left_out[0] & left_out[1] == {0, 1, 2}


def test_nobody_is_left_out_where_each_pattern_is_that_of_enough() -> None:
    of = sample(Some(20, 1), Some(6, 1, skipped=["s1"]))
    found = plan(of)
    assert counted(of, found, "question:s1")[0] == 20
    assert counted(of, found, "question:s2")[0] == counted(of, found, "facet:pay")[0] == 26


def test_where_a_lot_would_leave_too_few_a_score_is_told_coarsely() -> None:
    of = sample(Some(8, 1), Some(14, 1, skipped=["s3"]), Some(1, 1, skipped=["s4"]))
    found = plan(of)
    assert found.coarse["facet:safety"] == {0, 1}
    assert hidden(found, "facet:safety") == {}


def test_the_order_of_the_lot_is_of_persons_and_not_of_answers() -> None:
    of = sample(Some(28, 1), Some(2, 1, skipped=["o1"]))
    backwards = replace(of, order=np.arange(30)[::-1].copy())
    assert set(np.flatnonzero(~plan(of).counted["outcome:enps"])) == {0, 1, 2, 28, 29}
    assert set(np.flatnonzero(~plan(backwards).counted["outcome:enps"])) == {25, 26, 27, 28, 29}


def test_a_measure_is_exact_in_all_categories_of_a_dimension_or_in_none() -> None:
    rows = [Some(20, team, by(gender=gender)) for team in (1, 2) for gender in "fm"]
    assert not any(plan(sample(*rows)).coarse.values())
    few = Some(6, 2, by(gender="m"), skipped=["o1"]), Some(2, 1, by(gender="f"), skipped=["o1"])
    found = plan(sample(*rows, *few))
    assert found.coarse["outcome:enps"] in ({3, 4}, set())
    assert not any(found.hidden.values())


def test_an_organisation_under_the_minimum_shows_nothing() -> None:
    of = sample(Some(2, 1, by(gender="f")), Some(2, 2, by(gender="m")))
    found = plan(of)
    assert set(said(of, found).values()) == {"below_minimum"}
    assert found.cells is None
    assert not any(found.hidden.values())


def test_nobody_at_all() -> None:
    nobody = sample(Some(0, 1, by(gender="f")), Some(0, 2, by(gender="m")))
    assert set(said(nobody, plan(nobody)).values()) == {"below_minimum"}


def flags(of: Sample, **wanted: str) -> Flags:
    names = [category for _, category in of.groups.categories]
    found = np.ones(len(of.places), dtype=np.bool_)
    for name, category in wanted.items():
        found &= of.places.category[name] == len(of.groups.parents) + names.index(category)
    return found


def test_a_filter_is_answered_where_it_is_a_union_of_cells() -> None:
    of = sample(
        Some(8, 1, by(gender="f", site="a")),
        Some(9, 1, by(gender="m", site="a")),
        Some(7, 1, by(gender="f", site="b")),
        Some(6, 1, by(gender="m", site="b")),
    )
    cells = plan(of).cells
    assert cells is not None
    assert cells.max() == 3
    for wanted, count in ((flags(of, gender="f", site="a"), 1), (flags(of, gender="f"), 2)):
        found = filter_cells(cells, wanted)
        assert found is not None
        assert len(found) == count


def test_a_filter_is_refused_where_it_parts_a_cell_or_finds_nobody() -> None:
    of = sample(Some(20, 1, by(gender="f")), Some(3, 1, by(gender="m")), Some(20, 2, by(gender="m")))
    cells = plan(of, filters=True).cells
    assert cells is not None
    assert filter_cells(cells, flags(of, gender="f")) is None
    assert filter_cells(cells, np.zeros(len(cells), dtype=np.bool_)) is None
    assert filter_cells(cells, of.places.team == 2) is not None


def test_cells_keep_to_the_groups_shown() -> None:
    of = sample(*(Some(8, team, by(gender=gender)) for team in (0, 1, 2) for gender in "fm"))
    cells = plan(of).cells
    assert cells is not None
    by_cell = [set(of.places.team[cells == cell].tolist()) for cell in range(cells.max() + 1)]
    assert all(len(teams) == 1 for teams in by_cell)
    assert np.bincount(cells).min() >= K


def test_without_filters_there_are_no_cells() -> None:
    assert plan(sample(Some(20, 1)), filters=False).cells is None


CHAIN = Groups([None, 0, 1, 0], ["all", "a", "a1", "b"])


def test_base_regions_hold_k_invited_each() -> None:
    assert base_regions(CHAIN, np.array([40, 20, 12, 4]), K).tolist() == [0, 1, 2, 0]
    assert base_regions(CHAIN, np.array([40, 20, 17, 4]), K).tolist() == [0, 1, 1, 0]
    assert base_regions(CHAIN, np.array([4, 2, 1, 1]), K).tolist() == [-1, -1, -1, -1]


def test_a_region_takes_in_nobody_or_k() -> None:
    regions = np.array([0] * 6 + [1] * 4 + [2] * 6)
    in_headline = np.array([True] * 5 + [False] + [True] * 4 + [True] + [False] * 5)
    assert admit(regions, in_headline, K).tolist() == [True] * 6 + [False] * 10


def test_who_has_not_both_scores_waits_for_others_too() -> None:
    nobody = np.zeros(6, dtype=np.bool_)
    assert not admit(np.zeros(4, dtype=np.int64), nobody[:4], K).any()
    assert admit(np.zeros(6, dtype=np.int64), nobody, K).all()
    assert admit(np.zeros(0, dtype=np.int64), nobody[:0], K).tolist() == []


def test_an_interim_release_shows_the_headline_of_the_tree() -> None:
    of = sample(*(Some(10, team, by(gender=gender)) for team in (1, 2) for gender in "fm"))
    found = plan(of, step="interim")
    assert said(of, found) == dict.fromkeys(["team-0", "team-1", "team-2"], "exact") | dict.fromkeys(
        "fm", "crossing"
    )
    assert found.cells is None
    assert all(set(own) == {0, 1, 2} for own in found.hidden.values())


def test_groups_of_no_base_region_are_in_no_release_of_a_rolling_survey() -> None:
    of = sample(Some(10, 1), Some(10, 2), parents=FLAT)
    invited = np.array([24, 12, 12])
    assert plan_release(of, invited, K, step="final").decisions[2].status == "ok"
    found = plan_release(of, invited - [2, 0, 0], K, step="final")
    assert (found.decisions[2].reason, found.decisions[2].rule) == ("complementary", "R2")


def test_without_a_frame_a_rolling_survey_shows_the_organisation_alone() -> None:
    of = sample(Some(10, 1), Some(10, 2))
    found = plan_release(of, None, K, step="interim")
    assert [own.status for _, own in sorted(found.decisions.items())] == ["ok", "suppressed", "suppressed"]


def test_repeaters_are_shown_where_they_and_the_others_mix_in_k() -> None:
    of = sample(Some(20, 1), Some(20, 2))
    found = plan(of)
    half = np.arange(40) % 2 == 0
    assert may_link(of, found, half, K)
    assert may_link(of, found, np.ones(40, dtype=np.bool_), K)
    assert not may_link(of, found, np.arange(40) < 4, K)
    assert not may_link(of, found, np.arange(40) >= 3, K)


def test_repeaters_that_are_a_team_but_for_a_few_are_not_shown() -> None:
    of = sample(Some(20, 1), Some(20, 2))
    found = plan(of)
    assert may_link(of, found, of.places.team == 1, K)
    assert not may_link(of, found, (of.places.team == 1) | (np.arange(40) > 37), K)


@pytest.mark.parametrize(
    ("erased", "withheld"),
    [
        ([0, 0, 0], set()),
        ([3, 3, 0], {0, 1}),
        ([7, 7, 0], set()),
        ([7, 5, 2], {1, 2}),
        ([14, 7, 7], set()),
        ([7, 2, 5], {1, 2}),
    ],
)
def test_trends_are_withheld_where_few_were_erased(erased: list[int], withheld: set[int]) -> None:
    of = sample(Some(20, 1), Some(20, 2))
    assert erased_few(of.groups, {0, 1, 2}, np.array(erased), K) == withheld


def test_after_an_erasure_no_category_has_a_trend() -> None:
    of = sample(*(Some(10, team, by(gender=gender)) for team in (1, 2) for gender in "fm"))
    shown = {ordinal for ordinal, own in plan(of).decisions.items() if own.status == "ok"}
    assert shown == {0, 1, 2, 3, 4}
    assert erased_few(of.groups, shown, np.array([0, 0, 0]), K) == set()
    assert erased_few(of.groups, shown, np.array([6, 6, 0]), K) == {3, 4}
