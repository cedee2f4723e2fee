"""What an administrator may read of the disclosure plan: which groups, which rule, no answers."""

from app.metrics.blocks.wave import Wave
from app.metrics.schemas import Disclosed, Hidden, Shown


def disclosed(wave: Wave) -> dict[int, Disclosed]:
    return {ordinal: _said(wave, ordinal) for ordinal in sorted(wave.plan.decisions)}


def _said(wave: Wave, ordinal: int) -> Disclosed:
    decision = wave.plan.decisions[ordinal]
    if decision.precision is None:
        assert decision.reason is not None
        assert decision.rule is not None
        return Hidden(status="suppressed", reason=decision.reason, rule=decision.rule)
    return Shown(
        status="shown",
        precision=decision.precision,
        shows_invited=wave.plan.is_last and decision.shows_invited,
        hidden={measure: own[ordinal] for measure, own in wave.plan.hidden.items() if ordinal in own},
    )
