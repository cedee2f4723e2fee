"""What `make simulations` measures: one table of the guide each, written between its two marks."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GUIDE: Final = Path(__file__).parents[2] / "openapi" / "guides" / "metrics.md"
SEED: Final = 1
Cell = int | float | str | None
Measured = Callable[..., Sequence[Cell]]


@dataclass(frozen=True)
class Table:
    """`cases` are the first columns of its rows, and `measured` gives the others of each, by the case."""

    name: str
    of_case: Sequence[str]
    of_measured: Sequence[str]
    cases: Sequence[tuple[int | float | str, ...]]
    measured: Measured
    size: str
    coverage: Sequence[str] = ()
    """Those columns of it that say how often what is served held the truth."""

    @property
    def marks(self) -> tuple[str, str]:
        return (
            f"<!-- make simulations: {self.name}, {self.size}, seed {SEED} -->",
            f"<!-- {self.name}: end -->",
        )

    @property
    def head(self) -> str:
        names = [*self.of_case, *self.of_measured]
        return f"{_row(names)}\n|{'---|' * len(names)}"

    def starts(self) -> list[str]:
        """Of the rows, as they are written."""
        return [_row([_case(of) for of in case]) for case in self.cases]

    def text(self) -> str:
        rows = [
            start + _row([self._cell(of) for of in self.measured(*case)])[1:]
            for start, case in zip(self.starts(), self.cases, strict=True)
        ]
        return "\n".join([self.head, *rows])

    def _cell(self, of: Cell) -> str:
        if isinstance(of, float):
            return f"{of:.3f}".replace("-", "−")
        return "–" if of is None else _case(of)


def written(table: Table, text: str, page: str) -> str:
    """The page with the table in place of the one that had its name, of whatever size."""
    begin, end = table.marks
    old = re.compile(
        rf"<!-- make simulations: {re.escape(table.name)}, [^>]*-->.*?{re.escape(end)}", re.DOTALL
    )
    assert old.search(page), f"the guide has no marks of {table.name}"
    told = f"`make simulations`: {table.size}, seed {SEED}."
    return old.sub(lambda _: f"{begin}\n{text}\n\n{told}\n{end}", page)


def in_guide(table: Table) -> list[str]:
    """Its lines; none where the guide's is of another size or seed."""
    begin, _ = table.marks
    _, found, rest = GUIDE.read_text().partition(f"{begin}\n")
    return rest.partition("\n\n`make simulations`")[0].split("\n") if found else []


def measure(table: Table) -> None:
    """At full size: on the terminal, and in the guide."""
    text = table.text()
    print(f"{table.name}, {table.size}\n{text}\n", flush=True)
    GUIDE.write_text(written(table, text, GUIDE.read_text()))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _case(of: int | float | str) -> str:
    return f"{of:,}" if isinstance(of, int) else str(of)
