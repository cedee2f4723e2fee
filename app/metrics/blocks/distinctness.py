"""Whether satisfaction and engagement can be told apart in this organisation."""

from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from app.metrics.blocks.scales import LEAST_PERSONS, as_table, parts_of_dimension, reliability_of_dimension
from app.metrics.blocks.wave import ORGANIZATION, Wave, hidden, once, reasons_of
from app.metrics.formulas import (
    Correlation,
    Disattenuated,
    Htmt,
    Interval,
    disattenuated,
    htmt,
    htmt_intervals,
    pearson,
    spearman,
)
from app.metrics.sample import DIMENSIONS, Floats
from app.metrics.schemas import DistinctnessNumbers, DistinctnessOk, Suppressed
from app.metrics.schemas.headline import DistinctnessInsufficient, DistinctnessUndefined, PartsOfBoth

SAME_FROM: Final = 0.90
INTERVAL_FROM: Final = 100
"""With fewer persons the bootstrap is too narrow."""
DISTINCT_FROM: Final = 200
"""With fewer, one attitude in two facets each still passes as two now and then."""
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
    if not wave.asks_enough:
        return Suppressed(status="suppressed", reason="crossing")
    if wave.n(ORGANIZATION) < LEAST_PERSONS:
        return DistinctnessInsufficient(status="insufficient", reason="too_few_persons")
    return _numbers(wave)


def is_not_distinct(wave: Wave) -> bool:
    """Whether the two measure the same, so that quadrants would divide nothing."""
    return _compared(wave).is_same


@dataclass(frozen=True, slots=True)
class _Compared:
    """`tables` are persons x the parts of satisfaction, and of engagement; `true` is r freed of error."""

    tables: tuple[Floats, Floats]
    found: Htmt
    r: Correlation
    true: Disattenuated | None
    why_not_true: str

    @classmethod
    def take(cls, wave: Wave) -> "_Compared":
        first, second = (as_table(parts_of_dimension(wave, name)) for name in DIMENSIONS)
        r = pearson(*(wave.both.dimensions[name] for name in DIMENSIONS))
        reliabilities = [reliability_of_dimension(wave, name) for name in DIMENSIONS]
        values = [of.value for of in reliabilities if of.value is not None]
        return cls(
            tables=(first, second),
            found=htmt(first, second, LEAST_PERSONS),
            r=r,
            true=disattenuated(r.r, *values) if r.r is not None and len(values) == 2 else None,
            why_not_true=next(
                (of.reason for of in reliabilities if of.reason), r.undefined or "not_positive"
            ),
        )

    @property
    def is_same(self) -> bool:
        ratio = self.found.htmt if self.found.htmt2 is None else self.found.htmt2
        true = None if self.true is None else self.true.r
        return any(of is not None and of >= SAME_FROM for of in (ratio, true))

    def reported(self, seed: int) -> "_Reported":
        """HTMT2 where it and its interval are defined, else HTMT."""
        if self.found.htmt is None:
            return _Reported(None, None, None)
        if len(self.tables[0]) < INTERVAL_FROM:
            return _Reported("htmt" if self.found.htmt2 is None else "htmt2", None, None)
        of = htmt_intervals(*self.tables, seed, fewest=LEAST_PERSONS)
        if of.htmt2 is None:
            return _Reported("htmt", of.htmt, of.htmt_99)
        return _Reported("htmt2", of.htmt2, of.htmt2_99)


_compared = once(_Compared.take)


@dataclass(frozen=True, slots=True)
class _Reported:
    """`ci` is what is told, `wide` at 99% what a claim of two must survive."""

    method: Literal["htmt", "htmt2"] | None
    ci: Interval | None
    wide: Interval | None


def _numbers(wave: Wave) -> DistinctnessOk:
    compared = _compared(wave)
    found, r, true = compared.found, compared.r, compared.true
    reported = compared.reported(wave.seed)
    method, ci = reported.method, reported.ci
    s, e = (wave.both.dimensions[name] for name in DIMENSIONS)
    ranks = spearman(s, e)
    complete: Complete = {"n_complete": found.n if wave.is_countable(found.n, wave.n(ORGANIZATION)) else None}
    ratio: Ratio = {"htmt": found.htmt, "htmt2": found.htmt2, "method": method}
    ends: Ends = {"ci_low": None if ci is None else ci.low, "ci_high": None if ci is None else ci.high}
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
    parts = PartsOfBoth(satisfaction=compared.tables[0].shape[1], engagement=compared.tables[1].shape[1])
    why_no_ratio = REASONS.get(found.undefined or "", found.undefined or "not_positive")
    is_small = found.htmt is not None and wave.n(ORGANIZATION) < INTERVAL_FROM
    return DistinctnessOk(
        status="ok",
        n=wave.n(ORGANIZATION),
        verdict=_verdict(compared, reported.wide),
        parts=parts,
        **complete,
        **ratio,
        **ends,
        **linear,
        **ranked,
        **corrected,
        reasons=reasons_of(
            (complete, "few"),
            (ratio, why_no_ratio),
            (ends, "too_few_persons" if is_small else why_no_ratio),
            (linear, r.undefined or ""),
            (ranked, ranks.undefined or ""),
            (corrected, compared.why_not_true),
        ),
    )


class Complete(TypedDict):
    n_complete: int | None


class Ratio(TypedDict):
    htmt: float | None
    htmt2: float | None
    method: Literal["htmt", "htmt2"] | None


class Ends(TypedDict):
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


def _verdict(
    compared: _Compared, wide: Interval | None
) -> Literal["distinct", "not_distinct", "undetermined"]:
    if compared.is_same:
        return "not_distinct"
    is_below = wide is not None and wide.high < SAME_FROM and compared.true is not None
    return "distinct" if is_below and len(compared.tables[0]) >= DISTINCT_FROM else "undetermined"
