"""What a release may show of every group, decided once, from who belongs to which set."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from app.metrics.disclosure.tree import Decision
from app.metrics.sample import Flags, Integers
from app.metrics.words import Suppression


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision for every group, by ordinal, and of the shown groups what is hidden of a measure.

    A measure is `facet:<key>`, `question:<key>`, `lever:<key>` or `outcome:<key>`: a score of some of the
    persons with both scores. `hidden` has the groups in which it may not be shown.

    `cells` has the base cell of every person of the headline set, in their order, None where no filter is
    answered: the headline of any union of whole cells may be shown, and of nothing else. `regions` has for
    each group of the tree the nearest shown one, itself if shown, -1 for none. `dimensions` are those of
    which categories are shown. All that tells their categories apart lives on k of each set in `steady`, of
    persons of the headline set, and with the scores of some on k of each in `leans_on`.

    `counted` has, of each measure, who of the headline set counts in it where it is told exactly. The groups
    it has in `coarse` tell it coarsely instead, of whoever has it (R6).
    """

    decisions: Mapping[int, Decision]
    hidden: Mapping[str, Mapping[int, Suppression]]
    cells: Integers | None
    regions: Integers
    dimensions: Sequence[str]
    steady: Sequence[Flags]
    leans_on: Sequence[Flags]
    counted: Mapping[str, Flags] = field(default_factory=dict)
    coarse: Mapping[str, AbstractSet[int]] = field(default_factory=dict)
    is_last: bool = True
    """Of an interim release nobody is told how many were invited: the last one may have to hide it (R8)."""

    def why_not(self, measure: str, ordinal: int) -> Suppression | None:
        """Why the measure of a shown group is not shown; None where it is."""
        return self.hidden.get(measure, {}).get(ordinal)

    def is_coarse(self, measure: str, ordinal: int) -> bool:
        return ordinal in self.coarse.get(measure, ())
