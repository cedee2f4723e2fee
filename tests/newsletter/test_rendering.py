"""What the newsletter's words and tables look like, without a database."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import app.newsletter
from app.metrics.schemas import Gap, HeadlineOk, Score
from app.metrics.schemas.recognition import RecognitionOk
from app.newsletter.rendering import (
    MOST_LINES,
    MOST_ROWS,
    Celebrations,
    Group,
    Issue,
    Results,
    html_of,
    newsletter,
    number,
    text_of,
    words,
)
from tests.colours import contrast
from tests.metrics.test_words import CLAIMS, texts

LINK = "https://betrokken.example/v1/newsletter/unsubscribe/token"


def score(value: float, low: float | None, high: float | None) -> Score:
    return Score.model_construct(score=value, ci_low=low, ci_high=high)


def group(name: str = "Acme", depth: int = 0, precision: str = "exact", **more: Any) -> Group[HeadlineOk]:
    numbers: dict[str, Any] = {
        "n": 40,
        "precision": precision,
        "satisfaction": score(71.24, 66, 76.4),
        "engagement": score(67.1, None, None),
        "gap": Gap.model_construct(mean=-4.14, ci_low=-8.2, ci_high=0),
    }
    return Group(name, depth, HeadlineOk.model_construct(**numbers | more))


def letter_of(language: str, near: list[str] | None = None, **more: Any) -> Any:
    known: dict[str, Any] = {
        "organization": "Acme",
        "name": None,
        "celebrations": Celebrations(date(2026, 12, 1), date(2026, 12, 31), 37, near),
        "recognition_month": date(2026, 11, 1),
        "recognition": [
            Group("Acme", 0, RecognitionOk.model_construct(events=9, coverage_30=0.645, giver_share=1.0))
        ],
        "results": Results("Autumn", date(2026, 11, 20), [group()], is_distinct=True),
    }
    return newsletter(language, Issue(**known | more), LINK)


ENGLISH = "satisfaction 71.2 (66.0 to 76.4), engagement 67.1, difference −4.1 (−8.2 to 0.0), answers 40"
DUTCH = "tevredenheid 71,2 (66,0 tot 76,4), betrokkenheid 67,1, verschil −4,1 (−8,2 tot 0,0), antwoorden 40"


@pytest.mark.parametrize(("language", "line"), [("en", ENGLISH), ("nl", DUTCH)])
def test_numbers_are_written_as_in_the_language(language: str, line: str) -> None:
    assert f"- Acme: {line}" in text_of(letter_of(language)).splitlines()


def test_rounded_numbers_get_no_decimals() -> None:
    results = Results("Autumn", date(2026, 11, 20), [group(precision="integer")], is_distinct=True)
    assert "satisfaction 71 (66 to 76), " in text_of(letter_of("en", results=results))
    assert number("en", -0.04, 1) == "0.0"


def test_that_the_two_can_hardly_be_told_apart_is_said() -> None:
    results = Results("Autumn", date(2026, 11, 20), [group()], is_distinct=False)
    for language in words():
        warning = words()[language]["not_distinct"]
        assert warning in text_of(letter_of(language, results=results))
        assert warning not in text_of(letter_of(language))


def test_long_lists_are_cut_and_say_so() -> None:
    near = [f"{number} December: Ann" for number in range(MOST_LINES + 7)]
    rows = [group(f"Team {number}", 1) for number in range(MOST_ROWS + 5)]
    results = Results("Autumn", date(2026, 11, 20), rows, is_distinct=True)
    plain = text_of(letter_of("en", near, results=results))
    assert plain.count("December: Ann") == MOST_LINES
    assert "- and 7 more" in plain
    assert plain.count("- Team ") == MOST_ROWS
    assert "Groups not listed here: 5." in plain


def test_both_parts_tell_the_same() -> None:
    letter = letter_of("en", ["4 December: Ann & Bob"])
    html = html_of(letter)
    for said in (
        "4 December: Ann &amp; Bob",
        "71.2",
        "(66.0 to 76.4)",
        "64%",
        words()["en"]["privacy"],
        LINK,
    ):
        assert said in html, said


def test_every_text_is_there_in_both_languages_and_claims_no_cause() -> None:
    assert words()["en"].keys() == words()["nl"].keys()
    assert [said for said in texts(words()) if CLAIMS.search(said)] == []


LAYOUTS = ("newsletter/layout.mjml", "calendar/cards/layout.mjml", "mail/letter.mjml")


@pytest.mark.parametrize("name", LAYOUTS)
def test_text_of_mails_is_dark_enough_to_read(name: str) -> None:
    """On the ground of every mail; white stands on the dark colour of the bars."""
    layout = (Path(app.newsletter.__file__).parents[1] / name).read_text(encoding="utf-8")
    for colour in set(re.findall(r"(?<![-\w])color(?:=\"|: )(#[0-9a-f]{6})", layout)) - {"#ffffff"}:
        assert contrast("#f4f2f7", colour) >= 4.5, colour
