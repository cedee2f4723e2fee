"""What is said of recognition by group, against counting one by one, and what an attacker can subtract."""

from random import Random
from typing import Any

import numpy as np
import pytest

from app.metrics.formulas import centralisation, density, gini, kaplan_meier, mixing, reciprocity
from app.metrics.recognition.blocks import FEWEST_ACTIVE, Pairs, People, Teams, bodies, suppressed
from tests.metrics.golden import close, column, columns, reference
from tests.metrics.leak import leak

MONTHS = 3


def random_teams(random: Random, most: int) -> Teams:
    """In tree order: each new team goes below one on the path to the team before it."""
    parents: list[int | None] = [None]
    for ordinal in range(1, random.randint(2, most)):
        path, above = [], ordinal - 1
        while above is not None:
            path.append(above)
            above = parents[above]  # type: ignore[assignment]
        parents.append(random.choice(path))
    return Teams(parents, [f"team-{ordinal}" for ordinal in range(len(parents))])


def random_people(random: Random, teams: Teams, n: int) -> People:
    sizes = [random.choice([0, 1, 3, 9]) or 0.01 for _ in teams.keys]
    team = np.sort(random.choices(range(len(teams.keys)), sizes, k=n))
    numbers = np.random.default_rng(random.randrange(2**32))
    received, known = numbers.integers(0, 4, n), numbers.random(n) < 0.7
    scored = np.minimum(received, numbers.integers(0, 4, n))
    return People(
        team=team,
        is_active=numbers.random((MONTHS, n)) < 0.93,
        days=numbers.integers(1, 93, n),
        received=received,
        given=numbers.integers(0, 3, n),
        scored=scored,
        specificity=scored * 2,
        since=numbers.integers(0, 120, n),
        is_known=known,
        is_recent=known & (numbers.random(n) < 0.5),
    )


def random_pairs(random: Random, n: int) -> Pairs:
    found = {(random.randrange(n), random.randrange(n)) for _ in range(3 * n)}
    edges = np.array(sorted(edge for edge in found if edge[0] != edge[1]))
    return Pairs(edges[:, 0], edges[:, 1], np.array([random.randint(1, 5) for _ in edges]))


def members(teams: Teams, people: People, group: int) -> list[int]:
    """One by one, up the tree."""
    found = []
    for person, team in enumerate(people.team.tolist()):
        above: int | None = team
        while above is not None and above != group:
            above = teams.parents[above]
        if above == group:
            found.append(person)
    return found


def told(value: float, persons: float) -> float | None:
    return None if 1e-9 < persons < FEWEST_ACTIVE - 1e-9 else value


def counted(teams: Teams, people: People, pairs: Pairs, group: int) -> dict[str, Any]:
    """The numbers of one group, each from its own definition."""
    own = members(teams, people, group)
    place = {person: index for index, person in enumerate(own)}
    edges = list(zip(pairs.giver.tolist(), pairs.receiver.tolist(), pairs.events.tolist(), strict=True))
    inside = [
        (place[giver], place[receiver]) for giver, receiver, _ in edges if {giver, receiver} <= place.keys()
    ]
    got = [edge for edge in edges if edge[1] in place]
    of = mixing(*([people.team[edge[end]] for edge in got] for end in (0, 1)), [edge[2] for edge in got])
    there = [person for person in own if people.is_active[-1, person]]
    curve = kaplan_meier(people.since[there], people.is_known[there])
    team_size = np.bincount(people.team)
    isolated = sum(not people.given[person] and not people.received[person] for person in own)
    over = {days: curve.longer_than(days) for days in (30, 60, 90)}
    return {
        "n": len(own),
        "events": int(people.received[own].sum()),
        "coverage_30": np.mean([people.is_recent[person] for person in there]),
        "giver_share": np.mean(people.given[own] > 0),
        "rate": people.received[own].sum() / (people.days[own].sum() / (365.25 / 12)),
        "gini": gini(people.received[own]).value,
        "share": of.cross,
        "expected": np.mean([1 - (team_size[people.team[p]] - 1) / (len(people.team) - 1) for p in own]),
        "ei_index": of.ei_index,
        "mean": people.specificity[own].sum() / people.scored[own].sum(),
        "median_days": curve.median,
        "over_30": over[30],
        "over_60": told(over[60], over[60] * len(there)),
        "over_90": told(over[90], over[90] * len(there)),
        "reciprocity": reciprocity(inside).value,
        "density": density(inside, len(own)).value,
        "centralisation": centralisation(np.bincount([b for _, b in inside], minlength=len(own))).value,
        "isolates": told(isolated, isolated),
    }


def flat(body: dict[str, Any]) -> dict[str, Any]:
    parts = [part for part in body.values() if isinstance(part, dict)]
    return {name: value for part in [*parts, body] for name, value in part.items()}


@pytest.mark.parametrize("seed", range(60))
def test_every_number_is_as_counted_one_by_one(seed: int) -> None:
    random = Random(seed)
    teams = random_teams(random, 8)
    people, pairs = random_people(random, teams, 70), random_pairs(random, 70)
    found = [body.model_dump() for body in bodies(teams, people, pairs)]
    assert found[0]["status"] == "ok"
    for group, body in enumerate(found):
        if body["status"] == "ok":
            ours = flat(body) | {"rate": body["rate"]["per_person_month"]}
            for name, expected in counted(teams, people, pairs, group).items():
                assert ours[name] == (expected if expected is None else pytest.approx(expected, abs=1e-9)), (
                    name
                )


def test_the_managers_of_krackhardt_as_other_tools_have_them() -> None:
    edges = np.column_stack(columns("krackhardt_advice_edges.csv", "from", "to")).astype(np.int64) - 1
    departments = column("krackhardt_nodes.csv", "department").astype(np.int64)
    order = np.argsort(departments, kind="stable")
    place = np.argsort(order)
    teams = Teams([None, *[0] * int(departments.max())], [str(team) for team in range(departments.max() + 1)])
    received = np.bincount(place[edges[:, 1]], minlength=21)
    one = np.ones(21, dtype=np.int64)
    people = People(
        team=departments[order],
        is_active=np.ones((1, 21), dtype=bool),
        days=one,
        received=received,
        given=np.bincount(place[edges[:, 0]], minlength=21),
        scored=received,
        specificity=received,
        since=one,
        is_known=one > 0,
        is_recent=one > 0,
    )
    pairs = Pairs(place[edges[:, 0]], place[edges[:, 1]], np.ones(len(edges), dtype=np.int64))
    body = flat(bodies(teams, people, pairs)[0].model_dump())
    sna, networkx = reference("sna.krackhardt_advice"), reference("networkx.krackhardt_advice")
    assert body["density"] == close(sna["density"])
    assert body["reciprocity"] == close(sna["reciprocity_edgewise"])
    assert body["centralisation"] == close(sna["centralization_indegree"])
    assert body["share"] == close(networkx["cross_dept_share"])
    assert body["ei_index"] == close(networkx["ei_index"])
    assert body["gini"] == close(networkx["gini_received"])
    assert (body["isolates"], body["components"]) == (0, networkx["weak_components"])
    assert (body["coverage_30"], body["giver_share"]) == (1, networkx["giver_share"])


def test_numbers_of_people_without_recognition_are_none_or_at_least_ten() -> None:
    for without in range(14):
        n = 30
        received = np.array([0] * without + [1] * (n - without))
        people = People(
            team=np.zeros(n, dtype=np.int64),
            is_active=np.ones((1, n), dtype=bool),
            days=np.full(n, 30),
            received=received,
            given=np.zeros(n, dtype=np.int64),
            scored=received,
            specificity=received,
            since=np.where(received > 0, 3, 200),
            is_known=received > 0,
            is_recent=received > 0,
        )
        nobody = np.empty(0, dtype=np.int64)
        [one] = bodies(Teams([None], [""]), people, Pairs(nobody, nobody, nobody))
        body = one.model_dump()
        is_told = without == 0 or without >= 10
        assert (body["network"]["isolates"] == without) == is_told
        assert ("network.isolates" in body["reasons"]) == (not is_told)
        assert (body["time_since_last"]["over_90"] is not None) == is_told


def compared(received: list[int], of_team: int = 12) -> Any:
    """The ratio told of a team of so many, and of the organisation; all are there for a month."""
    n = len(received)
    events, there = np.array(received), np.ones(n, dtype=np.int64)
    people = People(
        team=np.repeat([1, 2], [of_team, n - of_team]),
        is_active=np.ones((1, n), dtype=bool),
        days=there * 30,
        received=events,
        given=there,
        scored=events,
        specificity=events,
        since=there,
        is_known=there > 0,
        is_recent=there > 0,
    )
    nobody = np.empty(0, dtype=np.int64)
    told = bodies(Teams([None, 0, 0], ["", "a", "b"]), people, Pairs(nobody, nobody, nobody))
    return [(one.model_dump()["rate"]["ratio_to_rest"], one.model_dump()["reasons"]) for one in told]


def test_a_group_is_compared_with_everybody_else() -> None:
    (whole, why), (team, _), (other, _) = compared([2, 4] * 6 + [1, 1, 2, 2] * 5)
    assert (whole, why["rate.ratio_to_rest"]) == (None, "no_rest")
    assert (team["ratio"], other["ratio"]) == (pytest.approx(2), pytest.approx(0.5))
    assert team["ci_low"] == pytest.approx(1 / other["ci_high"])
    assert team["ci_low"] < 2 < team["ci_high"]


def test_without_recognition_on_either_side_there_is_nothing_to_compare() -> None:
    for received in ([0] * 12 + [1] * 20, [1] * 12 + [0] * 20):
        (ratio, why) = compared(received)[1]
        assert (ratio, why["rate.ratio_to_rest"]) == (None, "none_to_compare")


def test_no_ratio_rests_on_one_person() -> None:
    """However much is forged to one, it counts up to what five reach."""
    before, forged = (compared([most] + [1, 2] * 5 + [3] + [1, 2] * 10)[1][0] for most in (3, 3000))
    assert forged["ratio"] <= before["ratio"] * 1.001
    assert forged == before


# --------------------------------------------------------------------------------------- the attacker


def windows() -> list[range]:
    return [range(first, last) for first in range(MONTHS) for last in range(first + 1, MONTHS + 1)]


def shown_sets(teams: Teams, people: People, window: range) -> list[frozenset[tuple[int, int]]]:
    """Of each group shown in the window, its persons in each month: what its sums stand on."""
    of_window = People(
        team=people.team,
        is_active=people.is_active[list(window)],
        **{
            name: getattr(people, name)
            for name in People.__dataclass_fields__
            if name not in ("team", "is_active")
        },
    )
    hidden = suppressed(teams, of_window)
    return [
        frozenset((month, person) for month in window for person in own if people.is_active[month, person])
        for group in range(len(teams.keys))
        if group not in hidden
        for own in [members(teams, people, group)]
    ]


def small_world(seed: int) -> tuple[Teams, People]:
    random = Random(seed)
    teams = random_teams(random, 6)
    return teams, random_people(random, teams, random.randint(20, 45))


@pytest.mark.parametrize("seed", range(150))
def test_windows_and_groups_together_give_nobody_away(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a smaller minimum, so that enough is shown to subtract."""
    monkeypatch.setattr("app.metrics.recognition.blocks.FEWEST_ACTIVE", 4)
    teams, people = small_world(seed)
    sets = [one for window in windows() for one in shown_sets(teams, people, window)]
    universe = frozenset().union(*sets)
    assert leak(sets, universe, 4) is None


def test_deciding_by_the_window_alone_would_give_people_away() -> None:
    """The control: a group that is large enough over all months, and not in each."""
    exposed = 0
    for seed in range(40):
        teams, people = small_world(seed)
        sets = []
        for window in windows():
            seen = people.is_active[list(window)].any(axis=0)
            for group in range(len(teams.keys)):
                own = [person for person in members(teams, people, group) if seen[person]]
                if len(own) >= 4:
                    active = ((m, p) for m in window for p in own if people.is_active[m, p])
                    sets.append(frozenset(active))
        exposed += leak(sets, frozenset().union(*sets), 4) is not None
    assert exposed > 5
