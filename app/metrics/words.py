"""Words that numbers are told with: how precisely, why not, and what became of them. Pure."""

from typing import Literal

Precision = Literal["exact", "integer", "banded"]
Suppression = Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]
Verdict = Literal[
    "increased", "decreased", "small_increase", "small_decrease", "practically_equal", "inconclusive"
]
