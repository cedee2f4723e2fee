"""What an administrator may read of the disclosure plan: which groups, which rule, no answers."""

from app.metrics.blocks.wave import Bodies, Body, Wave


def disclosed(wave: Wave) -> Bodies:
    return {ordinal: _said(wave, ordinal) for ordinal in sorted(wave.plan.decisions)}


def _said(wave: Wave, ordinal: int) -> Body:
    decision = wave.plan.decisions[ordinal]
    if decision.precision is None:
        return {"status": "suppressed", "reason": decision.reason, "rule": decision.rule}
    return {
        "status": "shown",
        "precision": decision.precision,
        "shows_invited": decision.shows_invited,
        "hidden": {measure: own[ordinal] for measure, own in wave.plan.hidden.items() if ordinal in own},
    }
