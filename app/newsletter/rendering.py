"""From a letter to a mail's parts, and from numbers to what the letter says of them. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import mjml

from app.calendar.cards.templates import ESCAPED, PLAIN
from app.charts.parts import Json
from app.core.languages import day_in_words, in_words, month_in_words
from app.core.one_line import on_one_line
from app.core.schema import Schema
from app.core.shipped import read_yaml
from app.metrics.schemas import HeadlineOk
from app.metrics.schemas.recognition import RecognitionOk

FOLDER = Path(__file__).parent
MOST_LINES = 25
MOST_ROWS = 40
Numbers = TypeVar("Numbers", bound=Schema)


@dataclass(frozen=True)
class TableRow:
    """What is told of a group; `hidden` says why nothing is."""

    name: str
    depth: int
    cells: Sequence[str] = ()
    hidden: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    lines: Sequence[str] = ()
    bullets: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[TableRow] = ()
    notes: Sequence[str] = ()
    picture: str = ""
    """In words, what a picture shows that goes with the mail."""


@dataclass(frozen=True)
class Letter:
    """With a `button`, that is where `link` goes; else it unsubscribes."""

    language: str
    subject: str
    hello: str
    opening: str
    sections: Sequence[Section]
    footer: Sequence[str]
    link: str
    button: str = ""
    unsubscribe: str = ""


@dataclass(frozen=True)
class Group(Generic[Numbers]):
    """A group with its numbers as the API answers them; `hidden` says in words why there are none."""

    name: str
    depth: int
    numbers: Numbers | None
    hidden: str = ""


@dataclass(frozen=True)
class Celebrations:
    """`near` is None for who is no colleague: names are not for them."""

    first: date
    last: date
    number: int
    near: Sequence[str] | None


@dataclass(frozen=True)
class Picture:
    """A PNG, and what it shows in words."""

    png: bytes
    says: str


@dataclass(frozen=True)
class Results:
    survey: str
    released_on: date
    groups: Sequence[Group[HeadlineOk]]
    is_distinct: bool
    picture: Picture | None = None
    drawing: Json | None = None
    """What the picture is drawn of, before it is."""


@dataclass(frozen=True)
class Issue:
    organization: str
    name: str | None
    celebrations: Celebrations
    recognition_month: date
    recognition: Sequence[Group[RecognitionOk]]
    results: Results | None


@cache
def words() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(FOLDER / "words.yaml")
    return found


def html_of(letter: Letter) -> str:
    return mjml.mjml2html(_filled("layout.mjml", letter, is_escaped=True), fonts={})


def text_of(letter: Letter) -> str:
    return _filled("layout.txt", letter, is_escaped=False)


def _filled(layout: str, letter: Letter, *, is_escaped: bool) -> str:
    environment = ESCAPED if is_escaped else PLAIN
    source = (FOLDER / layout).read_text(encoding="utf-8")
    return environment.from_string(source).render(letter=letter)


# ------------------------------------------------------------------ letters


def invitation(language: str, organization: str, name: str | None, link: str) -> Letter:
    said, of = words()[language], {"organization": on_one_line(organization)}
    return Letter(
        language=language,
        subject=said["invitation_subject"].format(**of),
        hello=_hello(said, name),
        opening=said["invitation"].format(**of),
        sections=(),
        footer=[said["invitation_ask"]],
        link=link,
        button=said["confirm"],
    )


def newsletter(language: str, issue: Issue, link: str) -> Letter:
    said, of = words()[language], {"organization": on_one_line(issue.organization)}
    month = month_in_words(language, issue.celebrations.first)
    return Letter(
        language=language,
        subject=said["subject"].format(month=month, **of),
        hello=_hello(said, issue.name),
        opening=said["opening"].format(**of),
        sections=[
            _celebrations(language, issue.celebrations, of),
            _recognition(language, issue),
            _results(language, issue.results),
        ],
        footer=[said["privacy"], said["reason"].format(**of)],
        link=link,
        unsubscribe=said["unsubscribe"],
    )


def _hello(said: dict[str, Any], name: str | None) -> str:
    hello: str = said["hello"].format(name=on_one_line(name)) if name else said["hello_nobody"]
    return hello


def _celebrations(language: str, found: Celebrations, of: dict[str, str]) -> Section:
    said, near = words()[language], found.near
    first, last = in_words(language, found.first), in_words(language, found.last)
    lines = [said["celebrations_total"].format(first=first, last=last, number=found.number, **of)]
    if near is None:
        return Section(said["celebrations"], lines)
    lines.append(said["celebrations_near"] if near else said["celebrations_none"])
    bullets = [on_one_line(line) for line in near[:MOST_LINES]]
    if len(near) > MOST_LINES:
        bullets.append(said["more"].format(number=len(near) - MOST_LINES))
    return Section(said["celebrations"], lines, bullets)


def _recognition(language: str, issue: Issue) -> Section:
    said = words()[language]
    rows, notes = _rows(language, issue.recognition, _thanks)
    month = month_in_words(language, issue.recognition_month)
    return Section(
        said["recognition"].format(month=month),
        columns=said["recognition_columns"],
        rows=rows,
        notes=[*notes, said["recognition_note"]],
    )


def _results(language: str, results: Results | None) -> Section:
    said = words()[language]
    if results is None:
        return Section(said["results"], [said["results_none"]])
    rows, notes = _rows(language, results.groups, _scores)
    if not results.is_distinct:
        notes.append(said["not_distinct"])
    day = day_in_words(language, results.released_on)
    return Section(
        said["results"],
        [said["results_of"].format(survey=on_one_line(results.survey), day=day)],
        columns=said["results_columns"],
        rows=rows,
        notes=[*notes, said["results_note"]],
        picture=on_one_line(results.picture.says) if results.picture else "",
    )


def _rows(
    language: str, groups: Sequence[Group[Numbers]], cells: Callable[[str, Numbers], list[str]]
) -> tuple[list[TableRow], list[str]]:
    """The first of them, and a note where there are more."""
    rows = [
        TableRow(
            on_one_line(group.name),
            group.depth,
            () if group.numbers is None else cells(language, group.numbers),
            group.hidden,
        )
        for group in groups[:MOST_ROWS]
    ]
    left = len(groups) - len(rows)
    return rows, [words()[language]["rows_more"].format(number=left)] if left else []


def _thanks(language: str, told: RecognitionOk) -> list[str]:
    return [str(told.events), f"{told.coverage_30:.0%}", f"{told.giver_share:.0%}"]


def _scores(language: str, told: HeadlineOk) -> list[str]:
    decimals = 1 if told.precision == "exact" else 0
    means = [(one.score, one.ci_low, one.ci_high) for one in (told.satisfaction, told.engagement)]
    means.append((told.gap.mean, told.gap.ci_low, told.gap.ci_high))
    return [*(_with_interval(language, *mean, decimals) for mean in means), str(told.n)]


def _with_interval(language: str, mean: float, low: float | None, high: float | None, decimals: int) -> str:
    told = number(language, mean, decimals)
    if low is None or high is None:
        return told
    ends = number(language, low, decimals), number(language, high, decimals)
    return f"{told} ({ends[0]} {words()[language]['to']} {ends[1]})"


def number(language: str, value: float, decimals: int) -> str:
    """71.2 in English and 71,2 in Dutch."""
    written = f"{round(value, decimals) + 0:.{decimals}f}".replace("-", "−")
    return written.replace(".", ",") if language == "nl" else written
