"""Every text that a person reads: complete in both languages, judging nobody, and claiming no cause."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import app.main
from app.calendar import words as calendar_words
from app.core import languages
from app.core.contract import contract
from app.core.errors import AppError
from app.core.languages import LANGUAGES
from app.core.shipped import read_yaml
from app.metrics.definitions import document
from tests.metrics.test_words import CLAIMS, texts

ROOT = Path(app.__file__).parent
NOT_OURS_TO_SAY = {
    "demo/company.yaml": "what people of the demo wrote to each other",
    "recognition/words.yaml": "words that are looked for in messages",
    "surveys/questionnaires/betrokken-33.yaml": "version 1 of the questions, which stays as it was asked",
    "imports/mappings/afas.yaml": "names of another product's columns",
    "imports/mappings/bamboohr.yaml": "names of another product's columns",
    "imports/mappings/personio.yaml": "names of another product's columns",
}
FORBIDDEN = re.compile(
    r"\b(bevlogen\w*|afgehaakt\w*|hefbo\w+|betrokkenen?|he|his|him|himself|he's|mend|mends|mended|alike)\b",
    re.IGNORECASE,
)
OVERRIDES = {"heading_size", "unit"}
"""Of the cards; where a language has none, that of its shared words is taken."""
LABELS = {
    "quadrant": "quadrants",
    "verdict": "verdicts",
    "state": "verdicts",
    "lever": "levers",
    "criterion": "scales",
}
PLACE = re.compile(r"\{\w+\}")


def words_of_files() -> dict[str, Any]:
    names = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.yaml")}
    return {name: read_yaml(path) for name, path in names.items() if name not in NOT_OURS_TO_SAY}


def words_of_modules() -> dict[str, Any]:
    return {
        name: value
        for module in (calendar_words, languages)
        for name, value in vars(module).items()
        if isinstance(value, Mapping) and set(value) == set(LANGUAGES)
    }


@cache
def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")}


def said_in_code(path: Path, tree: ast.Module) -> Iterator[str]:
    """Strings of more than one word; of the command line docstrings too, which are its help."""
    notes = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        if is_text and (id(node) not in notes or path.parent.name == "cli"):
            yield node.value  # type: ignore[attr-defined]


@cache
def every_text() -> tuple[tuple[str, str], ...]:
    """Where it is, and what it says."""
    sources: dict[str, Any] = {"the contract": contract(), **words_of_files(), **words_of_modules()}
    for path, tree in modules().items():
        sources[path.relative_to(ROOT).as_posix()] = list(said_in_code(path, tree))
    for path in [*ROOT.rglob("*.mjml"), *ROOT.rglob("layout.txt")]:
        sources[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    return tuple((name, text) for name, source in sources.items() for text in texts(source))


def translated(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, Mapping):
        if set(value) & set(LANGUAGES):
            yield place, dict(value)
        else:
            for key, member in value.items():
                yield from translated(member, f"{place}/{key}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from translated(member, f"{place}/{number}")


def shape(value: Any) -> Any:
    """The keys of a text and what is filled in; the words left out."""
    if isinstance(value, Mapping):
        return {key: shape(member) for key, member in value.items() if key not in OVERRIDES}
    return set(PLACE.findall(" ".join(texts(value))))


def test_no_text_has_a_word_that_we_do_not_use() -> None:
    assert len(every_text()) > 3000
    assert [(where, text) for where, text in every_text() if FORBIDDEN.search(text)] == []


def test_no_text_claims_a_cause() -> None:
    assert [(where, text) for where, text in every_text() if CLAIMS.search(text)] == []


@pytest.mark.parametrize(
    "planted",
    ["Zo bevlogen zijn we.", "Afgehaakt", "welke hefboom", "Nobody recognises himself", "his answers"],
)
def test_such_a_word_would_be_found(planted: str) -> None:
    assert FORBIDDEN.search(planted)
    assert not FORBIDDEN.search("Betrokkenheid: who is engaged, this and what the helpers recommended")


def test_every_text_is_there_in_every_language_with_the_same_places() -> None:
    found = [
        one
        for name, source in {**words_of_files(), **words_of_modules()}.items()
        for one in translated(source, name)
    ]
    assert len(found) > 200
    for place, words in found:
        assert set(words) == set(LANGUAGES), place
        assert all(text.strip() for text in texts(words)), place
        assert shape(words["en"]) == shape(words["nl"]), place


def test_every_code_of_the_metrics_has_a_label() -> None:
    labels = document()["labels"]
    schemas = contract()["components"]["schemas"].values()
    properties = [schema["properties"] for schema in schemas if "properties" in schema]
    for member, kind in LABELS.items():
        codes = {code for one in properties if member in one for code in codes_of(one[member])}
        assert codes, member
        assert codes <= labels[kind].keys(), member
    reasons = {code for one in properties if "status" in one for code in codes_of(one.get("reason", {}))}
    assert len(reasons) > 20
    assert reasons <= labels["reasons"].keys()


def codes_of(schema: Any) -> set[str]:
    """The enum of a property, also within anyOf."""
    inner = [code for option in schema.get("anyOf", []) for code in codes_of(option)]
    return {code for code in [*schema.get("enum", []), *inner] if code is not None}


def kinds_of(error: type[AppError]) -> Iterator[type[AppError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def test_every_problem_says_what_happened_and_what_to_do() -> None:
    found = {f"{kind.__module__}.{kind.__qualname__}": kind.detail for kind in kinds_of(AppError)}
    own = {name: detail for name, detail in found.items() if detail != AppError.detail}
    assert len(own) > 80
    first_words = re.compile(r"^\(?[A-Z].+\.$", re.DOTALL)
    assert [name for name, detail in own.items() if not first_words.match(detail)] == []
    assert [detail for detail in own.values() if not re.search(r"[:;.] \S", detail)] == []


def test_what_is_wrong_with_a_value_is_a_sentence_too() -> None:
    found = [said for tree in modules().values() for said in refusals(tree)]
    assert len(found) > 20
    assert [said for said in found if not re.match(r"[A-Z][^()]+\.$", said)] == []


def name_of(called: ast.expr) -> str | None:
    return called.id if isinstance(called, ast.Name) else None


def refusals(tree: ast.AST) -> Iterator[str]:
    """What validators of our own say; an X stands for what is filled in."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or name_of(call.func) not in ("PydanticCustomError", "Shaped"):
            continue
        if not isinstance(call.args[1], ast.Attribute | ast.Name):  # of a name the words stand elsewhere
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts_of(call.args[1])
            )


def parts_of(words: ast.expr) -> list[ast.expr]:
    if isinstance(words, ast.BinOp):
        return [*parts_of(words.left), *parts_of(words.right)]
    return words.values if isinstance(words, ast.JoinedStr) else [words]
