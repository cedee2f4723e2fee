"""Which groups and numbers of a release may be shown, and how precisely (metrics.md 3.2).

Decided from who belongs to which set, never from what anybody answered.
"""

from app.metrics.disclosure.plan import Plan, admit, base_regions, plan_release
from app.metrics.disclosure.rounding import (
    Precision,
    shown_dz,
    shown_gap,
    shown_score,
    shown_sd,
    shown_share,
)
from app.metrics.disclosure.tree import Decision, Node, Suppression, decide

__all__ = [
    "Decision",
    "Node",
    "Plan",
    "Precision",
    "Suppression",
    "admit",
    "base_regions",
    "decide",
    "plan_release",
    "shown_dz",
    "shown_gap",
    "shown_score",
    "shown_sd",
    "shown_share",
]
