"""Which groups and numbers of a release may be shown, and how precisely (disclosure.md 3.2).

Decided from who belongs to which set, never from what anybody answered.
"""

from app.metrics.disclosure.cells import filter_cells
from app.metrics.disclosure.later import erased_few, may_contrast, may_link
from app.metrics.disclosure.options import (
    count_told_where,
    left_out_by_lot,
    rest_told_where,
    tellable,
    told_where,
)
from app.metrics.disclosure.plan import Plan
from app.metrics.disclosure.release import Step, plan_release
from app.metrics.disclosure.rolling import admit, base_regions
from app.metrics.disclosure.rounding import (
    coarse_enps,
    coarse_score,
    shown_dz,
    shown_gap,
    shown_r,
    shown_score,
    shown_sd,
    shown_share,
)
from app.metrics.disclosure.tree import Decision, Node, decide, showing_complete
from app.metrics.words import Precision, Suppression

__all__ = [
    "Decision",
    "Node",
    "Plan",
    "Precision",
    "Step",
    "Suppression",
    "admit",
    "base_regions",
    "coarse_enps",
    "coarse_score",
    "count_told_where",
    "decide",
    "erased_few",
    "filter_cells",
    "left_out_by_lot",
    "may_contrast",
    "may_link",
    "plan_release",
    "rest_told_where",
    "showing_complete",
    "shown_dz",
    "shown_gap",
    "shown_r",
    "shown_score",
    "shown_sd",
    "shown_share",
    "tellable",
    "told_where",
]
