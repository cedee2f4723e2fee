from datetime import datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from app.core.schema import Instant, InstantSent, Name, Phrase

INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-20T10:14:00+01:00", "2026-11-20T09:14:00Z"),
        ("2026-11-20t09:14:00.25z", "2026-11-20T09:14:00.250000Z"),
        ("0001-01-01T00:00:01Z", "0001-01-01T00:00:01Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_an_instant_leaves_in_utc(sent: str, kept: str) -> None:
    assert INSTANT.dump_python(INSTANT.validate_python(sent), mode="json") == kept


@pytest.mark.parametrize(
    "sent",
    [
        1700000000,
        "1700000000",
        "2026-11-20",
        "2026-11-20T09:14:00",
        "2026-02-30T09:14:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59.999999Z",
    ],
)
def test_what_is_no_instant_or_cannot_be_stored_is_refused(sent: object) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(sent)


@pytest.mark.parametrize(
    ("sent", "is_taken"),
    [
        ("0001-12-31T23:59:59Z", False),
        ("0002-01-01T00:00:00Z", True),
        ("9997-12-31T23:59:59Z", True),
        ("9998-01-01T00:00:00Z", False),
        ("9997-12-31T20:00:00-04:00", False),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_what_is_sent_leaves_days_to_reckon_with(sent: str, is_taken: bool) -> None:
    try:
        TypeAdapter(InstantSent).validate_python(sent)
    except ValidationError:
        assert not is_taken
    else:
        assert is_taken


@pytest.mark.parametrize("kind", [Name, Phrase])
def test_what_people_read_can_be_seen(kind: object) -> None:
    words: TypeAdapter[str] = TypeAdapter(kind)
    for seen in ("a", "0", "\U0001f469\u200d\U0001f527", "\u2764\ufe0f", "\u0645\u200c\u0627", "."):
        assert words.validate_python(seen) == seen
    for unseen in ("\u200b", "\u2060", "\u3164", "\u00ad", "\ufeff", " ", "\u2800\u200d\n", "\U000e0041"):
        with pytest.raises(ValidationError, match="can be seen"):
            words.validate_python(unseen)
