"""The colours of the pages (app/pages/static/palette.css), and those that only charts have.

Teal is above, ochre below: told apart by colour-blind people, and in grey by how dark they are.
"""

from dataclasses import dataclass
from typing import Final, Literal

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    paper: str
    ink: str
    muted: str
    line: str
    accent: str
    favourable: str
    neutral: str
    unfavourable: str
    higher: str
    higher_strong: str
    lower: str
    lower_strong: str


LIGHT: Final = Theme(
    paper="#fbf9f5",
    ink="#22292c",
    muted="#5d6467",
    line="#ddd7cb",
    accent="#0b6470",
    favourable="#2a7580",
    neutral="#e4ded3",
    unfavourable="#bf7f33",
    higher="#d3e8e8",
    higher_strong="#9fcfd3",
    lower="#f4e2c4",
    lower_strong="#e5bd85",
)
DARK: Final = Theme(
    paper="#171b1d",
    ink="#ece8e1",
    muted="#a8aeb0",
    line="#3a4043",
    accent="#74c7cf",
    favourable="#7cc3ca",
    neutral="#454b4e",
    unfavourable="#b97f3e",
    higher="#27494e",
    higher_strong="#2f6b73",
    lower="#46361c",
    lower_strong="#77551f",
)
THEMES: Final[dict[ThemeName, Theme]] = {"light": LIGHT, "dark": DARK}
