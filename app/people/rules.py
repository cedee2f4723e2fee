"""Who may see something of a person. Pure."""

from typing import Literal

Visibility = Literal["private", "team", "organization"]
