from datetime import UTC, datetime, timedelta

import pytest

from app.recognition.rules import may_be_edited, specificity
from app.recognition.words import words

VALUES = ("ownership", "Klant eerst")


@pytest.mark.parametrize(
    ("message", "points"),
    [
        ("Great job!", 0),
        ("Great job, well done!!! Thank you so much, thank you so much, great job. Top, top, kudos. 🎉", 0),
        ("Goed gedaan, dank je wel!", 0),
        ("", 0),
        ("You are kind.", 0),
        ("You fixed it.", 1),
        ("Dat heb je opgelost.", 1),
        ("You comforted her family.", 1),
        ("Je hebt alles ingepakt en geladen.", 1),
        ("That was ownership.", 1),
        ("Dat is klant eerst.", 1),
        ("It works because of you.", 1),
        ("Nu klopt het, omdat jij het zag.", 1),
        ("The report for Zwolle.", 1),
        ("Before 9 o'clock.", 1),
        ("See www.example.com", 1),
        ("op dinsdag", 1),
        ("Thanks. You are kind.", 0),
        ("x" * 60, 1),
        ("x" * 59, 0),
        ("You fixed it, so that the customer could go on.", 2),
        ("On Tuesday you fixed it, so that the customer could go on.", 3),
        ("On Tuesday you fixed the invoices of March, so that the customer could go on without a call.", 4),
    ],
)
def test_specificity_is_a_point_for_each_thing_said(message: str, points: int) -> None:
    assert specificity(message, None, VALUES, words()) == points


def test_a_value_counts_as_what_was_done_once() -> None:
    assert specificity("You are kind.", "ownership", VALUES, words()) == 1
    assert specificity("You fixed it.", "ownership", VALUES, words()) == 1
    assert specificity("Great job!", "ownership", VALUES, words()) == 0


def test_the_window_for_changes_closes_at_its_end() -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    assert may_be_edited(made, made + timedelta(minutes=14, seconds=59), 15)
    assert not may_be_edited(made, made + timedelta(minutes=15), 15)
    assert not may_be_edited(made, made, 0)
