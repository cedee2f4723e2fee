"""What a cell says: dates, flags, numbers and answers as people and programs write them."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

Kind = Literal["people", "teams", "responses", "recognitions", "occasions", "kpi_values"]
Decimal = Literal[".", ","]
FLAGS = dict.fromkeys(
    ("true", "1", "yes", "y", "ja", "j", "waar", "wahr", "x", "active", "actief", "aktiv"), True
) | dict.fromkeys(
    ("false", "0", "no", "n", "nee", "onwaar", "nein", "falsch", "inactive", "inactief", "inaktiv"), False
)
UNSEEN = r"[\s\x00-\x1f\xad\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe0f\ufeff\uffa0]"
NOTHING = "".join(re.findall(UNSEEN, "".join(map(chr, range(2**16)))))
LONGEST_LABEL = 300
"""Of an answer with its label: to look for one takes the square of the length."""
YEARS_AHEAD = 10
"""A year of two digits is the latest that is no further in the future."""
WHOLE = re.compile(r"(-?[0-9]{1,9})(?:[.,](?:0{1,2}|0{4,9}))?")
NUMBER_AND_LABEL = re.compile(r"[(\[]?(-?[0-9]{1,9})(?:\s*[-–—:=.)\]|(]\s*|\s+)[^0-9]*[^\W\d_][^0-9]*")
LABEL_AND_NUMBER = re.compile(r"[^0-9]*[^\W\d_][^0-9]*?(?:[(\[=:]\s*|\s[-–—]\s+|[–—])([0-9]{1,9})[)\]]?")
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}([.,][0-9]{1,15})?")
TWO_WAYS = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")
"""1.234 is a thousand and more, or one and a bit."""
MIDNIGHT = re.compile(r"(.*\d)[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?")
"""Of whichever place: it is the day that was meant."""
YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|((?:19|20)\d\d)(\d\d)(\d\d)")
"""The one order that nobody writes in two ways."""
SERIAL = re.compile(r"([1-9]\d{4})(?:[.,]\d+)?")
"""Days since the end of 1899, which is what Excel has behind a date that lost its form."""
BEFORE_DAY_ONE = date(1899, 12, 30)
MONTHS = {
    "jan": "january januari januar jänner",
    "feb": "february februari februar",
    "mar": "march maart mrt märz mär mrz",
    "apr": "april",
    "may": "mei mai",
    "jun": "june juni",
    "jul": "july juli",
    "aug": "august augustus",
    "sep": "september sept",
    "oct": "october oktober okt",
    "nov": "november",
    "dec": "december dezember dez",
}
ENGLISH = {word: month for month, words in MONTHS.items() for word in words.split()}
WORD = re.compile(r"[^\W\d_]{3,}\.?")
ESCAPED = re.compile(r'="((?:[^"]|"")*)"')
GUARD = re.compile(r"'(?=[=+@-]|[0-9][\w.,:/-]*$)")
"""What keeps a spreadsheet from reckoning with a cell, or from taking the zeros off it."""
GROUPED = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'’](?=\d{3}(?!\d))")


class Flaw(NamedTuple):
    """Why a row cannot be read, and where in it where that is known."""

    code: str
    detail: str
    pointer: str | None = None


class Unreadable(ValueError):
    """A value that can be read in more ways than one."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Notation:
    """How the values of a file are written, as far as that was said."""

    dates: Sequence[str] = ()
    decimal: Decimal | None = None
    this_year: int = 9999 - YEARS_AHEAD


def bare(text: str) -> str:
    """Without what nobody sees around it: spaces of every kind, marks, NULs."""
    return text.strip(NOTHING)


def meant(cell: str) -> str:
    """Bare, and without what keeps a spreadsheet from changing it."""
    text = bare(cell)
    escaped = ESCAPED.fullmatch(text)
    return bare(escaped[1].replace('""', '"')) if escaped else GUARD.sub("", text)


def as_date(text: str, notation: Notation) -> str:
    """The ISO date of a text in one of the formats; any other text as it is."""
    found = {one for form in notation.dates if (one := _parsed(text, form, notation.this_year))}
    if len(found) > 1:
        raise Unreadable("ambiguous_date", "The formats of dates in the mapping read this as different days.")
    if found:
        return found.pop().isoformat()
    midnight = MIDNIGHT.fullmatch(text)
    day = str(midnight[1]) if midnight else text
    read = _year_first(day) or _serial(day)
    return read.isoformat() if read else day


def _year_first(text: str) -> date | None:
    found = YEAR_FIRST.fullmatch(text)
    parts = [int(part) for part in found.groups() if part and part.isdigit()] if found else []
    try:
        return date(*parts) if parts else None
    except ValueError:
        return None


def _serial(text: str) -> date | None:
    found = SERIAL.fullmatch(text)
    return BEFORE_DAY_ONE + timedelta(days=int(found[1])) if found else None


def in_english(text: str) -> str:
    """With the names of months in three letters, as `%b` has them."""

    def month(found: re.Match[str]) -> str:
        word = found[0].rstrip(".").lower()
        return ENGLISH.get(word, found[0].rstrip("."))

    return WORD.sub(month, text)


def _parsed(text: str, form: str, this_year: int) -> date | None:
    if "%b" in form.lower():
        form, text = form.replace("%B", "%b").replace("%b.", "%b"), in_english(text)
    try:
        day = datetime.strptime(text, form).date()  # noqa: DTZ007 a date has no zone
        is_short = "%y" in form and day.year > this_year + YEARS_AHEAD
        return day.replace(year=day.year - 100) if is_short else day
    except ValueError:
        return None


def is_date_format(form: str) -> bool:
    parts = re.findall(r"%(.?)", form)
    return len(set(parts)) == len(parts) and set(parts) <= set("dmYybBHMSfz")


def as_flag(text: str, _: Notation) -> bool | str:
    return FLAGS.get(text.lower(), text)


def as_integer(text: str, _: Notation) -> int | str:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text


def as_answer(text: str, _: Notation) -> int | str | None:
    """`null` is an answer too: not applicable, or not known. Survey tools write 4.0, or add its label."""
    if text == "null":
        return None
    if len(text) > LONGEST_LABEL:
        return text
    found = (form.fullmatch(text) for form in (WHOLE, NUMBER_AND_LABEL, LABEL_AND_NUMBER))
    number = next((match.group(1) for match in found if match), None)
    return text if number is None else int(number)


class Numbered(int):
    """A number read from a cell, which still knows what was written there."""

    text: str

    def __new__(cls, number: int, text: str) -> "Numbered":
        found = super().__new__(cls, number)
        found.text = text
        return found


def as_answer_or_text(text: str, notation: Notation) -> int | str | None:
    """What a cell is depends on its question, which a file does not tell."""
    found = as_answer(text, notation)
    return Numbered(found, text) if isinstance(found, int) else found


def as_number(text: str, notation: Notation) -> float | str:
    """With the decimal sign that was declared; else with either, unless the text can be read two ways."""
    plain = plain_digits(text)
    decimal = notation.decimal or decimal_in(plain)
    if decimal is not None:
        read = _declared_number(plain, decimal)
        return text if isinstance(read, str) else read
    if TWO_WAYS.fullmatch(plain):
        raise Unreadable(
            "ambiguous_number", "This is one number with a decimal point, another with a comma: map decimal."
        )
    return float(plain.replace(",", ".")) if PLAIN_NUMBER.fullmatch(plain) else text


def plain_digits(text: str) -> str:
    """Without spaces or apostrophes between thousands, and with the sign in front."""
    plain = GROUPED.sub("", text).replace("\u2212", "-").removeprefix("+")
    return f"-{plain[:-1]}" if plain.endswith("-") and not plain.startswith("-") else plain


def decimal_in(plain: str) -> Decimal | None:
    """Where a text has both signs the last one; of one that comes twice, the other."""
    if "." in plain and "," in plain:
        return "." if plain.rindex(".") > plain.rindex(",") else ","
    if plain.count(".") > 1:
        return ","
    return "." if plain.count(",") > 1 else None


def _declared_number(text: str, decimal: Decimal) -> float | str:
    between = "." if decimal == "," else ","
    grouped = rf"-?[0-9]{{1,3}}(\{between}[0-9]{{3}}){{1,4}}(\{decimal}[0-9]{{1,15}})?"
    plain = rf"-?[0-9]{{1,15}}(\{decimal}[0-9]{{1,15}})?"
    is_number = re.fullmatch(f"{grouped}|{plain}", text)
    return float(text.replace(between, "").replace(decimal, ".")) if is_number else text


def as_identifiers(text: str, _: Notation) -> list[str]:
    return [part for part in re.split(r"[\s,;|]+", text) if part]


Conversion = Callable[[str, Notation], Any]
CONVERSIONS: Mapping[Kind, Mapping[str, Conversion]] = {
    "people": {"active": as_flag},
    "teams": {},
    "responses": {"answers": as_answer_or_text},
    "recognitions": {"receivers": as_identifiers},
    "occasions": {"month": as_integer, "day": as_integer, "year": as_integer, "consent": as_flag},
    "kpi_values": {"value": as_number},
}


def value_of(kind: Kind, member: str, text: str, notation: Notation) -> Any:
    if member.endswith("_on"):
        return as_date(text, notation)
    convert = CONVERSIONS[kind].get(member)
    return convert(text, notation) if convert else text


def identifier_of(name: str) -> str:
    """An identifier for a team that is known by its name alone; always the same for the same name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:128] or "team-" + blake2b(name.encode(), digest_size=8).hexdigest()
