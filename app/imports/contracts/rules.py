"""Several rows of one person, each a contract: which of them says who they are today, in any order."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

DAY = timedelta(days=1)


class Term(NamedTuple):
    """From the first day to the last, both included."""

    first: date
    last: date


class Contract(NamedTuple):
    """A row: the term of the contract, that of the employment it belongs to, and all it says as one text."""

    line: int
    term: Term
    employment: Term
    content: str


def term_of(first: str | None, last: str | None) -> Term:
    """No first day: since always; no last day: not known. Raises ValueError where a day is none."""
    return Term(
        date.fromisoformat(first) if first else date.min, date.fromisoformat(last) if last else date.max
    )


def chosen(contracts: Sequence[Contract], today: date) -> Contract:
    """The current one, of several the latest; where none is current the latest of all."""
    current = [one for one in contracts if one.term.first <= today <= one.term.last]
    return max(current or contracts, key=rank)


def rank(contract: Contract) -> tuple[Term, int, str]:
    """Of the same days what a row says decides, in any order; where no days are known the first counts."""
    is_undated = contract.term == (date.min, date.max)
    return (contract.term, -contract.line, "") if is_undated else (contract.term, 0, contract.content)


def repeats(contracts: Sequence[Contract], present: Contract) -> dict[int, bool]:
    """Lines of the term of another, and whether they say the same: what they add cannot be told."""
    kept = {present.term: present}
    for one in sorted(contracts, key=rank, reverse=True):
        kept.setdefault(one.term, one)
    return {
        one.line: one.content == kept[one.term].content
        for one in contracts
        if one.line != kept[one.term].line
    }


def of_own_days(contracts: Sequence[Contract]) -> list[Contract]:
    """In the order of their days, of one first day the last: it was held from then on."""
    return list({one.term.first: one for one in contracts}.values())


def employments(contracts: Sequence[Contract]) -> list[Term]:
    """Those before the one of the last contract, none of which goes on when the next begins."""
    lasts: dict[date, date] = {}
    for one in contracts:
        lasts[one.employment.first] = max(one.employment.last, lasts.get(one.employment.first, date.min))
    present = contracts[-1].employment.first
    firsts = [*sorted(first for first in lasts if first < present), present]
    return [Term(first, min(lasts[first], following - DAY)) for first, following in pairwise(firsts)]


def last_day(contracts: Sequence[Contract], present: Contract) -> date:
    """The last day employed: contracts that follow without a gap, or run beside the present one, go on."""
    last = present.employment.last
    for one in sorted(contracts, key=lambda one: one.employment):
        follows = last == date.max or one.employment.first <= last + DAY
        if one.employment.last >= present.employment.first and follows:
            last = max(last, one.employment.last)
    return last
