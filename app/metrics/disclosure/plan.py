"""What a release may show of every group, decided once, from who belongs to which set."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.metrics.disclosure.tree import Decision, Suppression


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision for every group, by ordinal, and of the shown groups what is hidden of a measure.

    A measure is `facet:<key>`, `question:<key>`, `lever:<key>` or `outcome:<key>`: a score of some of the
    persons with both scores. `hidden` has the groups in which it may not be shown.
    """

    decisions: Mapping[int, Decision]
    hidden: Mapping[str, Mapping[int, Suppression]]

    def why_not(self, measure: str, ordinal: int) -> Suppression | None:
        """Why the measure of a shown group is not shown; None where it is."""
        return self.hidden.get(measure, {}).get(ordinal)
