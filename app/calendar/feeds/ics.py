"""An iCalendar (RFC 5545) of days of the year. Pure.

No birth year and so no age: a series starts last year. Written line by line, because building
`icalendar` objects takes 0.35 ms an event, which is most of a minute for an organisation of 50,000.
"""

import re
from calendar import isleap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from uuid import UUID

from app.calendar.rules import LEAP_DAY
from app.organizations.rules import LeapDayRule

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
FOLDED_FROM = 75
REFRESH = "PT12H"
ALARM_HOUR = 8
HEAD = (
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Betrokken//People calendar//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
    f"X-PUBLISHED-TTL:{REFRESH}",
)

NO_DAYS = (
    "BEGIN:VTIMEZONE",
    "TZID:Etc/UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "TZNAME:UTC",
    "END:STANDARD",
    "END:VTIMEZONE",
)
"""A calendar has at least one component (RFC 5545, 3.6)."""
YEARS_MOVED = 40
"""Of a series of 1 March that 29 February is kept in; the feed is read anew long before they are over."""
FIRST_SEQUENCE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Day:
    """A day in the feed: yearly where it has a rule, until the person's last day where that is known."""

    person_id: UUID
    key: str
    summary: str
    first: date
    changed_at: datetime
    rule: str | None = None
    until: date | None = None
    is_moved: bool = False
    """Of 29 February, kept on 1 March in other years: a series of 1 March, moved in leap years."""


def yearly_rule(month: int, day: int, leap_day_rule: LeapDayRule) -> str:
    """29 February is the last day of February, or 1 March, from which leap years are moved.

    A plain FREQ=YEARLY from 29 February is read as 1 March by some and skips years with others; the 60th day
    of the year (BYYEARDAY) is read by few.
    """
    if (month, day) != LEAP_DAY:
        return "FREQ=YEARLY"
    rule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"
    return rule if leap_day_rule == "feb_28" else "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1"


def calendar_of(name: str, days: Iterable[Day], alarm_days: int | None) -> bytes:
    head = [*HEAD, text_line("NAME", name), text_line("X-WR-CALNAME", name)]
    alarm = alarm_lines(alarm_days) if alarm_days is not None else []
    events = [lines_end(event_lines(day, alarm)) for day in days]
    return b"".join([lines_end(head), *(events or [lines_end(NO_DAYS)]), lines_end(["END:VCALENDAR"])])


def lines_end(lines: Iterable[str]) -> bytes:
    """A day at once: who runs beside this waits for no step longer than that."""
    return "".join(f"{line}\r\n" for line in lines).encode()


def event_lines(day: Day, alarm: list[str]) -> Iterator[str]:
    if not day.is_moved:
        yield from lines_of(day, alarm)
        return
    last = day.until or date.max
    until = None if day.until is None else in_march(day.until)
    series = replace(day, first=date(day.first.year, 3, 1), until=until)
    yield from lines_of(series, alarm)
    for year in leap_years(day.first.year):
        if date(year, 2, 29) <= last:
            moved = replace(day, first=date(year, 2, 29), rule=None)
            yield from lines_of(moved, alarm, f"RECURRENCE-ID;VALUE=DATE:{year}0301")


def in_march(last: date) -> date:
    """So far the series goes: a last day of 29 February is one of it, which was moved."""
    return date(last.year, 3, 1) if (last.month, last.day) == LEAP_DAY else last


def leap_years(first: int) -> Iterator[int]:
    return filter(isleap, range(first, min(first + YEARS_MOVED, MAXYEAR)))


def lines_of(day: Day, alarm: list[str], *more: str) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{day.person_id}-{day.key}@betrokken"
    yield f"DTSTAMP:{day.changed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{max(int((day.changed_at - FIRST_SEQUENCE).total_seconds()), 0)}"
    yield from more
    yield f"DTSTART;VALUE=DATE:{written(day.first)}"
    yield f"DTEND;VALUE=DATE:{written(day.first + timedelta(days=1))}"
    if day.rule:
        yield f"RRULE:{day.rule}" + (f";UNTIL={written(day.until)}" if day.until else "")
    yield text_line("SUMMARY", day.summary)
    yield "TRANSP:TRANSPARENT"
    if alarm:
        yield from [*alarm, text_line("DESCRIPTION", day.summary), "END:VALARM"]
    yield "END:VEVENT"


def alarm_lines(days_before: int) -> list[str]:
    """At eight in the morning, that many days before the day begins."""
    hours = ALARM_HOUR - 24 * days_before
    trigger = f"PT{hours}H" if hours >= 0 else f"-PT{-hours}H"
    return ["BEGIN:VALARM", "ACTION:DISPLAY", f"TRIGGER:{trigger}"]


def text_line(name: str, text: str) -> str:
    """Escaped and folded; control characters have no place in a calendar."""
    from icalendar import vText  # noqa: PLC0415 whoever reads no calendar does without

    escaped = vText(CONTROL.sub(" ", text)).to_ical().decode()
    line = f"{name}:{escaped}"
    return line if len(line) < FOLDED_FROM and line.isascii() else folded(line)


def folded(line: str) -> str:
    from icalendar.parser import Contentline  # noqa: PLC0415

    return str(Contentline(line).to_ical().decode())  # type: ignore[no-untyped-call]


def written(day: date) -> str:
    """strftime would write the year 1 as 1."""
    return f"{day.year:04}{day.month:02}{day.day:02}"
