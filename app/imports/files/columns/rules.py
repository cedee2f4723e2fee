"""What the columns of a file mean: where in an item each goes, alone or with others."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.imports.files.rules import FileRefused, Header
from app.imports.files.values.rules import Flaw, Kind, Notation, Unreadable, meant, value_of

CONTRACT = "contract"
"""The days of a contract, where a person has a row of each: by these the present one is chosen."""
LOOKUP = "lookup"
"""What people of a file are called elsewhere in it, and by which of that each names their manager."""
BESIDE = {CONTRACT, LOOKUP}
"""No members of a person, but what an import of people goes by."""
NESTED = ("answers", "segments", *BESIDE)
TOO_MANY_CELLS = Flaw("too_many_cells", "The row has more cells than the header: quote cells that hold one.")
EXCEL_ERRORS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!")
)
RULE = re.compile(r"[-–—_=.*~+|/\\\s]+")
NO_VALUES = frozenset(("null", "n/a", "(blank)", "(empty)", "(leeg)", "(leer)"))
"""What programs write where there is nothing; in answers `null` is one."""
Cells = Sequence[str]
"""Of a row, bare, and empty where they hold what the mapping calls empty."""
Path = tuple[str, ...]


class Ambiguous(Unreadable):
    def __init__(self) -> None:
        detail = "Columns of the same name hold different values: map one of them by its exact name."
        super().__init__("ambiguous_columns", detail)


@dataclass(frozen=True)
class OneOf:
    """Columns of one name, spelling aside: what is filled in is read. One that is called just so wins."""

    places: Sequence[int]
    is_exact: bool

    def text(self, cells: Cells) -> str:
        found = [cells[place] for place in self.places if place < len(cells) and cells[place]]
        if len(set(found)) > 1 and not (self.is_exact and found[0] == cells[self.places[0]]):
            raise Ambiguous
        return found[0] if found else ""


@dataclass(frozen=True)
class Joined:
    """What there is of all parts."""

    parts: Sequence["Reader"]
    glue: str

    @property
    def places(self) -> list[int]:
        return [place for part in self.parts for place in part.places]

    def text(self, cells: Cells) -> str:
        return self.glue.join(text for part in self.parts if (text := part.text(cells)))


@dataclass(frozen=True)
class Chosen:
    """One of several, by what a column says. Where that gives nothing, or is not known, the other."""

    by: "Reader"
    cases: Mapping[str, "Reader"]
    otherwise: "Reader"

    @property
    def places(self) -> list[int]:
        readers = (self.otherwise, *self.cases.values(), self.by)
        return [place for reader in readers for place in reader.places]

    def text(self, cells: Cells) -> str:
        chosen = self.cases.get(self.by.text(cells), self.otherwise)
        return chosen.text(cells) or self.otherwise.text(cells)


Reader = OneOf | Joined | Chosen


@dataclass(frozen=True)
class Column:
    """Where in an item what is read goes."""

    path: Path
    reader: Reader

    @property
    def pointer(self) -> str:
        return pointer(self.path)


@dataclass(frozen=True)
class Layout:
    """What each column of a file means, which are not read, and which members have none."""

    kind: Kind
    header: Header
    columns: Sequence[Column]
    notation: Notation = field(default_factory=Notation)
    empty: Collection[str] = ()
    unread: Sequence[str] = ()
    unmatched: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Each with the columns that were looked for."""

    def column_at(self, pointer: str | None) -> str | None:
        """The name of the column that a pointer into an item leads back to."""
        for column in self.columns:
            if pointer and f"{pointer}/".startswith(f"{column.pointer}/"):
                return self.header.names[column.reader.places[0]]
        return None

    def item(self, row: Sequence[str]) -> dict[str, Any] | Flaw | None:
        """An empty cell is an absent member, and a row with nothing in it is none."""
        cells = [text if (text := meant(cell)) not in self.empty else "" for cell in row]
        if all(says_nothing(text, self.kind) for text in cells):
            return None
        if any(cells[len(self.header.names) :]):
            return TOO_MANY_CELLS
        item: dict[str, Any] = {"answers": {}} if self.kind == "responses" else {}
        for column in self.columns:
            try:
                self.fill(item, column, cells)
            except Unreadable as error:
                return Flaw(error.code, error.detail, column.pointer)
        return item

    def fill(self, item: dict[str, Any], column: Column, cells: Cells) -> None:
        text = column.reader.text(cells)
        if text in EXCEL_ERRORS:
            raise Unreadable("cell_error", "The cell holds an error of a formula: correct it.")
        if text:
            inside = item.setdefault(column.path[0], {}) if len(column.path) > 1 else item
            member = column.path[-1] if column.path[0] == CONTRACT else column.path[0]
            inside[column.path[-1]] = value_of(self.kind, member, text, self.notation)


def says_nothing(text: str, kind: Kind) -> bool:
    """Where all of a row does: the line below a header, or formulas that found nobody."""
    if not text or RULE.fullmatch(text) or text in EXCEL_ERRORS:
        return True
    return kind != "responses" and text.lower() in NO_VALUES


def pointer(path: Path) -> str:
    steps = (step.replace("~", "~0").replace("/", "~1") for step in path)
    return "#/" + "/".join(steps)


def pointer_to(member: str) -> str:
    return pointer(path_of(member))


def path_of(name: str) -> Path:
    head, dot, rest = name.partition(".")
    return (head, rest) if dot and head in NESTED else (name,)


def plain_layout(kind: Kind, header: Header, members: Collection[str], notation: Notation) -> Layout:
    """Every column is called as the member it goes to."""
    named = [name for name in header.names if name]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise FileRefused("repeated_column", f"Two columns are called {twice}: rename or remove one of them.")
    places = enumerate(header.names)
    columns = [Column(path_of(name), OneOf([place], True)) for place, name in places if name]
    stranger = next((column.path[0] for column in columns if column.path[0] not in members), None)
    if stranger is not None:
        raise FileRefused(
            "unknown_column", f"There is no field {stranger[:100]}: rename the column, or map it."
        )
    return Layout(kind, header, columns, notation)


# ------------------------------------------------------------------------------------------- mappings

ColumnLabels = Sequence[str]


@dataclass(frozen=True)
class Alternatives:
    """The first column there is of several."""

    names: ColumnLabels


@dataclass(frozen=True)
class Join:
    """All of several parts."""

    parts: Sequence["Source"]
    glue: str


@dataclass(frozen=True)
class Choice:
    """One of several sources, by what a column says."""

    by: Alternatives
    cases: Mapping[str, "Source"]
    otherwise: "Source"


Source = Alternatives | Join | Choice


@dataclass(frozen=True)
class Mapped:
    """A mapping: from what each member is read, and how values are written."""

    columns: Mapping[str, Source]
    notation: Notation
    empty: Collection[str]
    required: Collection[str]


def mapped_layout(kind: Kind, header: Header, mapping: Mapped) -> Layout:
    """Columns that no member is mapped from are left out, and so are members whose columns are not there."""
    finder = _Finder(header.names)
    found = {target: finder.reader(target, source) for target, source in mapping.columns.items()}
    columns = [Column(path_of(target), reader) for target, reader in found.items() if reader]
    unmatched = {
        target: list(names_in(mapping.columns[target]))
        for target in sorted(found)
        if not found[target] and path_of(target)[0] not in BESIDE
    }
    _refuse_what_lacks({*mapping.required} - {column.path[0] for column in columns}, mapping)
    read = {place for column in columns for place in column.reader.places}
    unread = [name for place, name in enumerate(header.names) if name and place not in read]
    return Layout(kind, header, columns, mapping.notation, mapping.empty, unread, unmatched)


def _refuse_what_lacks(lacking: Collection[str], mapping: Mapped) -> None:
    if lacking:
        member = min(lacking)
        wanted = [
            name
            for target, source in mapping.columns.items()
            if path_of(target)[0] == member
            for name in names_in(source)
        ]
        looked_for = f"none of the columns {', '.join(wanted)}" if wanted else "no column mapped to it"
        raise FileRefused(
            "mapping_does_not_fit",
            f"Every row needs {member}, and there is {looked_for}: is this the mapping of the file?",
        )


def names_in(source: Source) -> Iterator[str]:
    if isinstance(source, Alternatives):
        yield from source.names
    elif isinstance(source, Join):
        yield from (name for part in source.parts for name in names_in(part))
    else:
        for part in (source.otherwise, *source.cases.values(), source.by):
            yield from names_in(part)


def plainly(name: str) -> str:
    """Hire Date, hire_date and hireDate are one name; Employee and Employee # are two."""
    return re.sub(r"[^\w#]|_", "", unicodedata.normalize("NFKC", name)).casefold()


class _Finder:
    """Finds the columns of a header that sources name."""

    def __init__(self, header: ColumnLabels) -> None:
        self.header = header
        self.places: dict[str, list[int]] = {}
        for place, name in enumerate(header):
            self.places.setdefault(plainly(name), []).append(place)

    def reader(self, target: str, source: Source) -> Reader | None:
        if isinstance(source, Alternatives):
            return next(filter(None, map(self.column, source.names)), None)
        if isinstance(source, Join):
            return self.join(target, source)
        return self.choice(target, source)

    def column(self, name: str) -> OneOf | None:
        places = self.places.get(plainly(name), []) if plainly(name) else []
        exact = [place for place in places if self.header[place] == name]
        rest = [place for place in places if place not in exact]
        return OneOf([*exact, *rest], len(exact) == 1) if places else None

    def join(self, target: str, source: Join) -> Reader | None:
        """All of it or nothing: a name without its surname is not a name."""
        parts = [self.reader(target, part) for part in source.parts]
        found = [part for part in parts if part]
        if found and len(found) < len(parts):
            lacking = next(part for part, reader in zip(source.parts, parts, strict=True) if not reader)
            raise FileRefused(
                "mapping_does_not_fit",
                f"{target} is joined of several columns, and there is no {' or '.join(names_in(lacking))}:"
                " add the column, or change the mapping.",
            )
        return Joined(found, source.glue) if found else None

    def choice(self, target: str, source: Choice) -> Reader | None:
        """Without the column that decides there is nothing to choose from."""
        by, otherwise = self.reader(target, source.by), self.reader(target, source.otherwise)
        if by is None or otherwise is None:
            return otherwise
        read = ((code, self.reader(target, case)) for code, case in source.cases.items())
        cases = {code: reader for code, reader in read if reader}
        return Chosen(by, cases, otherwise)
