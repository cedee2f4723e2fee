"""Whether satisfaction and engagement can be told apart in this organisation."""

from collections.abc import Iterator
from typing import Final

from app.metrics.blocks.scales import LEAST_PERSONS, as_table, parts_of_dimension, reliability_of
from app.metrics.blocks.wave import ORGANIZATION, Bodies, Body, Wave, explained
from app.metrics.formulas import (
    Htmt,
    Interval,
    disattenuated,
    htmt,
    htmt_intervals,
    pearson,
    spearman,
)
from app.metrics.formulas.complete import complete_rows
from app.metrics.sample import DIMENSIONS, Floats

SAME_FROM: Final = 0.90
REASONS: Final = {"single_item": "single_part", "too_few": "too_few_persons"}
"""The formulas' words for what is missing, where an answer has another."""


def distinctness(wave: Wave) -> Bodies:
    reason = wave.plan.decisions[ORGANIZATION].reason
    if not wave.has_both_dimensions:
        return {ORGANIZATION: {"status": "undefined", "reason": "dimension_missing"}}
    if reason is not None:
        return {ORGANIZATION: {"status": "suppressed", "reason": reason}}
    if wave.n(ORGANIZATION) < LEAST_PERSONS:
        return {ORGANIZATION: {"status": "insufficient", "reason": "too_few_persons"}}
    return {ORGANIZATION: {"status": "ok", **_numbers(wave)}}


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


def _preferred(found: Htmt) -> tuple[str | None, float | None]:
    if found.htmt2 is not None:
        return "htmt2", found.htmt2
    return ("htmt", found.htmt) if found.htmt is not None else (None, None)


def _numbers(wave: Wave) -> Body:
    return explained(({"n": wave.n(ORGANIZATION)}, ""), *_of_questions(wave), *_of_scores(wave))


def _of_questions(wave: Wave) -> Iterator[tuple[Body, str]]:
    questions = _questions(wave)
    n, found = len(questions[0]), _htmt(*questions)
    method, value = _preferred(found)
    intervals = None if method is None else htmt_intervals(*questions, seed=wave.seed)
    ci = None if intervals is None else intervals.htmt2 if method == "htmt2" else intervals.htmt
    yield {"n_complete": n if wave.is_countable(n, wave.n(ORGANIZATION)) else None}, "few"
    ratio = {"htmt": found.htmt, "htmt2": found.htmt2, "method": method, **_ends(ci)}
    yield ratio, REASONS.get(found.undefined or "", found.undefined or "not_positive")
    yield {"verdict": _verdict(value, ci)}, ""


def _of_scores(wave: Wave) -> Iterator[tuple[Body, str]]:
    s, e = (wave.both.dimensions[name] for name in DIMENSIONS)
    r, ranks = pearson(s, e), spearman(s, e)
    yield {"r": r.r, **_ends(r.ci, "r_")}, r.undefined or ""
    yield {"spearman": ranks.r, **_ends(ranks.ci, "spearman_")}, ranks.undefined or ""
    found = [reliability_of(as_table(parts_of_dimension(wave, name))) for name in DIMENSIONS]
    values = [of.value for of in found if of.value is not None]
    true = disattenuated(r.r, *values) if r.r is not None and len(values) == 2 else None
    corrected = {"r_disattenuated": true and true.r, "r_disattenuated_is_capped": true and true.is_capped}
    yield corrected, next((of.reason for of in found if of.reason), r.undefined or "not_positive")


def _verdict(value: float | None, ci: Interval | None) -> str:
    if value is not None and value >= SAME_FROM:
        return "not_distinct"
    return "distinct" if ci is not None and ci.high < SAME_FROM else "undetermined"


def _ends(ci: Interval | None, prefix: str = "") -> Body:
    low, high = (None, None) if ci is None else (ci.low, ci.high)
    return {f"{prefix}ci_low": low, f"{prefix}ci_high": high}
