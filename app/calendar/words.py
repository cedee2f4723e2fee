"""How the calendar names a day, in each of the languages of app.core.languages. Pure."""

from collections.abc import Mapping

SUMMARIES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "birthday": "{name}: birthday",
        "work_anniversary": "{name}: with us since {year}",
        "milestone": "{name}: {years} years with us",
        "first_day": "{name}: first day",
        "wedding": "{name}: wedding anniversary",
        "family_birthday": "{name}: birthday in the family",
        "family_birthday_of": "{name}'s {relation} {label}: birthday",
        "family_birthday_of_label": "{label}: birthday (family of {name})",
        "family_birthday_of_relation": "{name}'s {relation}: birthday",
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
        "family_birthday_of": "{label} ({relation} van {name}) is jarig",
        "family_birthday_of_label": "{label} is jarig (familie van {name})",
        "family_birthday_of_relation": "{name}: {relation} is jarig",
        "custom": "{name}: een bijzondere dag",
        "custom_of": "{name}: {label}",
    },
}
CALENDAR: Mapping[str, str] = {"en": "Celebrations", "nl": "Bijzondere dagen"}

DIGEST: Mapping[str, Mapping[str, str]] = {
    "en": {
        "subject": "Coming up: {what}",
        "more": "{what} and {number} more",
        "opening": "Hello {name},",
        "body": "These days are coming up:",
        "closing": "{organization}",
        "reason": "{organization} sends you this reminder. To stop it:",
    },
    "nl": {
        "subject": "Binnenkort: {what}",
        "more": "{what} en nog {number}",
        "opening": "Beste {name},",
        "body": "Deze dagen komen eraan:",
        "closing": "{organization}",
        "reason": "{organization} stuurt je deze herinnering. Geen herinneringen meer?",
    },
}


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
    """One line for a calendar; `months` in service, where they are a milestone."""
    words = SUMMARIES[language]
    if months is not None and kind == "work_anniversary":
        return words["milestone"].format(name=name, years=in_years(language, months))
    return words[_named(kind, label, relation)].format(name=name, label=label, relation=relation, year=year)


def _named(kind: str, label: str | None, relation: str | None) -> str:
    """Under which of SUMMARIES a day is named, by what is known of it."""
    if kind == "custom" and label:
        return "custom_of"
    if kind == "family_birthday" and (label or relation):
        missing = "" if label and relation else "_label" if label else "_relation"
        return f"family_birthday_of{missing}"
    return kind


def in_years(language: str, months: int) -> str:
    """12.5 in English, 12,5 in Dutch, 12 in both."""
    written = f"{months / 12:g}"
    return written.replace(".", ",") if language == "nl" else written
