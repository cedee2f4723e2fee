"""Recognition between two waves: the arithmetic against other ways, and simulated organisations."""

import numpy as np
import pytest
from numpy.typing import NDArray

from app.metrics.formulas import Lagged, lagged, robust_regression, within_persons
from app.metrics.schemas import RecognitionSince
from app.metrics.schemas.recognition_engagement import RecognitionSlope
from app.metrics.views.sentences import of_recognition

Floats = NDArray[np.float64]
TRUE = 3.0
"""POMP per unit of log(1 + events), where there is an association to find."""
RUNS = [
    pytest.param(300, id="hundreds"),
    pytest.param(3000, id="thousands", marks=pytest.mark.nightly),
]


# ----------------------------------------------------------------------------------------- regression


def sample(seed: int, n: int = 60) -> tuple[Floats, Floats, NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    x, group = random.normal(size=(n, 2)), np.sort(random.integers(0, 9, n))
    return x @ [1.0, -0.5] + group + random.normal(size=n) * (1 + np.abs(x[:, 0])), x, group


@pytest.mark.parametrize("seed", range(5))
def test_absorbed_levels_are_dummies(seed: int) -> None:
    y, x, group = sample(seed)
    dummies = (group[:, None] == np.unique(group)[1:]).astype(float)
    for clusters in (None, group // 2):
        short = robust_regression(y, x, absorbed=group, clusters=clusters)
        long = robust_regression(y, np.column_stack([x, dummies]), clusters=clusters)
        for own, other in zip(short.coefficients, long.coefficients, strict=False):
            assert own.value == pytest.approx(other.value, rel=1e-9)
            if clusters is None:
                assert own.se == pytest.approx(other.se, rel=1e-9)
                assert own.p == pytest.approx(other.p, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_clusters_of_one_are_plain_robust_errors(seed: int) -> None:
    """White's sandwich with n / (n - k), which cluster-robust errors then are."""
    y, x, _ = sample(seed)
    n = len(y)
    design = np.column_stack([np.ones(n), x])
    bread = np.linalg.inv(design.T @ design)
    rest = y - design @ (bread @ design.T @ y)
    plain = bread @ (design.T * rest**2) @ design @ bread * n / (n - 3)
    found = robust_regression(y, x, clusters=np.arange(n))
    assert [one.se for one in found.coefficients] == pytest.approx(np.sqrt(np.diag(plain))[1:], rel=1e-9)
    assert (found.clusters, found.errors) == (n, "cluster")


def test_what_everybody_shares_is_one_observation() -> None:
    """Rows copied within a cluster add nothing to what is known, and plain errors do not see it."""
    y, x, _ = sample(1)
    twice = [np.repeat(part, 2, axis=0) for part in (y, x)]
    once = robust_regression(y, x, clusters=np.arange(60)).coefficients[0]
    copied = robust_regression(*twice, clusters=np.repeat(np.arange(60), 2)).coefficients[0]
    assert copied.se == pytest.approx(once.se, rel=0.03)
    assert robust_regression(*twice).coefficients[0].se < 0.8 * once.se


def test_what_cannot_be_fitted_says_why() -> None:
    y, x, group = sample(2)
    assert robust_regression(y[:3], x[:3]).undefined == "too_few"
    assert robust_regression(y, x, clusters=np.zeros(60)).undefined == "too_few"
    assert robust_regression(y, np.ones(60)).undefined == "zero_variance"
    assert robust_regression(y, group, absorbed=group).undefined == "zero_variance"
    assert robust_regression(y, np.column_stack([x, x[:, 0]])).undefined == "not_identified"
    assert robust_regression(np.full(60, np.nan), x).undefined == "too_few"


@pytest.mark.parametrize("seed", range(5))
def test_errors_of_measurement_are_taken_off_the_covariances(seed: int) -> None:
    """The other way: ordinary least squares on the covariances that true predictors would have."""
    y, x, group = sample(seed)
    noise = np.array([0.0, 0.3])
    found = robust_regression(y, x, error_variance=noise)
    covariances = np.cov(np.column_stack([y, x]), rowvar=False)
    beta = np.linalg.solve(covariances[1:, 1:] - np.diag(noise), covariances[1:, 0])
    assert [one.value for one in found.coefficients] == pytest.approx(beta)
    dummies = (group[:, None] == np.unique(group)[1:]).astype(float)
    wide = np.column_stack([x, dummies])
    centred = wide - wide.mean(axis=0)
    off = np.diag([0.0, 0.3 * (len(y) - len(np.unique(group))), *np.zeros(dummies.shape[1])])
    beta = np.linalg.solve(centred.T @ centred - off, centred.T @ (y - y.mean()))
    short = robust_regression(y, x, absorbed=group, error_variance=noise)
    assert [one.value for one in short.coefficients] == pytest.approx(beta[:2])


@pytest.mark.parametrize("persons_a_cluster", [1, 4])
def test_its_errors_are_those_of_leaving_one_out(persons_a_cluster: int) -> None:
    """The other way: the jackknife, of persons for HC3 and of whole clusters."""
    random = np.random.default_rng(8)
    n = 400
    true, other = random.normal(size=n), random.normal(size=n)
    x = np.column_stack([other + 0.6 * true, true + random.normal(size=n)])
    y = x[:, 0] + 4 * true + random.normal(size=n)
    group = np.arange(n) // persons_a_cluster
    noise = [0.0, 1.0]
    found = robust_regression(
        y, x, clusters=None if persons_a_cluster == 1 else group, error_variance=noise
    ).coefficients
    without = np.array(
        [
            [one.value for one in robust_regression(y[kept], x[kept], error_variance=noise).coefficients]
            for kept in (group != left_out for left_out in range(group.max() + 1))
        ]
    )
    m = len(without)
    jackknife = np.sqrt((m - 1) / m * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    assert [one.se for one in found] == pytest.approx(jackknife, rel=0.04)


def test_without_errors_of_measurement_nothing_is_taken_off() -> None:
    y, x, group = sample(4)
    for clusters in (None, group):
        plain = robust_regression(y, x, clusters=clusters)
        assert robust_regression(y, x, clusters=clusters, error_variance=[0, 0]).coefficients == (
            plain.coefficients
        )


def test_a_predictor_that_is_mostly_error_is_not_used() -> None:
    y, x, _ = sample(2)
    spread = float(x[:, 1].var(ddof=1))
    for share, reason in ((0.5, None), (0.95, "too_unreliable"), (1.5, "too_unreliable")):
        assert robust_regression(y, x, error_variance=[0, share * spread]).undefined == reason


# ---------------------------------------------------------------------------------------- simulations


def organisation(
    random: np.random.Generator, kind: str, persons: int = 240, teams: int = 30
) -> tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Engagement at two waves, measured with error, events between them, and teams that differ in all."""
    team = np.arange(persons) % teams
    of_team = random.normal(0, 6, teams)[team]
    habit = random.normal(0, 0.4, teams)[team]
    engaged = 65 + of_team + random.normal(0, 12, persons)
    pull = 0.06 * (engaged - 65) if kind == "reversed" else 0.0
    events = random.poisson(np.exp(0.4 + habit + pull))
    share = TRUE * np.log1p(events) if kind == "known" else 0.0
    spread = 6 * np.exp(0.2 * habit)
    later = 20 + 0.7 * engaged + share + random.normal(0, 1, persons) * spread
    return later + random.normal(0, 4, persons), engaged + random.normal(0, 4, persons), events, team


def draws(kind: str, runs: int) -> list[Lagged]:
    random = np.random.default_rng([240, len(kind)])
    return [lagged(*organisation(random, kind)) for _ in range(runs)]


@pytest.mark.nightly
@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize(("kind", "truth"), [("known", TRUE * np.log(2)), ("none", 0.0)])
def test_the_interval_covers_the_truth_at_its_rate(kind: str, truth: float, runs: int) -> None:
    """Within four standard errors of 95% over these runs; and direction is hardly ever refused wrongly."""
    results = draws(kind, runs)
    intervals = [result.association.ci for result in results if result.association is not None]
    covered = np.mean([ci.low <= truth <= ci.high for ci in intervals])
    assert len(intervals) == runs
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / runs))
    values = [result.association.value for result in results if result.association is not None]
    assert np.mean(values) == pytest.approx(truth, abs=0.15)
    assert np.mean([result.direction == "not_separable" for result in results]) < 0.08


@pytest.mark.nightly
@pytest.mark.parametrize("runs", RUNS)
def test_the_placebo_flags_reversed_causation(runs: int) -> None:
    """Though the association alone looks real: the first score is measured with error."""
    results = draws("reversed", runs)
    assert np.mean([result.direction == "not_separable" for result in results]) > 0.99
    seeming = [result.association for result in results if result.association is not None]
    assert np.mean([found.ci.low > 0 for found in seeming]) > 0.15


def test_lasting_recognition_is_not_taken_for_the_reverse() -> None:
    """Recognition that mattered before the first wave and goes on: held equal, the placebo is silent."""
    random, refused = np.random.default_rng(7), {"without": 0, "with": 0}
    for _ in range(60):
        team, rate = np.arange(240) % 30, np.exp(random.normal(0.4, 0.8, 240))
        before, events = random.poisson(rate), random.poisson(rate)
        earlier = 60 + 3 * np.log1p(before) + random.normal(0, 5, 240)
        later = 20 + 0.6 * earlier + 1 * np.log1p(events) + random.normal(0, 5, 240)
        refused["without"] += lagged(later, earlier, events, team).direction == "not_separable"
        refused["with"] += lagged(later, earlier, events, team, before).direction == "not_separable"
    assert refused["without"] > 30
    assert refused["with"] < 10


@pytest.mark.parametrize("runs", RUNS)
def test_within_persons_sees_changes_and_not_differences_between_people(runs: int) -> None:
    """Steady people who are engaged attract more; within them recognition goes with `truth`."""
    for truth in (0.0, 4.0):
        random, covered = np.random.default_rng(11), []
        for _ in range(runs // 3):
            steady = random.normal(0, 10, (150, 1))
            events = random.poisson(np.exp(0.3 + 0.05 * steady + np.zeros((150, 4)))).astype(float)
            noise = random.normal(0, 6, (150, 4))
            scores = 60 + steady + [0, 2, -1, 3] + truth * np.log1p(events) + noise
            events[:, 0] = np.nan
            scores[random.random((150, 4)) < 0.1] = np.nan
            found = within_persons(scores, events).association
            assert found is not None
            covered.append(found.ci.low <= truth * np.log(2) <= found.ci.high)
        assert np.mean(covered) == pytest.approx(0.95, abs=4 * np.sqrt(0.0475 / len(covered)))


# ----------------------------------------------------------------------------- doses, sizes, sentences


def test_doses_are_adjusted_for_the_first_wave() -> None:
    """People with more events began higher by 10 a dose; what they reported later differs by 2 a dose."""
    random = np.random.default_rng(3)
    events = np.tile([0, 1, 2, 3, 4, 9], 100)
    step = np.searchsorted([1, 2, 4], events, side="right")
    earlier = 50 + 10 * step + random.normal(0, 8, 600)
    later = 10 + 0.8 * earlier + 2 * step + random.normal(0, 3, 600)
    result = lagged(later, earlier, events, np.arange(600) % 25)
    assert [(dose.low, dose.high, dose.n) for dose in result.doses] == [
        (0, 0, 100),
        (1, 1, 100),
        (2, 3, 200),
        (4, None, 200),
    ]
    means = np.array([dose.mean for dose in result.doses])
    assert np.diff(means) == pytest.approx([2, 2, 2], abs=1)
    assert result.trend is not None
    assert result.trend.value == pytest.approx(2, abs=0.4)
    assert result.trend.p < 1e-6
    for dose in result.doses:
        assert dose.ci is not None
        assert dose.mean is not None
        assert dose.ci.low < dose.mean < dose.ci.high


def test_a_dose_nobody_had_has_no_mean() -> None:
    random = np.random.default_rng(4)
    events, earlier = np.tile([0, 1], 60), random.normal(60, 10, 120)
    result = lagged(earlier + random.normal(0, 5, 120), earlier, events, np.arange(120) // 20)
    assert [dose.n for dose in result.doses] == [60, 60, 0, 0]
    assert [dose.mean is None for dose in result.doses] == [False, False, True, True]
    assert result.errors == "HC3"


@pytest.mark.parametrize(("linked", "recognised"), [(99, 60), (100, 29), (100, 30), (150, 0)])
def test_too_few_persons_say_nothing(linked: int, recognised: int) -> None:
    random = np.random.default_rng(5)
    first = random.normal(60, 10, 200)
    later = np.where(np.arange(200) < linked, first + random.normal(0, 5, 200), np.nan)
    events = np.where(np.arange(200) < recognised, 1 + np.arange(200) % 3, 0)
    result = lagged(later, first, events, np.arange(200) % 5)
    assert (result.n, result.recognised) == (linked, recognised)
    assert (result.undefined is None) == (linked >= 100 and recognised >= 30)
    assert (result.association is None) == (result.undefined == "too_few")


def test_three_waves_are_needed_within_persons() -> None:
    random = np.random.default_rng(6)
    scores, events = random.normal(60, 5, (120, 3)), random.poisson(1, (120, 3)).astype(float)
    events[:, 0] = np.nan
    assert within_persons(scores, events).undefined is None
    assert within_persons(scores[:, :2], events[:, :2]).undefined == "too_few"
    assert within_persons(scores[:99], events[:99]).undefined == "too_few"
    assert within_persons(scores, events * 0).undefined == "too_few"


def test_a_placebo_whose_control_is_alike_for_all_goes_without_it() -> None:
    random = np.random.default_rng(8)
    sample = organisation(random, "none")
    alike = lagged(*sample, before=np.ones(240))
    assert alike == lagged(*sample)
    assert alike.placebo is not None
    assert lagged(*sample, before=random.poisson(1, 240)).placebo != alike.placebo


def test_doses_may_be_put_together() -> None:
    random = np.random.default_rng(9)
    sample = organisation(random, "known")
    told, standard = lagged(*sample, doses=((0, 1), (2, None))), lagged(*sample)
    assert [dose.n for dose in told.doses] == [
        sum(one.n for one in standard.doses[:2]),
        sum(one.n for one in standard.doses[2:]),
    ]
    assert told.association == standard.association
    means = [dose.mean for dose in told.doses]
    assert None not in means
    assert told.trend is not None
    assert told.trend.value == pytest.approx(means[1] - means[0])  # type: ignore[operator]
    assert lagged(*sample, doses=((0, None),)).trend is None


FOUND = {"points": 2.04, "ci_low": 1.06, "ci_high": 3.02, "p": 0.001}


def said(language: str, association: dict[str, float] = FOUND, direction: str = "separable") -> str:
    slope = RecognitionSlope(**{**FOUND, **association})
    return of_recognition(RecognitionSince.model_construct(association=slope, direction=direction), language)


def test_sentences_tell_the_difference_and_no_more() -> None:
    told = said("en")
    assert "scored 2.0 points higher on engagement on average than others" in told
    assert told.endswith("and received 1 (95% interval 1.1 to 3.0).")
    assert told.startswith("People who are more engaged may also receive more recognition, so what follows")
    assert "not why: people who received 3 messages of recognition later" in told
    less = {"points": -2.04, "ci_low": -3.02, "ci_high": -1.06}
    lower = said("nl", less)
    assert "gemiddeld 2,0 punten lager op betrokkenheid dan anderen" in lower
    assert "er 1 kregen (95%-interval 1,1 tot 3,0)" in lower
    unclear = {"points": 0.5, "ci_low": -1, "ci_high": 2}
    undecided = said("en", unclear)
    assert "between -1.0 and 2.0 points" in undecided
    refused = said("en", direction="not_separable")
    assert refused.startswith("Which came first cannot be said here")
    assert refused.endswith("(95% interval 1.1 to 3.0).")


def test_the_constant_has_the_error_of_the_mean_of_all_also_where_errors_go_by_what_is_absorbed() -> None:
    """Within teams what is left adds up to 0, so that a sum by team shows nothing of it."""
    random = np.random.default_rng(5)
    team = np.repeat(np.arange(30), 8)
    x, y = random.normal(size=(2, 240))
    x -= (np.bincount(team, x) / 8)[team]
    found = robust_regression(y, x, absorbed=team, clusters=team)
    within = y - (np.bincount(team, y) / 8)[team]
    rest = within - x * found.coefficients[0].value
    assert found.covariance[0, 0] == pytest.approx(float(rest @ rest) / (240 - 30 - 1) / 240)
