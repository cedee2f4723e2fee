"""The contract is written in parts, one place for each thing, and bundled into the file that is served."""

import shutil
from pathlib import Path

import pytest
import yaml

from app.core.contract import AS_JSON, CONTRACT, METHODS
from openapi.bundle import Unbundled, as_json, bundle

PARTS = CONTRACT.parent / "src"
FILES = sorted(PARTS.rglob("*.yaml"))
MEANT_FOR_COPIES = {"examples", "fragments.yaml"}
"""Their contents come into the bundle by a reference to a file, and not by where they lie."""


def test_the_bundle_is_made_of_the_parts_as_they_are() -> None:
    is_fresh = CONTRACT.read_text(encoding="utf-8") == bundle(PARTS)
    assert is_fresh, "openapi/openapi.yaml is not what its parts in openapi/src make: run `make contract`"


def test_the_contract_as_json_is_made_of_the_bundle_as_it_is() -> None:
    is_fresh = AS_JSON.read_text(encoding="utf-8") == as_json(CONTRACT.read_text(encoding="utf-8"))
    assert is_fresh, "openapi/openapi.json is not what openapi/openapi.yaml says: run `make contract`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PARTS)))
def test_a_part_has_no_alias(file: Path) -> None:
    """What stands in two places is a component, or is copied from a file of examples or fragments."""
    with file.open(encoding="utf-8") as text:
        assert [str(event.start_mark) for event in yaml.parse(text) if getattr(event, "anchor", None)] == []


@pytest.mark.parametrize("file", sorted(PARTS.glob("paths/*.yaml")), ids=lambda file: file.stem)
def test_a_path_lies_in_the_file_of_its_tag(file: Path) -> None:
    operations = [
        (path, method, operation["tags"])
        for path, item in yaml.safe_load(file.read_text(encoding="utf-8")).items()
        for method, operation in item.items()
        if method in METHODS
    ]
    assert [own for own in operations if own[2] != [file.stem]] == []


def test_what_is_there_to_be_copied_is_used() -> None:
    texts = [file.read_text(encoding="utf-8") for file in FILES]
    unused = [
        f"{file.name}#/{name}"
        for file in FILES
        if file.relative_to(PARTS).parts[0] in MEANT_FOR_COPIES
        for name in yaml.safe_load(file.read_text(encoding="utf-8"))
        if not any(f"{file.name}#/{name}}}" in text for text in texts)
    ]
    assert unused == []


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return shutil.copytree(PARTS, tmp_path / "src")


def add(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as end:
        end.write(text)


def test_a_change_of_a_part_is_seen(parts: Path) -> None:
    add(parts / "schemas" / "people.yaml", "Nickname: {type: string}\n")
    assert "\n    Nickname: {type: string}\n" in bundle(parts)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("schemas/people.yaml", "Survey: {type: string}\n", "schemas: twice there: Survey"),
        ("schemas/people.yaml", "A: {type: string, type: integer}\n", "people.yaml: twice there: type"),
        ("schemas/people.yaml", "A: {on: {type: string}}\n", "people.yaml: write 'on' between quotes"),
        ("paths/hobbies.yaml", "/v1/hobbies: {}\n", "hobbies.yaml: call it by a tag"),
        ("headers.yaml", "Odd: {$ref: examples/people.yaml#/nobody}\n", "people.yaml has no nobody"),
        ("headers.yaml", "Odd: {$ref: examples/hobbies.yaml#/chess}\n", "hobbies.yaml is not there"),
    ],
)
def test_what_is_wrong_with_a_part_is_told(parts: Path, file: str, text: str, told: str) -> None:
    add(parts / file, text)
    with pytest.raises(Unbundled, match=told):
        bundle(parts)


def test_every_comma_of_a_description_is_inside_quotes() -> None:
    """Else what follows it is a member without a value, which other readers of YAML refuse."""
    assert "!!null" not in CONTRACT.read_text(encoding="utf-8")
