from itertools import pairwise
from random import Random

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from app.metrics.disclosure import crossing, support
from app.metrics.disclosure.crossing import Table, holds_together, is_safe, numbered
from app.metrics.disclosure.support import lives_on_few
from tests.examples import examples
from tests.metrics.attacker import lives_on_few as attacked

INFEASIBLE = 2


def table(*persons: tuple[int, ...]) -> Table:
    """By person: region, then the category in each dimension."""
    regions, *dimensions = np.array(persons).T
    return Table(regions, dimensions)


def repeated(counts: dict[tuple[int, ...], int]) -> Table:
    return table(*(key for key, count in counts.items() for _ in range(count)))


def everybody(of: Table) -> np.ndarray:
    return np.ones(len(of.regions), dtype=np.bool_)


def safe(of: Table, k: int) -> bool:
    return is_safe(of, everybody(of), k)


def sums(of: Table) -> np.ndarray:
    """What is shown of the table, as the attacker wants it: sums x persons x 1."""
    rows = [own == value for own in (of.regions, *of.dimensions) for value in np.unique(own)]
    return np.array(rows, dtype=np.int64)[:, :, None]


def random_table(seed: int) -> tuple[Table, int]:
    """Regions of k or more, and up to three dimensions that depend on them more or less."""
    random, k = Random(seed), 3 + seed % 3
    count, persons = random.randint(1, 5), random.randint(14, 60)
    regions = np.array([random.randrange(count) for _ in range(persons)])
    sizes = np.bincount(regions)
    regions = np.where(sizes[regions] >= k, regions, sizes.argmax())
    loose = random.choice([0.3, 0.9])
    dimensions = []
    for categories in (random.randint(2, 3) for _ in range(random.randint(1, 3))):
        weights = [random.choice([1, 5]) for _ in range(categories)]
        drawn = [random.choices(range(categories), weights)[0] for _ in range(persons)]
        dimensions.append(np.where([random.random() < loose for _ in drawn], drawn, regions % categories))
    return Table(regions, dimensions), k


def test_two_teams_that_share_k_of_each_gender_are_safe() -> None:
    assert safe(repeated({(0, 0): 5, (0, 1): 5, (1, 0): 5, (1, 1): 5}), 5)


def test_the_only_few_women_of_all_teams_in_one_of_them() -> None:
    counts = {(0, 0): 9, (1, 0): 9, (1, 1): 3}
    assert not safe(repeated(counts), 5)
    assert safe(repeated(counts), 3)


def test_few_of_each_gender_in_many_teams_cover_each_other() -> None:
    counts = {(team, gender): 4 for team in range(25) for gender in range(2)}
    assert safe(repeated(counts), 5)


def test_a_dimension_that_is_the_tree_again_tells_nothing_more() -> None:
    assert safe(repeated({(0, 0): 6, (1, 1): 7, (2, 1): 5}), 5)
    assert not holds_together(repeated({(0, 0): 6, (1, 1): 7, (2, 1): 5}), np.ones(18, dtype=np.bool_), 5)


def test_of_persons_who_are_few_in_every_mixture_nothing_is_safe() -> None:
    of = repeated({(0, 0): 20, (0, 1): 20})
    some = np.zeros(40, dtype=np.bool_)
    some[:30] = True
    assert is_safe(of, some, 5)
    some[:17] = False
    assert not is_safe(of, some, 14)


@pytest.mark.parametrize(
    "seeds",
    [range(80), pytest.param(range(80, 20_000), marks=pytest.mark.nightly)],
    ids=["dozens", "thousands"],
)
def test_safe_is_what_the_attacker_finds_nothing_in(seeds: range) -> None:
    verdicts = []
    for seed in seeds:
        of, k = random_table(seed)
        verdicts.append(safe(of, k))
        assert verdicts[-1] is not attacked(sums(of), k), seed
    assert 0.1 < np.mean(verdicts) < 0.9


def test_without_a_proof_fewer_are_called_safe_and_none_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    with_proof = [safe(*random_table(seed)) for seed in range(examples(80))]
    monkeypatch.setattr(crossing, "MOST_ATOMS_PROVED", 0)
    without = [safe(*random_table(seed)) for seed in range(examples(80))]
    assert all(proved or not mixed for proved, mixed in zip(with_proof, without, strict=True))
    assert sum(without) < sum(with_proof)


def test_the_bound_for_many_categories_is_within_a_factor_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(examples(60)):
        of, _ = random_table(seed)
        contexts, codes = of.contexts(0), numbered(of.dimensions[0])
        rows = crossing._mixed(contexts, codes, int(codes.max()) + 1)
        if codes.max() and rows[0].size:
            least, bound = crossing._divided(*rows), crossing._bounded(*rows)
            assert (least.min() == 0) == (bound.min() == 0)
            positive = least[least > 0].min(), bound[bound > 0].min()
            assert positive[0] / 2 - 1e-9 <= positive[1] <= positive[0] + 1e-9
    monkeypatch.setattr(crossing, "MOST_HALVED", 1)
    monkeypatch.setattr(crossing, "MOST_ATOMS_PROVED", 0)
    for of, k in map(random_table, range(examples(60))):
        assert not safe(of, k) or not attacked(sums(of), k)


def proved_by_program(of: Table, k: int) -> bool:
    """The same by a mixed-integer program: no value with a largest of 1 lives on fewer than k."""
    atoms = numbered(of.regions, *of.dimensions)
    firsts = np.unique(atoms, return_index=True)[1]
    terms = np.hstack([own[firsts][:, None] == np.unique(own) for own in (of.regions, *of.dimensions)])
    count, free = terms.shape
    weights, one, no = np.bincount(atoms), np.eye(count), np.zeros((count, count))
    none = np.zeros((count, free))
    least = np.concatenate([np.full(free, -np.inf), np.zeros(2 * count)])
    most = np.concatenate([np.full(free, np.inf), weights < k, weights < k])
    found = milp(
        np.zeros(free + 2 * count),
        integrality=np.repeat([0, 1], [free, 2 * count]),
        bounds=Bounds(least, most),
        constraints=[
            LinearConstraint(np.hstack([terms, -one, no]), ub=0),
            LinearConstraint(np.hstack([terms, one, no]), lb=0),
            LinearConstraint(np.hstack([terms, no, -2 * one]), lb=-1),
            LinearConstraint(np.hstack([none, no, one]).sum(axis=0), lb=1, ub=1),
            LinearConstraint(np.concatenate([np.zeros(free), weights, np.zeros(count)]), ub=k - 1),
        ],
    )
    return bool(found.status == INFEASIBLE)


@pytest.mark.parametrize(
    "seeds", [range(8), pytest.param(range(8, 200), marks=pytest.mark.nightly)], ids=["few", "hundreds"]
)
def test_a_mixed_integer_program_gives_the_same_verdicts(seeds: range) -> None:
    verdicts = []
    for seed in seeds:
        of, k = random_table(seed)
        verdicts.append(safe(of, k))
        assert verdicts[-1] == proved_by_program(of, k), seed
    assert 0 < sum(verdicts) < len(verdicts)


def test_a_proof_that_takes_too_many_steps_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "MOST_STEPS", 30)
    random = np.random.default_rng(7)
    rows = random.integers(0, 2**31 - 1, (60, 100))
    assert lives_on_few(rows, np.ones(100, dtype=np.int64), 40) is None


def test_two_hundred_staff_in_four_dimensions_are_settled_within_few_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(support, "MOST_STEPS", 300)
    random = np.random.default_rng(3)
    of = Table(random.integers(0, 25, 200), [random.integers(0, count, 200) for count in (2, 3, 2, 2)])
    assert safe(of, 5)


def test_more_categories_one_after_the_other_lose_a_bond() -> None:
    """A chain of teams with one category in common each is cut at its weakest link."""
    counts = dict.fromkeys([*pairwise(range(9)), *((team, team) for team in range(9))], 6)
    assert safe(repeated(counts), 6)
    assert not safe(repeated(counts | {(4, 4): 2}), 6)
