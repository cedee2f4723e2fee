"""Every entry of the golden reference, by the function that reproduces it or with a reason why none does.

Each reproduction returns the entry's value as far as it is ours, in the entry's own shape.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from hashlib import sha256
from math import erfc, hypot, sqrt
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from app.metrics.formulas import (
    Interval,
    Moments,
    centralisation,
    cronbach_alpha,
    density,
    draw_importance,
    enps,
    favourable,
    gini,
    hazard_ratios,
    holm,
    htmt,
    icc,
    isolates,
    item_rest,
    johnson_of,
    mcnemar,
    mean_ci,
    mixing,
    moments,
    omega_total,
    paired_change,
    pearson,
    pomp,
    quadrant_shares,
    rate_ratio,
    reciprocity,
    relative_importance,
    robust_regression,
    shrinkage,
    spearman,
    versus_rest,
    weak_components,
    wilson,
)
from app.metrics.formulas.multiplicity import benjamini_hochberg
from app.metrics.formulas.resampling import correlations_of, percentile_interval
from tests.metrics.golden import FOLDER, column, columns, digests, entries, reference, texts

Values = Any
T29 = 2.045229642132703  # qt(.975, 29)

SCALES: Final = {
    "survey_responses_eng": ("survey_responses.csv", "eng_1 eng_2 eng_3"),
    "survey_responses_ret": ("survey_responses.csv", "ret_1 ret_2 ret_3"),
    "employee_survey_ben": ("employee_survey.csv", "Ben1 Ben2 Ben3"),
    "employee_survey_work": ("employee_survey.csv", "Work1 Work2 Work3"),
    "employee_survey_man": ("employee_survey.csv", "Man1 Man2 Man3"),
    "employee_survey_car": ("employee_survey.csv", "Car1 Car2 Car3 Car4"),
    "attitude_all7": ("attitude.csv", "rating complaints privileges learning raises critical advance"),
}
FACETS: Final = {
    name[len("employee_survey_") :]: name for name in SCALES if name.startswith("employee_survey")
}


def items(scale: str) -> tuple[list[str], NDArray[np.float64]]:
    file, names = SCALES[scale]
    return names.split(), np.column_stack(columns(file, *names.split()))


def score(scale: str) -> NDArray[np.float64]:
    return np.asarray(items(scale)[1].mean(axis=1))


def bounds(interval: Interval | None) -> list[float]:
    assert interval is not None
    return [interval.low, interval.high]


def lower_upper(interval: Interval | None) -> dict[str, float]:
    return dict(zip(("lower", "upper"), bounds(interval), strict=True))


def alpha_entry(scale: str) -> Values:
    names, answers = items(scale)
    result, rest = cronbach_alpha(answers), item_rest(answers)
    low, high = bounds(result.ci)
    return {
        "n": result.n,
        "k": result.items,
        "alpha": result.value,
        "std_alpha": result.standardised,
        "feldt_lower": low,
        "feldt_upper": high,
        "item_rest_r": dict(zip(names, rest.rest, strict=True)),
        "item_total_r_raw": dict(zip(names, rest.total, strict=True)),
        "alpha_if_deleted": dict(zip(names, result.if_deleted, strict=True)),
    }


def alpha_pingouin_entry(scale: str) -> Values:
    result = cronbach_alpha(items(scale)[1])
    return {"alpha": result.value, "ci": bounds(result.ci)}


def omega_entry(scale: str) -> Values:
    """lavaan divides variances by n, we by n - 1."""
    names, answers = items(scale)
    result = omega_total(answers)
    loadings, shrink = np.array(result.loadings), 1 - 1 / result.n
    residuals = np.array(result.residual_variances)
    return {
        "n": result.n,
        "omega": result.value,
        "omega_standardised": result.standardised,
        "loadings": dict(zip(names, loadings * sqrt(shrink), strict=True)),
        "residual_variances": dict(zip(names, residuals * shrink, strict=True)),
        "std_loadings": dict(zip(names, loadings / answers.std(axis=0, ddof=1), strict=True)),
    }


def omega_psych_entry() -> Values:
    return {"omega_tot": omega_total(items("survey_responses_eng")[1]).standardised}


def htmt_employee_entry() -> Values:
    pairs = [
        ("ben", "work"),
        ("ben", "man"),
        ("ben", "car"),
        ("work", "man"),
        ("work", "car"),
        ("man", "car"),
    ]
    results = {f"{a}_{b}".upper(): htmt(items(FACETS[a])[1], items(FACETS[b])[1]) for a, b in pairs}
    return {
        "htmt": {pair: result.htmt for pair, result in results.items()},
        "htmt2": {pair: result.htmt2 for pair, result in results.items()},
    }


def htmt_responses_entry() -> Values:
    result = htmt(items("survey_responses_eng")[1], items("survey_responses_ret")[1])
    return {"htmt": result.htmt, "htmt2": result.htmt2}


def icc_entry(file: str, value: str, group: str) -> Values:
    result = icc(column(file, value), texts(file, group))
    return {
        "N": result.n,
        "G": result.groups,
        "MSB": result.msb,
        "MSW": result.msw,
        "F": result.f,
        "p": result.p,
        "k0": result.k0,
        "icc1_k0": result.icc1_raw,
        "icc2_multilevel": result.icc2_raw,
    }


@cache
def drivers_of(data: str) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Names of the predictors, the outcome and the predictors."""
    if data == "employee_survey_happiness":
        predictors = np.column_stack([score(scale) for scale in FACETS.values()])
        return [name.title() for name in FACETS], column("employee_survey.csv", "Happiness"), predictors
    if data == "attitude_rating":
        names, table = items("attitude_all7")
        return names[1:], table[:, 0], table[:, 1:]
    names = ["belong", "effort", "incl", "happ", "psafety", "ldrshp"]
    return names, score("survey_responses_eng"), np.column_stack(columns("survey_responses.csv", *names))


def relimp_entry(data: str) -> Values:
    names, outcome, predictors = drivers_of(data)
    result = relative_importance(outcome, predictors)
    drawn = draw_importance(outcome, predictors, seed=20261123)
    assert drawn is not None
    intervals = [bounds(percentile_interval(own)) for own in drawn.importance.T]
    johnson = johnson_entry(data)
    total = sum(johnson.values())
    return {
        "n": result.n,
        "r2": result.r2,
        "lmg": lmg_entry(data),
        "lmg_boot_perc95_lower": dict(zip(names, (low for low, _ in intervals), strict=True)),
        "lmg_boot_perc95_upper": dict(zip(names, (high for _, high in intervals), strict=True)),
        "johnson_raw": johnson,
        "johnson_rescaled_pct": {name: 100 * weight / total for name, weight in johnson.items()},
        "johnson_r2": total,
        "first": {
            name: driver.r**2
            for name, driver in zip(names, result.drivers, strict=True)
            if driver.r is not None
        },
    }


def lmg_entry(data: str) -> Values:
    names, outcome, predictors = drivers_of(data)
    result = relative_importance(outcome, predictors)
    return dict(zip(names, (driver.importance for driver in result.drivers), strict=True))


def lmg_pingouin_happiness_entry() -> Values:
    _, outcome, predictors = drivers_of("employee_survey_happiness")
    r2 = relative_importance(outcome, predictors).r2
    return lmg_entry("employee_survey_happiness") | {"r2": r2}


def johnson_entry(data: str) -> dict[str, float]:
    names, outcome, predictors = drivers_of(data)
    (weights,) = johnson_of(correlations_of(np.column_stack([outcome, predictors]))[None])
    return dict(zip(names, weights.tolist(), strict=True))


def retention() -> list[NDArray[np.float64]]:
    return columns("job_retention.csv", "month", "left", "sentiment", "intention")


def hazard_entry() -> Values:
    month, left, sentiment, intention = retention()
    one = hazard_ratios(month, left, sentiment)
    two = hazard_ratios(month, left, np.column_stack([sentiment, intention])).ratios
    high = hazard_ratios(month, left, sentiment >= 7).ratios[0]
    return {
        "n": one.n,
        "events": one.leavers,
        "hr_per_point": one.ratios[0].ratio,
        "hr_lower": one.ratios[0].ci.low,
        "hr_upper": one.ratios[0].ci.high,
        "two": {"sentiment_hr": two[0].ratio, "intention_hr": two[1].ratio},
        "hi_vs_lo_hr": high.ratio,
        "hi_lower": high.ci.low,
        "hi_upper": high.ci.high,
    }


def hazard_lifelines_entry() -> Values:
    month, left, sentiment, _ = retention()
    (result,) = hazard_ratios(month, left, sentiment).ratios
    return {"hr": result.ratio, **lower_upper(result.ci)}


def rate_ratio_entry() -> Values:
    month, left, sentiment, _ = retention()
    high = sentiment >= 7
    leavers = [int(left[group].sum()) for group in (high, ~high)]
    months = [float(month[group].sum()) for group in (high, ~high)]
    result = rate_ratio(leavers[0], months[0], leavers[1], months[1])
    return {
        "leavers": leavers,
        "person_months": months,
        "rate_ratio": result.ratio,
        "score_ci": bounds(result.ci),
        "p": result.p,
    }


def shrinkage_entry() -> Values:
    job_sat, titles = column("employees_pa.csv", "job_sat"), texts("employees_pa.csv", "job_title")
    msw = icc(job_sat, titles).msw
    assert msw is not None
    names = np.unique(titles).tolist()
    sizes = np.array([(titles == name).sum() for name in names])
    result = shrinkage([job_sat[titles == name].mean() for name in names], msw / sizes)
    return {
        "msw": msw,
        "tau2_PM": result.tau2,
        "mu_PM": result.mu,
        "Q": result.q,
        "blup": dict(zip(names, result.means, strict=True)),
    }


def pearson_entry() -> Values:
    result = pearson(score(FACETS["ben"]), score(FACETS["work"]))
    return {"n": result.n, "r": result.r, "p": result.p, **lower_upper(result.ci)}


def correlation_entry() -> Values:
    scores = score("survey_responses_eng"), score("survey_responses_ret")
    result = pearson(*scores)
    return {
        "n": result.n,
        "pearson": result.r,
        "p": result.p,
        "spearman": spearman(*scores).r,
        **lower_upper(result.ci),
    }


def spearman_entry() -> Values:
    return {"r": spearman(score("survey_responses_eng"), score("survey_responses_ret")).r}


def described(values: NDArray[np.float64]) -> Moments:
    of = moments(values)
    assert of is not None
    return of


def heatmap_entry() -> Values:
    job_sat, titles = column("employees_pa.csv", "job_sat"), texts("employees_pa.csv", "job_title")
    teams = {str(title): described(job_sat[titles == title]) for title in np.unique(titles)}
    cells = dict(zip(teams, versus_rest(list(teams.values()), described(job_sat)), strict=True))
    p_values = {team: cell.test.p for team, cell in cells.items() if cell.test is not None}
    return {
        "teams": {
            team: {
                "n": teams[team].n,
                "diff": test.mean,
                "t": test.t,
                "df": test.df,
                "p": test.p,
                **lower_upper(test.ci),
            }
            for team, cell in cells.items()
            if (test := cell.test) is not None
        },
        "p_BH": {team: cell.q for team, cell in cells.items()},
        "p_holm": dict(zip(p_values, holm(list(p_values.values())).tolist(), strict=True)),
    }


def enps_entry(question: str) -> Values:
    result = enps(column("job_retention.csv", question).astype(np.int64))
    assert result is not None
    return {
        "n": result.n,
        "promoters": result.promoters,
        "passives": result.passives,
        "detractors": result.detractors,
        "enps": result.score,
        "se": result.se,
        **lower_upper(result.wald),
    }


def enps_difference_entry() -> Values:
    levels, ratings = (
        texts("job_retention.csv", "level"),
        column("job_retention.csv", "sentiment").astype(int),
    )
    low, high = enps(ratings[levels == "Low"]), enps(ratings[levels == "High"])
    assert low is not None
    assert high is not None
    error = hypot(low.se, high.se)
    return {
        "enps_low": low.score,
        "n_low": low.n,
        "enps_high": high.score,
        "n_high": high.n,
        "se_diff": error,
        "p": erfc(abs(low.score - high.score) / error / sqrt(2)),
    }


def edges(network: str) -> NDArray[np.int64]:
    return np.column_stack(columns(f"{network}_edges.csv", "from", "to")).astype(np.int64) - 1


def received(network: str, n: int, weighted: bool = False) -> NDArray[np.float64]:
    weights = column(f"{network}_edges.csv", "weight") if weighted else None
    return np.bincount(edges(network)[:, 1], weights=weights, minlength=n).astype(np.float64)


def given(network: str, n: int, weighted: bool = False) -> NDArray[np.float64]:
    weights = column(f"{network}_edges.csv", "weight") if weighted else None
    return np.bincount(edges(network)[:, 0], weights=weights, minlength=n).astype(np.float64)


def gini_krackhardt_entry() -> Values:
    amounts = received("krackhardt_advice", 21)
    result = gini(amounts)
    return {"indegree": amounts.tolist(), "gini": result.value, "gini_corrected": result.corrected}


def gini_faculty_entry() -> Values:
    amounts = received("ukfaculty", 81, weighted=True)
    result = gini(amounts)
    return {"gini": result.value, "gini_corrected": result.corrected, "total": amounts.sum()}


def gini_edge_entry() -> Values:
    vectors = ([1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 10], [1, 2, 3, 4, 5], [5, *[0] * 8, 5])
    return {str(vector): gini(vector).value for vector in vectors}


def sna_entry() -> Values:
    network = edges("krackhardt_advice")
    of = density(network, 21)
    return {
        "n": of.n,
        "edges": of.edges,
        "density": of.value,
        "reciprocity_edgewise": reciprocity(network).value,
        "centralization_indegree": centralisation(received("krackhardt_advice", 21)).value,
        "centralization_outdegree": centralisation(given("krackhardt_advice", 21)).value,
        "isolates": isolates(network, 21),
    }


def parts_of(network: str, n: int) -> dict[str, float]:
    """The share of persons who received and who gave."""
    receivers, givers = np.count_nonzero(received(network, n)), np.count_nonzero(given(network, n))
    return {
        "receivers": receivers,
        "givers": givers,
        "receiver_coverage": receivers / n,
        "giver_share": givers / n,
    }


def networkx_krackhardt_entry() -> Values:
    network = edges("krackhardt_advice")
    of = density(network, 21)
    departments = column("krackhardt_nodes.csv", "department")
    between = mixing(*departments[network.T], np.ones(len(network)))
    assert between.cross is not None
    return {
        "n": of.n,
        "edges": of.edges,
        "density": of.value,
        "same_dept_edges": round(between.events * (1 - between.cross)),
        "cross_dept_share": between.cross,
        "ei_index": between.ei_index,
        **parts_of("krackhardt_advice", 21),
        "isolates": isolates(network, 21),
        "weak_components": weak_components(network, 21),
        "reciprocity": reciprocity(network).value,
        "gini_received": gini(received("krackhardt_advice", 21)).value,
        "gini_given": gini(given("krackhardt_advice", 21)).value,
    }


def networkx_faculty_entry() -> Values:
    network = edges("ukfaculty")
    of = density(network, 81)
    groups, weights = column("ukfaculty_nodes.csv", "group"), column("ukfaculty_edges.csv", "weight")
    by_event = mixing(*groups[network.T], weights)
    return {
        "n": of.n,
        "edges": of.edges,
        "density": of.value,
        "events": by_event.events,
        "cross_group_share_events": by_event.cross,
        "cross_group_share_edges": mixing(*groups[network.T], np.ones(len(network))).cross,
        **parts_of("ukfaculty", 81),
        "isolates": isolates(network, 81),
        "mean_received": received("ukfaculty", 81, weighted=True).mean(),
        "reciprocity_edges": reciprocity(network).value,
        "gini_received_weighted": gini(received("ukfaculty", 81, weighted=True)).value,
        "gini_given_weighted": gini(given("ukfaculty", 81, weighted=True)).value,
    }


def population_entry() -> Values:
    result = mean_ci(column("attitude.csv", "rating"), population=100)
    assert result is not None
    (low, high), (all_low, all_high) = bounds(result.ci_population), bounds(result.ci_process)
    return {
        "mean": result.mean,
        "se": (high - low) / 2 / T29,
        "se_without_fpc": (all_high - all_low) / 2 / T29,
    }


def pomp_employee_entry() -> Values:
    names = list(reference("pomp_item_means.employee_survey")["mean"])
    scores = pomp(np.column_stack(columns("employee_survey.csv", *names)), 1, 4)
    return {
        "mean": dict(zip(names, scores.mean(axis=0), strict=True)),
        "sd": dict(zip(names, scores.std(axis=0, ddof=1), strict=True)),
    }


def pomp_responses_entry() -> Values:
    names = list(reference("pomp_item_means.survey_responses")["mean"])
    answers = np.column_stack(columns("survey_responses.csv", *names))
    scores = pomp(answers, 1, [7 if name == "psafety" else 5 for name in names])
    return {
        "mean": dict(zip(names, scores.mean(axis=0), strict=True)),
        "sd_eng_1": scores[:, names.index("eng_1")].std(ddof=1),
    }


def favourable_entry(file: str, question: str, high: int) -> Values:
    shares = favourable(pomp(column(file, question), 1, high))
    assert shares is not None
    count = round(shares.n * shares.favourable)
    return {
        "n": shares.n,
        "favourable": count,
        "unfavourable": shares.n * shares.unfavourable,
        "neutral": shares.n * shares.neutral,
        "fav_pct": 100 * shares.favourable,
        "neu_pct": 100 * shares.neutral,
        "unf_pct": 100 * shares.unfavourable,
        "wilson": [100 * bound for bound in bounds(wilson(count, shares.n))],
    }


def wilson_entry() -> Values:
    counts = ((0, 5), (5, 5), (1, 1), (0, 1), (3, 7), (12, 20), (50, 100))
    return {f"{successes}/{n}": bounds(wilson(successes, n)) for successes, n in counts}


def mean_entry(file: str, name: str) -> Values:
    result = mean_ci(column(file, name))
    assert result is not None
    return {"n": result.n, "mean": result.mean, "sd": result.sd, **lower_upper(result.ci_process)}


def paired_entry(before: str, after: str) -> Values:
    result = paired_change(*columns("univbct_wide.csv", before, after))
    assert result.test is not None
    return {
        "n": result.n,
        "diff": result.mean,
        "sd_diff": result.sd,
        "t": result.test.t,
        "df": result.test.df,
        "p": result.test.p,
        **lower_upper(result.test.ci),
        "cohen_dz": result.dz,
        "hedges_correction_gz": result.gz,
        "wilcoxon_pratt_p": result.wilcoxon_p,
        "r_ab": result.r,
    }


def paired_pingouin_entry() -> Values:
    test = paired_change(*columns("univbct_wide.csv", "JOBSAT1", "JOBSAT2")).test
    assert test is not None
    return {"T": test.t, "dof": test.df, "p_val": test.p}


def mcnemar_entry() -> Values:
    before, after = columns("univbct_wide.csv", "JOBSAT1", "JOBSAT2")
    both = ~np.isnan(before + after)
    table = np.zeros((2, 2), dtype=np.int64)
    np.add.at(table, ((before[both] >= 3.5).astype(int), (after[both] >= 3.5).astype(int)), 1)
    result = mcnemar(table)
    return {
        "table": table.tolist(),
        "exact_p": result.exact_p,
        "chi2": result.chi2,
        "chi2_p": result.chi2_p,
    }


def multipletests_entry() -> Values:
    p_values = [0.001, 0.008, 0.012, 0.021, 0.035, 0.042, 0.19, 0.31, 0.45, 0.9]
    return {"fdr_bh": benjamini_hochberg(p_values).tolist(), "holm": holm(p_values).tolist()}


def quadrants() -> Any:
    shares = quadrant_shares(*(pomp(x, 1, 5) for x in columns("univbct_wide.csv", "JOBSAT1", "COMMIT1")))
    assert shares is not None
    return shares


def quadrant_counts_entry() -> Values:
    shares = quadrants()
    rows = (("detached", "stretched"), ("content", "thriving"))
    return {"table": [[shares[name].count for name in row] for row in rows]}


def quadrant_ci_entry() -> Values:
    shares = quadrants()
    return [bounds(shares[name].ci) for name in ("detached", "stretched", "content", "thriving")]


def lagged_entry() -> Values:
    rows = np.column_stack(columns("univbct_wide.csv", "JOBSAT2", "JOBSAT1", "COMMIT1"))
    rows = rows[~np.isnan(rows).any(axis=1)]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0, ddof=1)
    result = robust_regression(rows[:, 0], rows[:, 1:])
    lag, x = result.coefficients
    return {
        "n": result.n,
        "beta_lag": lag.value,
        "beta_x": x.value,
        "se_x_HC3": x.se,
        "p_x": x.p,
        "r2": result.r2,
    }


REPRODUCED: Final[dict[str, Callable[[], Values]]] = {
    **{f"alpha.{scale}": partial(alpha_entry, scale) for scale in SCALES},
    **{f"omega_total.{scale}": partial(omega_entry, scale) for scale in SCALES},
    "alpha_pingouin.survey_responses_eng": partial(alpha_pingouin_entry, "survey_responses_eng"),
    "alpha_pingouin.attitude_all7": partial(alpha_pingouin_entry, "attitude_all7"),
    "omega_psych.survey_responses_eng": omega_psych_entry,
    "htmt.employee_survey": htmt_employee_entry,
    "htmt.survey_responses": htmt_responses_entry,
    "icc.univbct_JOBSAT1_BTN": partial(icc_entry, "univbct_wide.csv", "JOBSAT1", "BTN"),
    "icc.employees_pa_job_sat_by_title": partial(icc_entry, "employees_pa.csv", "job_sat", "job_title"),
    "icc.employees_pa_engagement_by_dept": partial(icc_entry, "employees_pa.csv", "engagement", "dept"),
    "relimp.employee_survey_happiness": partial(relimp_entry, "employee_survey_happiness"),
    "relimp.attitude_rating": partial(relimp_entry, "attitude_rating"),
    "relimp.survey_responses_eng": partial(relimp_entry, "survey_responses_eng"),
    "lmg_pingouin.employee_survey_happiness": lmg_pingouin_happiness_entry,
    "lmg_pingouin.attitude_rating": partial(lmg_entry, "attitude_rating"),
    "johnson_relativeImp.employee_survey_happiness": partial(johnson_entry, "employee_survey_happiness"),
    "hazard.job_retention": hazard_entry,
    "hazard_lifelines.job_retention_sentiment": hazard_lifelines_entry,
    "rate_ratio.job_retention_high_vs_low_sentiment": rate_ratio_entry,
    "eb_shrinkage.employees_pa_job_sat_by_title": shrinkage_entry,
    "pearson.employee_survey_Ben_Work": pearson_entry,
    "correlation.survey_responses_eng_ret": correlation_entry,
    "spearman_pingouin.survey_responses_eng_ret": spearman_entry,
    "heatmap_vs_rest.employees_pa_job_sat": heatmap_entry,
    "enps.job_retention_sentiment": partial(enps_entry, "sentiment"),
    "enps.job_retention_intention": partial(enps_entry, "intention"),
    "enps_diff.job_retention_low_vs_high": enps_difference_entry,
    "gini.krackhardt_advice_received": gini_krackhardt_entry,
    "gini.ukfaculty_weight_received": gini_faculty_entry,
    "gini.edge": gini_edge_entry,
    "sna.krackhardt_advice": sna_entry,
    "networkx.krackhardt_advice": networkx_krackhardt_entry,
    "networkx.ukfaculty": networkx_faculty_entry,
    "fpc_mean.attitude_rating_N100": population_entry,
    "pomp_item_means.employee_survey": pomp_employee_entry,
    "pomp_item_means.survey_responses": pomp_responses_entry,
    "favourable.survey_responses_eng_1": partial(favourable_entry, "survey_responses.csv", "eng_1", 5),
    "favourable.survey_responses_ret_1": partial(favourable_entry, "survey_responses.csv", "ret_1", 5),
    "favourable.employee_survey_Man1": partial(favourable_entry, "employee_survey.csv", "Man1", 4),
    "favourable.employees_pa_engagement": partial(favourable_entry, "employees_pa.csv", "engagement", 4),
    "wilson.edge": wilson_entry,
    "mean_ci.attitude_rating": partial(mean_entry, "attitude.csv", "rating"),
    "mean_ci.survey_responses_eng_1": partial(mean_entry, "survey_responses.csv", "eng_1"),
    "mean_ci.univbct_JOBSAT1": partial(mean_entry, "univbct_wide.csv", "JOBSAT1"),
    "paired.univbct_JOBSAT1_2": partial(paired_entry, "JOBSAT1", "JOBSAT2"),
    "paired.univbct_gap_JOBSAT1_vs_COMMIT1": partial(paired_entry, "JOBSAT1", "COMMIT1"),
    "paired_pingouin.univbct_JOBSAT1_2": paired_pingouin_entry,
    "mcnemar.univbct_fav_JOBSAT1_2": mcnemar_entry,
    "multipletests.vector": multipletests_entry,
    "quadrant_counts.univbct_JOBSAT1xCOMMIT1": quadrant_counts_entry,
    "quadrant_ci.univbct": quadrant_ci_entry,
    "lagged.univbct_JOBSAT2_on_JOBSAT1_COMMIT1": lagged_entry,
}

WITHOUT_COUNTERPART: Final[dict[str, str]] = {}

LEFT_OUT: Final = {  # parts of an entry, by pattern of entry and of dotted path
    (r"alpha\..*", r"average_r|scale_mean"): "describes the items, is no metric of ours",
    (r"omega_total\..*", r"omega_obs_variance"): "the definition divides by the model-implied variance",
    (r"icc\..*", r"icc1_multilevel_meanN"): "2.11 takes k0, not the mean group size",
    (r"icc\..*", r"icc1_reml"): "2.11 takes analysis of variance, not REML",
    (r"relimp\..*", r"last\..*"): "2.12 has no last-entry importance",
    (r"hazard\..*", r"concordance"): "2.19 names no concordance",
    (r"rate_ratio\..*", r"scorelog_ci\..*"): "2.19 takes the score interval",
    (r"eb_shrinkage\..*", r"tau2_(DL|REML)"): "2.14 takes Paule-Mandel",
    (r"correlation\..*", r"kendall_tau_b"): "2.9 takes Spearman",
    (r"spearman_pingouin\..*", r"ci95\..*"): "2.19 takes the error of Bonett & Wright",
    (r"sna\..*", r"reciprocity_dyadic.*"): "2.16 takes edgewise reciprocity",
    (r"sna\..*", r"mutual|asymmetric|null"): "2.16 counts edges, not dyads",
    (r"networkx\..*", r"assortativity"): "2.16 takes the E-I index",
    (r"favourable\..*", r"(jeffreys|clopper_pearson)\..*"): "2.4 takes Wilson",
    (r"paired\..*", r"mean_[ab]"): "of one wave alone: mean_ci",
    (r"paired\..*", r"wilcoxon_p"): "2.10 ranks zeros as Pratt does",
    (r"paired_pingouin\..*", r"CI95"): "text of two decimals; exact in paired.univbct_JOBSAT1_2",
    (r"paired_pingouin\..*", r"cohen_d|power|BF10|alternative"): "d_av, power and Bayes factor are not ours",
    (r"multipletests\..*", r"fdr_by\..*"): "2.10 takes Benjamini-Hochberg and Holm",
    (r"quadrant_counts\..*", r"rows|cols"): "captions of the table",
}


def leaves(value: Values, path: str = "") -> Iterator[tuple[str, Any]]:
    parts = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if parts is None:
        yield path, value
        return
    for key, part in parts:
        yield from leaves(part, f"{path}.{key}" if path else str(key))


def is_left_out(entry: str, path: str) -> bool:
    return any(re.fullmatch(of, entry) and re.fullmatch(part, path) for of, part in LEFT_OUT)


def within(tolerance: str, path: str, expected: float) -> Any:
    """Whole numbers exactly; a relative 1e-9 where the tolerance is meant for rounded intervals only."""
    if isinstance(expected, int) and expected:
        return pytest.approx(expected, rel=1e-12)
    if path.startswith(
        ("loadings", "residual_variances")
    ):  # in the items' unit; lavaan stops before the maximum
        return pytest.approx(expected, rel=5e-6)
    if "Monte-Carlo" in tolerance:
        return pytest.approx(expected, abs=0.03) if "boot" in path else pytest.approx(expected, rel=1e-6)
    kind, size = tolerance.split()[:2]
    if "rounded" in tolerance and "ci" not in path:
        return pytest.approx(expected, rel=1e-9)
    return (
        pytest.approx(expected, rel=0, abs=float(size)) if kind == "abs" else close_to(expected, float(size))
    )


def close_to(expected: float, relative: float) -> Any:
    return pytest.approx(expected, rel=relative, abs=1e-12 if expected == 0 else 0)


def test_the_files_are_those_the_values_were_computed_of() -> None:
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.csv")}
    assert files == digests()


def test_every_entry_has_its_function_or_its_reason() -> None:
    assert sorted(entries()) == sorted([*REPRODUCED, *WITHOUT_COUNTERPART])


@pytest.mark.parametrize("entry", REPRODUCED)
def test_reproduces_what_another_tool_computed(entry: str) -> None:
    reference_entry = entries()[entry]
    expected = dict(leaves(reference_entry["value"]))
    ours = dict(leaves(REPRODUCED[entry]()))
    assert {path for path in expected if not is_left_out(entry, path)} <= ours.keys()
    off = {
        path: (ours[path], value)
        for path, value in expected.items()
        if path in ours and ours[path] != within(reference_entry["tolerance"], path, value)
    }
    assert not off


@pytest.mark.parametrize("pattern", LEFT_OUT)
def test_nothing_is_left_out_that_is_not_there(pattern: tuple[str, str]) -> None:
    of, part = pattern
    paths = [
        path
        for entry, body in entries().items()
        if re.fullmatch(of, entry)
        for path, _ in leaves(body["value"])
    ]
    assert any(re.fullmatch(part, path) for path in paths)
