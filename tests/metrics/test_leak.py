from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from app.metrics.disclosure import Decision, Node, decide
from tests.metrics.leak import Organisation, leak, named_silence, random_organisation

SAMPLES = [
    pytest.param(range(150), id="hundreds"),
    pytest.param(range(150, 9000), id="thousands", marks=pytest.mark.nightly),
]

ROOT = 0
"""The organisation, whose number of invited a survey tells while it is open."""


def minimum(seed: int) -> int:
    return 3 + seed % 3


def shown(decisions: dict[int, Decision]) -> set[int]:
    return {ordinal for ordinal, decision in decisions.items() if decision.status == "ok"}


def attack(organisation: Organisation, groups: set[int], k: int) -> frozenset[int] | None:
    return leak([organisation.headline_set(group) for group in groups], organisation.headline_set(0), k)


def above_the_threshold(nodes: list[Node], k: int) -> set[int]:
    return {node.ordinal for node in nodes if node.n >= k}


def hiding_the_next_smallest_sibling(nodes: list[Node], k: int) -> set[int]:
    groups = above_the_threshold(nodes, k)
    for parent in nodes:
        children = [node for node in nodes if node.parent == parent.ordinal and node.n]
        hidden = [child for child in children if child.ordinal not in groups]
        if hidden and sum(child.n for child in hidden) < k:
            children.sort(key=lambda child: child.n)
            groups -= {child.ordinal for child in children[: len(hidden) + 1]}
    return groups


def regions_of(organisation: Organisation, groups: set[int]) -> dict[int, frozenset[int]]:
    """The persons of every group outside the groups shown inside it, by group."""
    regions: dict[int, set[int]] = {group: set() for group in groups}
    for person, team in enumerate(organisation.team):
        around = next((group for group in organisation.ancestors(team) if group in groups), None)
        if around is not None:
            regions[around].add(person)
    return {group: frozenset(persons) for group, persons in regions.items()}


def count_silent(came: Sequence[bool], persons: frozenset[int]) -> int:
    return sum(not came[person] for person in persons)


def silent_counts(organisation: Organisation, persons: frozenset[int]) -> set[int]:
    return {count_silent(came, persons) for came in (organisation.responded, organisation.has_both_scores)}


def named(organisation: Organisation, groups: set[int], with_invited: set[int]) -> frozenset[int] | None:
    """The regions in which the shown numbers of invited count one or two without a response or a score."""
    regions = regions_of(organisation, groups)
    spans = [{r for r in groups if group in organisation.ancestors(r)} for group in with_invited]
    for came in (organisation.responded, organisation.has_both_scores):
        silent = {region: count_silent(came, persons) for region, persons in regions.items()}
        if found := named_silence(spans, silent):
            return found
    return None


def test_the_attacker_subtracts_a_team_from_its_organisation() -> None:
    everybody = set("abcdefgh")
    assert leak([everybody, set("abcdef")], everybody, 3) == frozenset("gh")
    assert leak([everybody, set("abcdef")], everybody, 2) is None
    assert leak([everybody], everybody, 8) is None


def test_the_attacker_combines_three_sets() -> None:
    everybody = set("abcdefgh")
    assert leak([set("abcde"), set("defgh"), everybody], everybody, 3) == frozenset("de")


def test_the_attacker_finds_an_exposed_pair_of_atoms() -> None:
    everybody = set("abcdefgh")
    assert leak([set("abcde"), set("abcdf")], everybody, 3) == frozenset("ef")
    assert leak([set("abcde"), set("abcdf")], everybody, 2) is None


@pytest.mark.parametrize("seeds", SAMPLES)
def test_published_groups_leak_nobody(seeds: range) -> None:
    published = 0
    for seed in seeds:
        organisation, k = random_organisation(seed), minimum(seed)
        groups = shown(decide(organisation.nodes(), k))
        assert attack(organisation, groups, k) is None, seed
        published += len(groups)
    assert published > 2 * len(seeds)


@pytest.mark.parametrize("rule", [above_the_threshold, hiding_the_next_smallest_sibling])
def test_the_attacker_catches_weaker_rules(rule: Callable[[list[Node], int], set[int]]) -> None:
    caught = 0
    for seed in range(600):
        organisation, k = random_organisation(seed), minimum(seed)
        caught += attack(organisation, rule(organisation.nodes(), k), k) is not None
    assert caught > 50


@pytest.mark.parametrize("seeds", SAMPLES)
def test_what_is_left_of_each_group_decides_as_the_rank_does(seeds: range) -> None:
    safe = 0
    for seed in seeds:
        organisation, k = random_organisation(seed), minimum(seed)
        groups = {group for group in range(len(organisation.parents)) if Random(seed + group).random() < 0.5}
        regions = regions_of(organisation, groups).values()
        left = [len(persons & organisation.headline_set(0)) for persons in regions]
        is_safe = all(n == 0 or n >= k for n in left)
        assert is_safe == (attack(organisation, groups, k) is None), seed
        safe += is_safe
    assert 0.1 < safe / len(seeds) < 0.9


@pytest.mark.parametrize("seeds", SAMPLES)
def test_no_further_group_could_have_been_shown(seeds: range) -> None:
    for seed in seeds:
        organisation, k = random_organisation(seed), minimum(seed)
        decisions = decide(organisation.nodes(), k)
        for group, decision in decisions.items():
            if decision.status == "suppressed" and organisation.headline_set(group):
                assert attack(organisation, shown(decisions) | {group}, k) is not None, (seed, group)


@pytest.mark.parametrize("seeds", SAMPLES)
def test_the_order_of_the_input_decides_nothing(seeds: range) -> None:
    for seed in seeds:
        nodes, k = random_organisation(seed).nodes(), minimum(seed)
        shuffled = Random(seed).sample(nodes, len(nodes))
        assert decide(shuffled, k) == decide(nodes, k), seed


@pytest.mark.parametrize("seeds", SAMPLES)
def test_the_numbering_of_the_groups_decides_nothing(seeds: range) -> None:
    for seed in seeds:
        nodes, k = random_organisation(seed).nodes(), minimum(seed)
        names = dict(enumerate(Random(seed).sample(range(len(nodes)), len(nodes))))
        renamed = [
            replace(
                node, ordinal=names[node.ordinal], parent=None if node.parent is None else names[node.parent]
            )
            for node in nodes
        ]
        decisions, expected = decide(renamed, k), decide(nodes, k)
        assert {names[ordinal]: decision for ordinal, decision in expected.items()} == decisions, seed


@pytest.mark.parametrize("seeds", SAMPLES)
def test_numbers_of_invited_name_no_silent_person(seeds: range) -> None:
    hidden = showing = 0
    for seed in seeds:
        organisation, k = random_organisation(seed), minimum(seed)
        decisions = decide(organisation.nodes(), k)
        groups = shown(decisions)
        with_invited = {group for group in groups if decisions[group].shows_invited}
        if silent_counts(organisation, organisation.persons(ROOT)) & {1, 2}:
            assert not with_invited, seed
        elif groups:
            assert named(organisation, groups, with_invited | {ROOT}) is None, seed
        showing, hidden = showing + len(with_invited), hidden + len(groups - with_invited)
    assert showing > len(seeds) / 3
    assert hidden > len(seeds) / 2


@pytest.mark.parametrize("seeds", SAMPLES)
def test_only_an_unsafe_number_of_invited_is_hidden(seeds: range) -> None:
    for seed in seeds:
        organisation, k = random_organisation(seed), minimum(seed)
        decisions = decide(organisation.nodes(), k)
        groups = shown(decisions)
        with_invited = {group for group in groups if decisions[group].shows_invited}
        regions = regions_of(organisation, groups)
        for group in groups - with_invited:
            if not silent_counts(organisation, regions[group]) & {1, 2}:
                assert named(organisation, groups, with_invited | {ROOT, group}), (seed, group)


def test_the_attacker_catches_showing_every_number_of_invited() -> None:
    caught = 0
    for seed in range(600):
        organisation = random_organisation(seed)
        groups = shown(decide(organisation.nodes(), minimum(seed)))
        caught += named(organisation, groups, groups) is not None
    assert caught > 50


def test_the_attacker_catches_hiding_only_the_groups_with_one_or_two_silent() -> None:
    caught = 0
    for seed in range(600):
        organisation = random_organisation(seed)
        groups = shown(decide(organisation.nodes(), minimum(seed)))
        few = {g for g in groups if silent_counts(organisation, organisation.persons(g)) & {1, 2}}
        caught += named(organisation, groups, groups - few) is not None
    assert caught > 20
