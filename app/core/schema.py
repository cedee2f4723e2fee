"""Bases and types of the wire models: what JSON members may hold."""

import re
import unicodedata
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import available_timezones

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from app.core.shapes import Shaped

if TYPE_CHECKING:
    from typing_extensions import TypeForm

T = TypeVar("T")
IDENTIFIER = r"^[A-Za-z0-9._:@~+=-]{1,128}$"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
"""What is sent leaves a year on either side: for the time zones there are, and for days reckoned from it."""
FIRST_INSTANT, LAST_INSTANT = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
UNSEEN = ("Cc", "Cf", "Mn", "Zl", "Zp", "Zs")
FILLERS = re.compile("[\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\ufff8\U0001d159\U000e0000-\U000e0fff]")
"""Letters, signs and places of none that are drawn as nothing."""
IDENTIFIER_HELP = "1 to 128 of A-Z a-z 0-9 . _ : @ ~ + = -, and not . or .."


SPECIAL_USE_DOMAIN_NAMES[:] = [name for name in SPECIAL_USE_DOMAIN_NAMES if name != "local"]
"""Mail within an organisation's own network is mail."""


def is_email(text: str) -> bool:
    """Whether it can be an address. Whether there is such a mailbox, nobody is asked."""
    try:
        validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return False
    return True


A_LABEL = re.compile(r"(?<=[@.])xn--[a-z0-9-]+(?![a-z0-9-])", re.IGNORECASE)
"""How the DNS has a word of a domain that is not ASCII."""


def one_spelling(text: str) -> str:
    """With the domains of addresses as people write them: jan@xn--mller-kva.nl is jan@müller.nl."""
    return A_LABEL.sub(lambda label: _as_people_write(label[0]), text) if "@" in text else text


def _as_people_write(label: str) -> str:
    try:
        written = label[4:].lower().encode().decode("punycode")
    except UnicodeError:
        return label
    return written if written.isprintable() else label


def _email(value: str) -> str:
    """As it was written, but for A-labels."""
    if not is_email(value):
        raise PydanticCustomError(
            "invalid_email", "This is no e-mail address: write one, as noor@example.com, and nothing else."
        )
    return one_spelling(value)


Email = Annotated[str, Field(min_length=1, max_length=320), AfterValidator(_email)]


def _sender(value: str) -> str:
    """A name, an address, or both as in `HR <hr@example.com>`."""
    if "@" in value:
        _email(value.rpartition("<")[2].removesuffix(">") if value.endswith(">") else value)
    return value


Sender = Annotated[str, Field(min_length=1, max_length=320), AfterValidator(_sender)]


class Schema(BaseModel):
    """What the service sends. What is no number is not told as null: no reader of JSON takes it."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


def adapter(of: "TypeForm[T]") -> TypeAdapter[T]:
    """Of a model, or of one of several; pydantic's own says nothing of the type of those."""
    return TypeAdapter(of)


def joined(told: TypeAdapter[T], *parts: Schema) -> T:
    """As one object, of the members of all parts. That they make it, tests/members.py has mypy see."""
    return told.validate_python({name: member for part in parts for name, member in part})


class Input(BaseModel):
    """What the service receives: unknown members are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def is_identifier(value: str) -> bool:
    return re.fullmatch(IDENTIFIER, value) is not None and value not in (".", "..")


def shows_nothing(text: str) -> bool:
    """Also of what has characters, as those that join words or end them, and blanks of other scripts."""
    return all(unicodedata.category(char) in UNSEEN or FILLERS.match(char) for char in text)


def _visible(value: str) -> str:
    if shows_nothing(value):
        raise PydanticCustomError("invalid_value", "Write something that can be seen.")
    return value


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not is_identifier(value):
        raise PydanticCustomError("bad_identifier", "An identifier is " + IDENTIFIER_HELP + ".")
    return value


def _only_text(value: Any) -> Any:
    """A date or an instant is written as a string; pydantic alone would take a number for a Unix time."""
    if not isinstance(value, str | date):
        raise PydanticCustomError("invalid_value", "Write this as a string, in quotes.")
    return value


def _only_iso_date(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise PydanticCustomError("invalid_value", "Write a date as 2026-11-23.")
    return value


def _only_rfc_3339(value: Any) -> Any:
    if isinstance(value, str) and not RFC_3339.fullmatch(value):
        raise PydanticCustomError("invalid_value", "Write an instant as 2026-11-23T09:14:00+01:00.")
    return value


def _storable(value: datetime) -> datetime:
    """PostgreSQL would read the first and the last instant there is as infinite."""
    try:
        is_finite = FIRST_INSTANT < value.astimezone(UTC) < LAST_INSTANT
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise PydanticCustomError("invalid_value", "Write an instant in the years 1 to 9999 of UTC.")
    return value


def _reckonable(value: datetime) -> datetime:
    if not EARLIEST <= value < LATEST:
        raise PydanticCustomError("invalid_value", "Write an instant in the years 2 to 9997 of UTC.")
    return value


@cache
def _time_zones() -> frozenset[str]:
    """Looked up once: it reads the file system. On some machines it has one that is whichever they are in."""
    return frozenset(available_timezones() - {"localtime"})


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise PydanticCustomError("unknown_time_zone", "Write an IANA time zone, such as Europe/Amsterdam.")
    return value


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise PydanticCustomError("invalid_value", "List each once.")
    return values


def _zulu(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Identifier = Annotated[
    str,
    BeforeValidator(_identifier),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 128, "pattern": IDENTIFIER}),
]
Integer = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Visible = AfterValidator(_visible)
"""Of what people read."""
Name = Annotated[str, Field(min_length=1, max_length=200), Visible]
Date = Annotated[date, BeforeValidator(_only_iso_date), BeforeValidator(_only_text)]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_only_rfc_3339),
    BeforeValidator(_only_text),
    AfterValidator(_storable),
    PlainSerializer(_zulu, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
InstantSent = Annotated[Instant, AfterValidator(_reckonable)]
Locale = Annotated[
    str, Shaped(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "Write a language as nl, nl-BE or zh-Hant-TW.")
]
Phrase = Annotated[str, Field(min_length=1, max_length=1000), Visible]
Texts = Annotated[dict[Locale, Phrase], Field(min_length=1)]
"""The same words by language."""
TimeZone = Annotated[
    str,
    AfterValidator(_time_zone),
    Field(
        min_length=1, max_length=64, json_schema_extra={"pattern": r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"}
    ),
]
ReadOnly = Annotated[Any, Field(json_schema_extra={"readOnly": True})]
"""A member of the representation that a sender may send back; accepted and ignored. Default it to None."""
Distinct = Annotated[list[T], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]
ABSENT: Any = None
"""Default of a merge-patch member that may not be null: absent keeps what is there."""
