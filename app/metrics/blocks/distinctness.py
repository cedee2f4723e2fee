"""Whether satisfaction and engagement can be told apart in this organisation."""

from typing import Final, Literal, TypedDict

from app.metrics.blocks.scales import LEAST_PERSONS, as_table, parts_of_dimension, reliability_of
from app.metrics.blocks.wave import ORGANIZATION, Wave, hidden, reasons_of
from app.metrics.formulas import Htmt, Interval, disattenuated, htmt, htmt_intervals, pearson, spearman
from app.metrics.formulas.complete import complete_rows
from app.metrics.sample import DIMENSIONS, Floats
from app.metrics.schemas import DistinctnessNumbers, DistinctnessOk
from app.metrics.schemas.headline import DistinctnessInsufficient, DistinctnessUndefined

SAME_FROM: Final = 0.90
REASONS: Final = {"single_item": "single_part", "too_few": "too_few_persons"}
"""The formulas' words for what is missing, where an answer has another."""


def distinctness(wave: Wave) -> dict[int, DistinctnessNumbers]:
    return {ORGANIZATION: _of_organization(wave)}


def _of_organization(wave: Wave) -> DistinctnessNumbers:
    decision = wave.plan.decisions[ORGANIZATION]
    if not wave.has_both_dimensions:
        return DistinctnessUndefined(status="undefined", reason="dimension_missing")
    if decision.reason is not None:
        return hidden(decision)
    if wave.n(ORGANIZATION) < LEAST_PERSONS:
        return DistinctnessInsufficient(status="insufficient", reason="too_few_persons")
    return _numbers(wave)


def is_not_distinct(wave: Wave) -> bool:
    """Whether the two measure the same, so that quadrants would divide nothing."""
    value = _preferred(_htmt(*_questions(wave)))[1]
    return value is not None and value >= SAME_FROM


def _questions(wave: Wave) -> tuple[Floats, Floats]:
    """Of the persons who answered all of them: the questions of satisfaction and those of engagement."""
    columns = [wave.columns_of(dimension) for dimension in DIMENSIONS]
    rows = complete_rows(wave.both.questions[:, columns[0] + columns[1]])
    return rows[:, : len(columns[0])], rows[:, len(columns[0]) :]


def _htmt(satisfaction: Floats, engagement: Floats) -> Htmt:
    if len(satisfaction) < LEAST_PERSONS:
        return Htmt(len(satisfaction), None, None, "too_few")
    return htmt(satisfaction, engagement)


def _preferred(found: Htmt) -> tuple[Literal["htmt", "htmt2"] | None, float | None]:
    if found.htmt2 is not None:
        return "htmt2", found.htmt2
    return ("htmt", found.htmt) if found.htmt is not None else (None, None)


def _numbers(wave: Wave) -> DistinctnessOk:
    questions = _questions(wave)
    n, found = len(questions[0]), _htmt(*questions)
    method, value = _preferred(found)
    intervals = None if method is None else htmt_intervals(*questions, seed=wave.seed)
    ci = None if intervals is None else intervals.htmt2 if method == "htmt2" else intervals.htmt
    s, e = (wave.both.dimensions[name] for name in DIMENSIONS)
    r, ranks = pearson(s, e), spearman(s, e)
    parts = [reliability_of(as_table(parts_of_dimension(wave, name))) for name in DIMENSIONS]
    values = [of.value for of in parts if of.value is not None]
    true = disattenuated(r.r, *values) if r.r is not None and len(values) == 2 else None
    complete: Complete = {"n_complete": n if wave.is_countable(n, wave.n(ORGANIZATION)) else None}
    ratio: Ratio = {
        "htmt": found.htmt,
        "htmt2": found.htmt2,
        "method": method,
        "ci_low": None if ci is None else ci.low,
        "ci_high": None if ci is None else ci.high,
    }
    linear: Linear = {
        "r": r.r,
        "r_ci_low": None if r.ci is None else r.ci.low,
        "r_ci_high": None if r.ci is None else r.ci.high,
    }
    ranked: Ranked = {
        "spearman": ranks.r,
        "spearman_ci_low": None if ranks.ci is None else ranks.ci.low,
        "spearman_ci_high": None if ranks.ci is None else ranks.ci.high,
    }
    corrected: Corrected = {
        "r_disattenuated": None if true is None else true.r,
        "r_disattenuated_is_capped": None if true is None else true.is_capped,
    }
    return DistinctnessOk(
        status="ok",
        n=wave.n(ORGANIZATION),
        verdict=_verdict(value, ci),
        **complete,
        **ratio,
        **linear,
        **ranked,
        **corrected,
        reasons=reasons_of(
            (complete, "few"),
            (ratio, REASONS.get(found.undefined or "", found.undefined or "not_positive")),
            (linear, r.undefined or ""),
            (ranked, ranks.undefined or ""),
            (corrected, next((of.reason for of in parts if of.reason), r.undefined or "not_positive")),
        ),
    )


class Complete(TypedDict):
    n_complete: int | None


class Ratio(TypedDict):
    htmt: float | None
    htmt2: float | None
    method: Literal["htmt", "htmt2"] | None
    ci_low: float | None
    ci_high: float | None


class Linear(TypedDict):
    r: float | None
    r_ci_low: float | None
    r_ci_high: float | None


class Ranked(TypedDict):
    spearman: float | None
    spearman_ci_low: float | None
    spearman_ci_high: float | None


class Corrected(TypedDict):
    r_disattenuated: float | None
    r_disattenuated_is_capped: bool | None


def _verdict(value: float | None, ci: Interval | None) -> Literal["distinct", "not_distinct", "undetermined"]:
    if value is not None and value >= SAME_FROM:
        return "not_distinct"
    return "distinct" if ci is not None and ci.high < SAME_FROM else "undetermined"
