"""How a chart is wanted: in which language, theme and width; and numbers as that language writes them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.charts.letters import wrapped
from app.charts.palette import THEMES, Theme, ThemeName
from app.core.shipped import read_yaml
from app.metrics import schemas
from app.metrics.definitions import document

WORDS = Path(__file__).with_name("words.yaml")
WIDER = 1.16
"""So much wider may a reader's font be than the one that was measured: what runs across has room for it."""
PHONE = 500
"""Pixels: below this names are broken over more lines, and what is beside a mark is left out."""


@cache
def words() -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = read_yaml(WORDS)
    return read


def lower_first(said: str) -> str:
    return said[:1].lower() + said[1:]


@dataclass(frozen=True)
class Look:
    language: str
    theme_name: ThemeName
    width: int

    @property
    def theme(self) -> Theme:
        return THEMES[self.theme_name]

    @property
    def is_narrow(self) -> bool:
        return self.width < PHONE

    def say(self, key: str, **values: object) -> str:
        return str(words()[key][self.language]).format(**values)

    def label(self, kind: str, key: str) -> str:
        """As the definitions call it."""
        return str(document()["labels"][kind][key][self.language])

    def verdict(self, key: str) -> str:
        """In the middle of a sentence."""
        return lower_first(self.label("verdicts", key))

    def name(self, group: schemas.GroupRef) -> str:
        return self.say("whole") if group.kind == "organization" else group.name

    def of_group(self, group: schemas.GroupRef, said: str) -> str:
        """The whole organisation is meant where nothing else is said."""
        if group.kind == "organization":
            return said
        return self.say("of_group", name=group.name, said=lower_first(said))

    def number(self, value: float, digits: int = 0) -> str:
        text = f"{abs(value):.{digits}f}"
        sign = "−" if value < 0 and float(text) else ""
        return sign + (text.replace(".", ",") if self.language == "nl" else text)

    def signed(self, value: float, digits: int = 0) -> str:
        text = self.number(value, digits)
        return f"+{text}" if value > 0 and text.strip("0,.") else text

    def percent(self, share: float) -> str:
        return f"{100 * share:.0f}%"

    def listed(self, names: list[str]) -> str:
        if len(names) < 2:
            return "".join(names)
        return f"{', '.join(names[:-1])} {self.say('and')} {names[-1]}"

    def within(self, text: str, pixels: float) -> list[str]:
        """Such as the title of an axis, that keeps to its own panel."""
        return wrapped(text, pixels / WIDER)

    def lines(self, text: str, less: int = 0) -> list[str]:
        return self.within(text, self.width - less)
