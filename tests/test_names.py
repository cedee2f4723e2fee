"""One word for one thing: what is the same stands once, and what is not has another name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import app

APP = Path(app.__file__).parent
CALLERS = "auth/callers.py"
SHAPES = {"dict", "list", "tuple", "Callable", "Mapping", "Sequence", "Awaitable"}


@cache
def parsed(source: str) -> list[ast.stmt]:
    return ast.parse(source).body


def statements(folder: Path) -> Iterator[tuple[str, ast.stmt]]:
    for file in sorted(folder.rglob("*.py")):
        for statement in parsed(file.read_text(encoding="utf-8")):
            yield file.relative_to(folder).as_posix(), statement


def aliases(folder: Path) -> Iterator[tuple[str, str, ast.expr]]:
    """Where, name and value of each type that is another's name."""
    for file, statement in statements(folder):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if name[0].isupper() and not name.isupper() and isinstance(statement.value, ast.Subscript):
                yield file, name, statement.value


def classes(folder: Path) -> Iterator[tuple[str, ast.ClassDef]]:
    return ((file, one) for file, one in statements(folder) if isinstance(one, ast.ClassDef))


def several(found: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    places = defaultdict(list)
    for name, file in found:
        places[name].append(file)
    return {name: files for name, files in places.items() if len(files) > 1}


def twice(folder: Path) -> dict[str, list[str]]:
    """A type that is written out in several modules under one name."""
    return several((f"{name} = {ast.unparse(value)}", file) for file, name, value in aliases(folder))


def of_several_meanings(folder: Path) -> dict[str, list[str]]:
    """A name that is a plain shape here, and another or a class there."""
    shaped = {name for _, name, value in aliases(folder) if outermost(value) in SHAPES}
    named = [(name, file) for file, name, _ in aliases(folder)]
    named += [(one.name, file) for file, one in classes(folder)]
    return several((name, file) for name, file in named if name in shaped)


def outermost(value: ast.expr) -> str:
    return ast.unparse(value.value).split(".")[-1] if isinstance(value, ast.Subscript) else ""


def errors_named_twice(folder: Path) -> dict[str, list[str]]:
    """A fault with a code of the contract, under a name that another has too."""
    return several((one.name, file) for file, one in classes(folder) if has_code(one))


def has_code(one: ast.ClassDef) -> bool:
    return any(isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code" for line in one.body)


def callers_elsewhere(folder: Path) -> set[str]:
    return {
        file
        for file, _, value in aliases(folder)
        if "Depends(requires(" in ast.unparse(value) and file != CALLERS
    }


def test_what_is_the_same_stands_once() -> None:
    assert twice(APP) == {}
    assert errors_named_twice(APP) == {}
    assert callers_elsewhere(APP) == set()


def test_a_word_has_one_meaning() -> None:
    assert of_several_meanings(APP) == {}


@pytest.mark.parametrize(
    ("check", "one", "other"),
    [
        (twice, "Language = Literal['en', 'nl']", "Language = Literal['en', 'nl']"),
        (of_several_meanings, "Body = dict[str, int]", "class Body:\n    pass"),
        (of_several_meanings, "Place = tuple[int, int]", "Place = Annotated[str, 1]"),
        (errors_named_twice, "class Gone(X):\n    code = 'a'", "class Gone(X):\n    code = 'b'"),
        (callers_elsewhere, "", "Reader = Annotated[Principal, Depends(requires(Scope.PEOPLE_READ))]"),
    ],
)  # fmt: skip
def test_a_second_one_is_found(tmp_path: Path, check: object, one: str, other: str) -> None:
    assert callable(check)
    (tmp_path / "one.py").write_text(one, encoding="utf-8")
    assert not check(tmp_path)
    (tmp_path / "other.py").write_text(other, encoding="utf-8")
    assert check(tmp_path)
