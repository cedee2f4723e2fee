"""How the calendar names a day, in each of the languages of app.core.languages. Pure."""

from collections.abc import Mapping
from datetime import date

SUMMARIES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "birthday": "{name}: birthday",
        "work_anniversary": "{name}: with us since {year}",
        "milestone": "{name}: {years} years with us",
        "first_day": "{name}: first day",
        "wedding": "{name}: wedding anniversary",
        "family_birthday": "{name}: birthday in the family",
        "family_birthday_of": "{who}: birthday (family of {name})",
        "custom": "{name}: a special day",
        "custom_of": "{name}: {label}",
    },
    "nl": {
        "birthday": "{name} is jarig",
        "work_anniversary": "{name}: in dienst sinds {year}",
        "milestone": "{name}: {years} jaar in dienst",
        "first_day": "{name}: eerste werkdag",
        "wedding": "{name}: trouwdag",
        "family_birthday": "{name}: verjaardag in de familie",
        "family_birthday_of": "{who} is jarig (familie van {name})",
        "custom": "{name}: een bijzondere dag",
        "custom_of": "{name}: {label}",
    },
}
CALENDAR: Mapping[str, str] = {"en": "People calendar", "nl": "Mensenkalender"}

MONTHS: Mapping[str, str] = {
    "en": "January February March April May June July August September October November December",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
DIGEST: Mapping[str, Mapping[str, str]] = {
    "en": {
        "subject": "Coming up: {what}",
        "more": "{what} and {number} more",
        "opening": "Hello {name},",
        "body": "These days are coming up:",
        "closing": "{organization}",
        "reason": "You receive this reminder because {organization} chose you for it. No more:",
    },
    "nl": {
        "subject": "Binnenkort: {what}",
        "more": "{what} en nog {number}",
        "opening": "Beste {name},",
        "body": "Deze dagen komen eraan:",
        "closing": "{organization}",
        "reason": "Je krijgt deze herinnering omdat {organization} je daarvoor koos. Niet meer:",
    },
}


def in_words(language: str, day: date) -> str:
    """4 May, or 4 mei."""
    return f"{day.day} {MONTHS[language].split()[day.month - 1]}"


def summary(
    language: str,
    kind: str,
    name: str,
    *,
    label: str | None = None,
    relation: str | None = None,
    year: int | None = None,
    months: int | None = None,
) -> str:
    """One line for a calendar; `months` for a milestone between two anniversaries."""
    words = SUMMARIES[language]
    if months is not None:
        return words["milestone"].format(name=name, years=in_years(language, months))
    who = ", ".join(part for part in (label, relation) if part)
    if kind == "family_birthday" and who:
        return words["family_birthday_of"].format(name=name, who=who)
    if kind == "custom" and label:
        return words["custom_of"].format(name=name, label=label)
    return words[kind].format(name=name, year=year)


def in_years(language: str, months: int) -> str:
    """12.5 in English, 12,5 in Dutch, 12 in both."""
    written = f"{months / 12:g}"
    return written.replace(".", ",") if language == "nl" else written
