"""Periods of employment, and what was held until a day."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple


class Period(NamedTuple):
    """Both days included. No first day: since always; no last day: not known."""

    starts_on: date | None
    ends_on: date | None


class Held(NamedTuple):
    """What may be asked of a person as of a day. The team is its identifier."""

    team: str | None
    manager: str | None
    segments: Mapping[str, str]


class Past(NamedTuple):
    """What was held until a day, that day included."""

    ends_on: date
    held: Held


class Earlier(NamedTuple):
    """What a source tells of the time before the present, and which time that is."""

    periods: Sequence[Period]
    pasts: Sequence[Past]
    since: date
    until: date
    """The first day of the present."""


def is_rehire(current: Period, wanted: Period) -> bool:
    """A leaver who starts again after their last day, with no last day known."""
    return (
        current.ends_on is not None
        and wanted.starts_on is not None
        and wanted.starts_on > current.ends_on
        and wanted.ends_on is None
    )


def earlier_periods(earlier: Iterable[Period], current: Period, wanted: Period) -> list[Period]:
    """The periods before `wanted`. One that does not end before it was a mistake and is dropped."""
    closed = [current] if is_rehire(current, wanted) else []
    first_day = wanted.starts_on or date.min
    return [period for period in (*earlier, *closed) if period.ends_on and period.ends_on < first_day]


def held_on(past: Sequence[Past], present: Held, day: date) -> Held:
    """Of a past in the order of its days."""
    return next((one.held for one in past if one.ends_on >= day), present)


def changed_past(past: Sequence[Past], present: Held, wanted: Held, since: date) -> list[Past]:
    """The past of who holds `wanted` from that day on, whatever was on file for it and later days."""
    if since == date.min:
        return []
    day_before = since - timedelta(days=1)
    before = held_on(past, present, day_before)
    earlier = [one for one in past if one.ends_on < day_before]
    return earlier if before == wanted else [*earlier, Past(day_before, before)]


def told_periods(known: Sequence[Period], earlier: Earlier) -> list[Period]:
    """The periods that are told, after those that were known of before."""
    first = min((period.starts_on or date.min for period in earlier.periods), default=None)
    kept = known if first is None else [one for one in known if one.ends_on and one.ends_on < first]
    return [*kept, *earlier.periods]


def told_past(known: Sequence[Past], earlier: Earlier) -> list[Past]:
    """The past that is told, between what was known of before and after."""
    before = [one for one in known if one.ends_on < earlier.since]
    after = [one for one in known if one.ends_on >= earlier.until]
    return [*before, *earlier.pasts, *after]
