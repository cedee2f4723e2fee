"""The languages the service speaks, which of them a caller is answered in, and days in words."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

Language = Literal["en", "nl"]
LANGUAGES = ("en", "nl")
ByLanguage = Mapping[str, str]
MONTHS: Mapping[str, str] = {
    "en": "January February March April May June July August September October November December",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
MOMENT: Mapping[str, str] = {"en": "{day} at {time:%H:%M}", "nl": "{day} om {time:%H.%M} uur"}


def month_in_words(language: str, day: date) -> str:
    """May 2026, or mei 2026."""
    return f"{MONTHS[language].split()[day.month - 1]} {day.year}"


def in_words(language: str, day: date) -> str:
    """4 May, or 4 mei."""
    return f"{day.day} {MONTHS[language].split()[day.month - 1]}"


def day_in_words(language: str, day: date) -> str:
    """4 May 2026, or 4 mei 2026."""
    return f"{in_words(language, day)} {day.year}"


def moment_in_words(language: str, local: datetime) -> str:
    """4 May 2026 at 17:00, or 4 mei 2026 om 17.00 uur."""
    return MOMENT[language].format(day=day_in_words(language, local), time=local)


def language_of(accept_language: str | None, default: str) -> str:
    """The best of LANGUAGES for an Accept-Language header (RFC 9110), else the default, else English."""
    offers = (_offer(part) for part in (accept_language or "").split(","))
    wanted = [tag for weight, tag in sorted(offers, key=lambda offer: -offer[0]) if weight > 0]
    primary = [tag.partition("-")[0] for tag in [*wanted, default.lower()]]
    return next((tag for tag in primary if tag in LANGUAGES), LANGUAGES[0])


def _offer(part: str) -> tuple[float, str]:
    tag, _, parameter = part.strip().lower().partition(";")
    try:
        weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
    except ValueError:
        weight = 0.0
    return weight, tag.strip()
