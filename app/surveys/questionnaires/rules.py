"""What a question may be about, and how it may be answered. Pure."""

from typing import Literal

Dimension = Literal["satisfaction", "engagement", "outcome"]
Kind = Literal["scale", "choice", "choices", "text"]
LeverName = Literal["clarity", "recognition", "purpose", "connection", "resources_and_safety", "growth"]
