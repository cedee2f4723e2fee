"""The forms of a chart."""

from typing import Final, Literal

Format = Literal["svg", "png"]
SPECIFICATION: Final = "application/vnd.vegalite.v6+json"
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
ALIASES: Final = {SPECIFICATION: ("application/json",)}
