from app.metrics.formulas.enps import Enps, enps
from app.metrics.formulas.gap import Gap, gap, gap_from
from app.metrics.formulas.intervals import Interval, MeanCi, Moments, mean_ci, moments, t_interval, wilson
from app.metrics.formulas.participation import manski_bounds, response_rate
from app.metrics.formulas.quadrants import (
    CUT,
    QUADRANTS,
    QuadrantShare,
    quadrant_of,
    quadrant_shares,
    shares_from,
)
from app.metrics.formulas.rollup import Subtrees
from app.metrics.formulas.scores import (
    Favourability,
    favourable,
    is_favourable,
    is_unfavourable,
    pomp,
    scale_scores,
)

__all__ = [
    "CUT",
    "QUADRANTS",
    "Enps",
    "Favourability",
    "Gap",
    "Interval",
    "MeanCi",
    "Moments",
    "QuadrantShare",
    "Subtrees",
    "enps",
    "favourable",
    "gap",
    "gap_from",
    "is_favourable",
    "is_unfavourable",
    "manski_bounds",
    "mean_ci",
    "moments",
    "pomp",
    "quadrant_of",
    "quadrant_shares",
    "response_rate",
    "scale_scores",
    "shares_from",
    "t_interval",
    "wilson",
]
